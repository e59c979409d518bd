"""Objects from the packaged SAM: boxed, clicked or named by the user, or found without help."""

from dataclasses import dataclass, field
from pathlib import Path

from reparo.contracts import Progress
from reparo.scene import Photo, Region
from reparo.stages.pretrained import forget
from reparo.stages.segment.asked import Asked, segment
from reparo.stages.segment.grounding import DETECTOR, GroundingDino
from reparo.stages.segment.network import load_sam


@dataclass(frozen=True)
class SamSegmenter:
    """Boxes `{name: [x0, y0, x1, y1]}`, points `{name: [[x, y, inside], ...]}`, text, or none."""

    boxes: str | Path | None = None  # JSON file, pixels of the photo
    points: str | Path | None = None  # JSON file, pixels of the photo
    text: str | None = None  # what to look for, as in "chair . table lamp"; needs the detector
    detector: GroundingDino = DETECTOR  # finds what text names; not a packaged network
    samples: int = 160  # where nobody says: how many places are asked, 60 ms each
    device: str = "auto"  # of the detector; the packaged network computes on the cpu
    progress: Progress | None = field(default=None, repr=False, compare=False)

    def __call__(self, photo: Photo) -> list[Region]:
        return segment(
            photo,
            Asked(self.boxes, self.points, self.text, self.samples),
            load_sam,
            lambda: self.detector.load(self.device),
            self.progress,
        )

    def close(self) -> None:
        """Lets go of the detector; the packaged network is small and kept."""
        forget()
