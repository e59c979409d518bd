"""The objects' outlines as files, called after their content, so that no state loses its own."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image
from torch import Tensor

from reparo.app.state import Thing
from reparo.errors import InputError
from reparo.files.folder import whole_file
from reparo.files.images import read_mask, write_mask
from reparo.scene import Region
from reparo.stages.segment.regions import disjoint_regions

LONGEST = 1600  # px, of the picture on the page
TWIN = 0.8  # IoU above which two masks mean the same object


@dataclass
class Masks:
    """A folder of PNGs of the photo's size."""

    folder: Path
    size: tuple[int, int]  # height and width of the photo, px
    known: dict[str, Bool[Tensor, "h w"]] = field(default_factory=dict)
    small: dict[str, Bool[Tensor, "rows columns"]] = field(default_factory=dict)

    def keep(self, mask: Bool[Tensor, "h w"]) -> str:
        """Writes it, unless it is there; its file's name."""
        content = hashlib.sha256(mask.to(torch.uint8).numpy().tobytes()).hexdigest()
        name = f"{content[:16]}.png"
        if not (self.folder / name).is_file():
            with whole_file(self.folder / name) as path:
                write_mask(path, mask)
        self.known[name] = mask
        return name

    def read(self, thing: Thing) -> Bool[Tensor, "h w"]:
        """An object's outline as it was marked; others may cover parts of it."""
        if thing.mask not in self.known:
            self.known[thing.mask] = read_mask(self.folder / thing.mask, self.size, thing.name)
        return self.known[thing.mask]

    def regions(self, things: Iterable[Thing]) -> list[Region]:
        """What each shows of itself, largest first; where two overlap, the smaller is in front."""
        marked = {thing.name: self.read(thing) for thing in things}
        return disjoint_regions(list(marked), list(marked.values()))

    def small_regions(self, things: Iterable[Thing]) -> list[Region]:
        """The same in the pixels of the page's picture, in the order of the things."""
        marked = {thing.name: self._small(thing) for thing in things}
        found = {one.name: one for one in disjoint_regions(list(marked), list(marked.values()))}
        return [found[name] for name in marked if name in found]

    def shrunk(self, mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "rows columns"]:
        """A mask in the pixels of the page's picture."""
        height, width = page_size(self.size)
        image = Image.fromarray(mask.numpy().astype(np.uint8) * 255)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(image) >= 128)

    def check(self, things: Iterable[Thing]) -> None:
        """Refuses outlines of which one would vanish behind the others."""
        things = tuple(things)
        shown = {region.name for region in self.small_regions(things)}
        if lost := sorted({thing.name for thing in things} - shown):
            raise InputError(
                f"nothing of {lost[0]} would be left beside the others; delete it or merge it first"
            )

    def twin(self, mask: Bool[Tensor, "h w"], things: Iterable[Thing]) -> str | None:
        """The object that has this outline already, nearly."""
        small = self.shrunk(mask).numpy()
        for thing in things:
            other = self._small(thing).numpy()
            shared, either = np.count_nonzero(small & other), np.count_nonzero(small | other)
            if either and shared / either > TWIN:
                return thing.name
        return None

    def at(self, x: float, y: float, things: Iterable[Thing]) -> str | None:
        """The object in front at a pixel of the photo."""
        height, width = page_size(self.size)
        row, column = int(y * height / self.size[0]), int(x * width / self.size[1])
        if not (0 <= row < height and 0 <= column < width):
            return None
        here = [one.name for one in self.small_regions(things) if one.visible[row, column]]
        return here[0] if here else None

    def _small(self, thing: Thing) -> Bool[Tensor, "rows columns"]:
        if thing.mask not in self.small:
            self.small[thing.mask] = self.shrunk(self.read(thing))
        return self.small[thing.mask]


def page_size(size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the page's picture of a photo of that size, px."""
    shrink = min(1.0, LONGEST / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
