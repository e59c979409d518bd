"""Objects from SAM or SAM 2.1 as the model hub has them: boxed, clicked, named, or all there are.

Never run with trained weights: proven with random ones that were saved in the hub's layout.
"""

from dataclasses import dataclass, field
from pathlib import Path

from reparo.contracts import Progress
from reparo.models import located
from reparo.scene import Photo, Region
from reparo.stages.pretrained import Place, Precision, forget
from reparo.stages.segment.asked import Asked, segment
from reparo.stages.segment.grounding import DETECTOR, GroundingDino
from reparo.stages.segment.sam_network import load_sam


@dataclass(frozen=True)
class HubSamSegmenter:
    """Which SAM it is, its folder says: facebook/sam-vit-* or facebook/sam2.1-hiera-*."""

    weights: str | Path = "sam-vit-base"  # a folder, or the name of a pulled network
    boxes: str | Path | None = None  # JSON file, pixels of the photo
    points: str | Path | None = None  # JSON file, pixels of the photo
    text: str | None = None  # what to look for, as in "chair . table lamp"
    detector: GroundingDino = DETECTOR  # finds what text names
    samples: int = 160  # where nobody says: how many places are asked
    device: str = "auto"
    precision: Precision = "float32"
    progress: Progress | None = field(default=None, repr=False, compare=False)

    def __call__(self, photo: Photo) -> list[Region]:
        place = Place(self.device, self.precision)
        return segment(
            photo,
            Asked(self.boxes, self.points, self.text, self.samples),
            lambda: load_sam(located(self.weights), place),
            lambda: self.detector.load(self.device),
            self.progress,
        )

    def close(self) -> None:
        """Lets go of the network."""
        forget()
