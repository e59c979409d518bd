"""What training reads, laid out for reading at random: pictures, masks and tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from rich.progress import track

from reparo.stages.complete.outline import complete_outline
from training.outline.scene import Scene, read_scene, who_hides
from training.pool import pool

LEAST_SHARE, MOST_SHARE = 0.2, 0.98  # of an object that shows, to count as partly hidden
LEAST_AREA = 100  # px of the visible part


@dataclass(frozen=True)
class Target:
    """One object to be completed."""

    scene: int  # row of the store's pictures
    number: int  # in the scene, from 0
    row: int  # of the store's full masks
    share: float  # how much of it shows
    hiders: tuple[int, ...]  # numbers in the scene
    name: str

    @property
    def hidden(self) -> bool:
        """Whether a part of it is, that matters."""
        return self.share < MOST_SHARE


@dataclass(frozen=True)
class Store:
    """The pictures of all scenes with something to complete, and what there is to complete."""

    rgb: np.ndarray  # uint8 [m, s, s, 3]
    index: np.ndarray  # uint8 [m, s, s]
    tokens: np.ndarray  # float16 [m, k, 24, 24], of `principal`
    full: np.ndarray  # uint8 [k, s * s / 8], packed bits
    guess: np.ndarray  # uint8 [k, 2, s * s / 8]: hidden parts, smooth; see `guesses`
    targets: tuple[Target, ...]

    def truth(self, target: Target) -> np.ndarray:
        """Its full mask, bool [s, s]."""
        return self._unpacked(self.full[target.row])

    def smooth(self, target: Target, all_hide: bool) -> np.ndarray:
        """Its hidden part as the outline goes on behind its hiders, or all others; bool [s, s]."""
        return self._unpacked(self.guess[target.row, int(all_hide)])

    def _unpacked(self, bits: np.ndarray) -> np.ndarray:
        return np.unpackbits(bits).reshape(self.index.shape[1:]).astype(bool)


@dataclass(frozen=True)
class Asked:
    """One scene's targets; their `scene` and `row` count from 0 here."""

    scene: Scene
    targets: Sequence[Target]
    guesses: np.ndarray  # uint8 [k, 2, s * s / 8]


def targets_of(scene: Scene) -> list[Target]:
    """What is partly hidden, and what is whole though something stands before it."""
    hides = who_hides(scene)
    found = []
    for i, name in enumerate(scene.names):
        share = scene.share(i)
        hiders = tuple(int(j) for j in np.nonzero(hides[i])[0])
        if hiders and share >= LEAST_SHARE and scene.visible(i).sum() >= LEAST_AREA:
            found.append(Target(0, i, len(found), share, hiders, name))
    return found


def asked(scene: Scene) -> Asked | None:
    """What there is to complete; None where nothing is hidden."""
    targets = targets_of(scene)
    if not any(target.hidden for target in targets):
        return None
    return Asked(scene, targets, np.stack([guesses(scene.index, target) for target in targets]))


def guesses(index: np.ndarray, target: Target) -> np.ndarray:
    """Packed bits [2, s * s / 8]: the smooth hidden part behind its hiders, and all others."""
    visible = index == target.number + 1
    hiders = np.isin(index, np.array(target.hiders) + 1)
    others = (index > 0) & ~visible
    behind = [complete_outline(visible, mask).hidden for mask in (hiders, others)]
    return np.stack([np.packbits(hidden) for hidden in behind])


def lay_out(files: Sequence[Path], tokens: Sequence[np.ndarray], out: Path) -> None:
    """Scenes and the tokens of each, as `load` reads them."""
    out.mkdir(parents=True, exist_ok=True)
    with pool() as workers:
        found = list(track(workers.map(_asked, files, chunksize=16), "hidden objects", len(files)))
    rows = [row for row, one in enumerate(found) if one is not None]
    build([found[row] for row in rows], out)
    shape = (len(rows), *tokens[0].shape)
    chosen = open_memmap(out / "tokens.npy", "w+", np.float16, shape)
    for place, row in enumerate(track(rows, "tokens")):
        chosen[place] = tokens[row]


def build(items: Iterable[Asked], out: Path) -> None:
    """Writes OUT/{rgb,index,full,guess,targets}."""
    made: dict[str, list[np.ndarray]] = {name: [] for name in ("rgb", "index", "full", "guess")}
    lines: list[tuple[object, ...]] = []
    for item in items:
        place = len(made["rgb"])
        for target in item.targets:
            made["full"].append(np.packbits(item.scene.full[target.number]))
            lines.append((place, target.number, len(lines), *astuple(target)[3:]))
        made["guess"] += list(item.guesses)
        made["rgb"].append(item.scene.rgb)
        made["index"].append(item.scene.index)
    for name, values in made.items():
        np.save(out / f"{name}.npy", np.stack(values))
    np.save(out / "targets.npy", np.array(lines, dtype=object))


def load(folder: Path) -> Store:
    """What is laid out, by memory map."""
    arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("rgb", "index", "tokens")]
    lines = np.load(folder / "targets.npy", allow_pickle=True)
    bits = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("full", "guess")]
    return Store(*arrays, *bits, tuple(Target(*line) for line in lines))


def _asked(file: Path) -> Asked | None:
    return asked(read_scene(file))
