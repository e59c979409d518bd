"""Depth from a file: a sensor's, a network's, or the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reparo.files.depths import read_depth
from reparo.scene import Camera, Depth, Photo, Region


@dataclass(frozen=True)
class GivenDepth:
    """Reads a .npy of numbers [height, width] that spans the picture corner to corner."""

    file: str | Path
    kind: str  # what the file stores: metric, scale, affine or disparity

    def __call__(self, photo: Photo, camera: Camera, regions: Sequence[Region]) -> Depth:
        """Gives the file's depth; the arguments are not looked at."""
        return read_depth(Path(self.file), self.kind)
