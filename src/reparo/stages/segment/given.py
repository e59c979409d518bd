"""Objects from masks that someone painted or another program made."""

from dataclasses import dataclass
from pathlib import Path

from reparo.errors import InputError
from reparo.files.images import read_mask
from reparo.files.names import check_name
from reparo.scene import Photo, Region
from reparo.stages.segment.regions import disjoint_regions


@dataclass(frozen=True)
class GivenSegmenter:
    """One region per `folder`/NAME.png, of the photo's size; 128 and above is inside."""

    folder: str | Path

    def __call__(self, photo: Photo) -> list[Region]:
        folder = Path(self.folder)
        if not folder.is_dir():
            raise InputError(f"masks must be in a folder of PNG files, {folder} is none")
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png")
        if not files:
            raise InputError(f"{folder} must hold a mask NAME.png for each object, it has no PNG")
        names = [check_name(path.stem, f"the name of the mask {path}") for path in files]
        masks = [read_mask(path, photo.size, path.stem) for path in files]
        regions = disjoint_regions(names, masks)
        if lost := sorted(set(names) - {region.name for region in regions}):
            raise InputError(
                f"masks are the visible parts of objects, but nothing of {lost[0]!r} is left "
                "outside of smaller masks; give each pixel to the object in front"
            )
        return regions
