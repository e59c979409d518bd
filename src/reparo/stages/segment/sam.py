"""Objects from the packaged SAM: boxed or clicked by the user, or found without help."""

from dataclasses import dataclass, field
from pathlib import Path

from jaxtyping import Bool
from torch import Tensor

from reparo.contracts import Progress
from reparo.errors import InputError
from reparo.scene import Photo, Region
from reparo.stages.segment.automatic import find_objects
from reparo.stages.segment.network import View, load_sam
from reparo.stages.segment.prompts import Box, Points, read_boxes, read_points
from reparo.stages.segment.regions import disjoint_regions
from reparo.stages.segment.tidy import tidy


@dataclass(frozen=True)
class SamSegmenter:
    """Boxes `{name: [x0, y0, x1, y1]}`, points `{name: [[x, y, inside], ...]}`, or neither."""

    boxes: str | Path | None = None  # JSON file, pixels of the photo
    points: str | Path | None = None  # JSON file, pixels of the photo
    samples: int = 160  # without boxes and points: how many places are asked, 60 ms each
    progress: Progress | None = field(default=None, repr=False, compare=False)

    def __call__(self, photo: Photo) -> list[Region]:
        if self.boxes is not None and self.points is not None:
            raise InputError("either boxes or points can say where the objects are, got both")
        progress = self.progress or _quiet
        if self.boxes is not None:
            return _prompted(photo, read_boxes(Path(self.boxes), photo.size), progress)
        if self.points is not None:
            return _prompted(photo, read_points(Path(self.points), photo.size), progress)
        if self.samples < 1:
            raise InputError(f"samples must be 1 or more, got {self.samples}")
        return find_objects(photo, self.samples, progress)


def _quiet(what: str, done: int, of_how_many: int) -> None:
    """Shows nothing."""


def _prompted(
    photo: Photo, prompts: dict[str, Box] | dict[str, Points], progress: Progress
) -> list[Region]:
    """One region a name."""
    view = load_sam().look(photo.rgb)
    masks = []
    for index, (name, prompt) in enumerate(prompts.items()):
        progress("segment", index, len(prompts))
        masks.append(_mask(view, name, prompt))
    progress("segment", len(prompts), len(prompts))
    regions = disjoint_regions(list(prompts), masks)
    if lost := sorted(set(prompts) - {region.name for region in regions}):
        raise InputError(
            f"each prompt must mean an object of its own, but {lost[0]!r} got only pixels "
            "of others; move its box or points"
        )
    return regions


def _mask(view: View, name: str, prompt: Box | Points) -> Bool[Tensor, "h w"]:
    """The network's mask for one prompt, at the photo's size."""
    if isinstance(prompt, Points):
        answer = view.ask_points(prompt.at, prompt.inside)
        # One point is ambiguous: of the three rivals the most likely one. More points are not.
        best = 0 if len(prompt.at) > 1 else 1 + int(answer.scores[1:].argmax())
    else:
        answer, best = view.ask_box(prompt), 0
    mask = tidy(view.at_picture_size(answer.logits[best]))
    if not mask.any():
        raise InputError(f"nothing was found where {name!r} should be; draw its box or points anew")
    return mask
