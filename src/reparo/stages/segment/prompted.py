"""Objects where the user says they are: one prompt, one object."""

from jaxtyping import Bool
from torch import Tensor

from reparo.contracts import Progress
from reparo.errors import InputError
from reparo.scene import Photo, Region
from reparo.stages.segment.predictor import Predictor, View, at_size
from reparo.stages.segment.prompts import Box, Points
from reparo.stages.segment.regions import disjoint_regions
from reparo.stages.segment.tidy import tidy


def objects_at(
    photo: Photo,
    predictor: Predictor,
    prompts: dict[str, Box] | dict[str, Points],
    progress: Progress,
) -> list[Region]:
    """One region a name; a prompt that brings nothing of its own is the user's to mend."""
    view = predictor.look(photo.rgb)
    masks = []
    for index, (name, prompt) in enumerate(prompts.items()):
        progress("segment", index, len(prompts))
        mask = mask_of(view, prompt)
        if not mask.any():
            raise InputError(
                f"nothing was found where {name!r} should be; draw its box or points anew"
            )
        masks.append(mask)
    progress("segment", len(prompts), len(prompts))
    regions = disjoint_regions(list(prompts), masks)
    if lost := sorted(set(prompts) - {region.name for region in regions}):
        raise InputError(
            f"each prompt must mean an object of its own, but {lost[0]!r} got only pixels "
            "of others; move its box or points"
        )
    return regions


def mask_of(view: View, prompt: Box | Points) -> Bool[Tensor, "h w"]:
    """The network's mask for one prompt, at the photo's size; may be empty."""
    if isinstance(prompt, Points):
        answer = view.ask_points(prompt.at, prompt.inside)
        # One point is ambiguous: of the three rivals the most likely one. More points are not.
        best = 0 if len(prompt.at) > 1 else 1 + int(answer.scores[1:].argmax())
    else:
        answer, best = view.ask_box(prompt), 0
    return tidy(at_size(answer.logits[best], view.size))
