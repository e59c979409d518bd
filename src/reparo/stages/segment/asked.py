"""What a segmenter was asked for, and the way that goes: prompts, names, or all there is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reparo.contracts import Progress, quiet
from reparo.errors import InputError
from reparo.scene import Photo, Region
from reparo.stages.segment.automatic import find_objects
from reparo.stages.segment.named import Detector, objects_named, phrases_in
from reparo.stages.segment.predictor import Predictor
from reparo.stages.segment.prompted import objects_at
from reparo.stages.segment.prompts import read_boxes, read_points


@dataclass(frozen=True)
class Asked:
    """Where the objects are, if anyone says; at most one of the three ways to say it."""

    boxes: str | Path | None = None  # JSON file, pixels of the photo
    points: str | Path | None = None  # JSON file, pixels of the photo
    text: str | None = None  # names with full stops between
    samples: int = 160  # how many places are asked where nobody says

    def check(self) -> None:
        """Raises unless it is one thing, and whole."""
        ways = [way for way in ("boxes", "points", "text") if getattr(self, way) is not None]
        if len(ways) > 1:
            raise InputError(
                "either boxes or points or text can say where the objects are, got "
                f"{'both' if len(ways) == 2 else 'all of'} {' and '.join(ways)}"
            )
        if self.samples < 1:
            raise InputError(f"samples must be 1 or more, got {self.samples}")


def segment(
    photo: Photo,
    asked: Asked,
    load: Callable[[], Predictor],
    load_detector: Callable[[], Detector],
    progress: Progress | None = None,
) -> list[Region]:
    """The regions that were asked for; networks are loaded when their turn comes."""
    asked.check()
    told = progress or quiet
    if asked.boxes is not None:
        return objects_at(photo, load(), read_boxes(Path(asked.boxes), photo.size), told)
    if asked.points is not None:
        return objects_at(photo, load(), read_points(Path(asked.points), photo.size), told)
    if asked.text is not None:
        found = load_detector()(photo.rgb, phrases_in(asked.text))
        return objects_named(photo, load(), found, told) if found else []
    return find_objects(photo, load(), asked.samples, told)
