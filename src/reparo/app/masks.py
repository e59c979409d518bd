"""The objects' outlines as files, called after their content, so that no state loses its own."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from reparo.app.state import Thing
from reparo.errors import InputError
from reparo.files.folder import whole_file
from reparo.files.images import read_mask, write_mask
from reparo.scene import Region
from reparo.stages.segment.regions import disjoint_regions

TWIN = 0.8  # IoU above which two masks mean the same object


@dataclass
class Masks:
    """A folder of PNGs of the photo's size."""

    folder: Path
    size: tuple[int, int]  # height and width of the photo, px
    known: dict[str, Bool[Tensor, "h w"]] = field(default_factory=dict)

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

    def check(self, masks: Mapping[str, Bool[Tensor, "h w"]]) -> None:
        """Refuses outlines of which one would vanish behind the others."""
        shown = {region.name for region in disjoint_regions(list(masks), list(masks.values()))}
        if lost := sorted(set(masks) - shown):
            raise InputError(
                f"nothing of {lost[0]} would be left beside the others; delete it or merge it first"
            )

    def twin(self, mask: Bool[Tensor, "h w"], things: Iterable[Thing]) -> str | None:
        """The object that has this outline already, nearly."""
        for thing in things:
            other = self.read(thing)
            shared, either = int((mask & other).sum()), int((mask | other).sum())
            if either and shared / either > TWIN:
                return thing.name
        return None

    def at(self, x: float, y: float, things: Iterable[Thing]) -> str | None:
        """The object in front at a pixel."""
        row, column = int(y), int(x)
        if not (0 <= row < self.size[0] and 0 <= column < self.size[1]):
            return None
        here = [thing for thing in things if self.read(thing)[row, column]]
        return min(here, key=lambda thing: int(self.read(thing).sum())).name if here else None
