"""Cut-outs from a folder: somebody else's completion, or the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reparo.errors import InputError
from reparo.files.cutouts import read_cutout
from reparo.scene import Cutout, Depth, Photo, Region


@dataclass(frozen=True)
class GivenCompleter:
    """Reads NAME.png (RGBA) and NAME.json, with NAME.visible.png and NAME.depth.npy if there."""

    folder: str | Path  # as `reparo.files.cutouts.write_cutout` leaves it

    def __call__(
        self, photo: Photo, region: Region, others: Sequence[Region], depth: Depth | None
    ) -> Cutout:
        """Gives the cut-out of the region's name; the other arguments are not looked at."""
        folder = Path(self.folder)
        if not folder.is_dir():
            raise InputError(f"wanted a folder of cut-outs, but {folder} is none; give its path")
        return read_cutout(folder, region.name)
