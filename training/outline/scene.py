"""One made-up scene as the full-mask head wants it: pictures, masks, and who hides whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation

from reparo.stages.complete.order import BORDER

SIDE = 336  # px
LEAST_HIDDEN = 4  # px: fewer that another one covers are chance


@dataclass(frozen=True)
class Scene:
    """A picture and what is true of it; n objects."""

    rgb: np.ndarray  # uint8 [s, s, 3]
    index: np.ndarray  # uint8 [s, s]: 0 no object, else its number from 1
    full: np.ndarray  # bool [n, s, s]
    disparity: np.ndarray  # [s, s], 1 / z
    names: tuple[str, ...]

    def visible(self, i: int) -> np.ndarray:
        """What shows of object i."""
        return self.index == i + 1

    def share(self, i: int) -> float:
        """How much of object i shows."""
        return float(self.visible(i).sum()) / max(1, int(self.full[i].sum()))


def scene_files(folder: Path) -> list[Path]:
    """In the order of the tokens' rows."""
    return sorted(folder.glob("*.npz"))


def read_scene(file: Path) -> Scene:
    """A file of `training.scenes`."""
    kept = np.load(file)
    names = tuple(str(name) for name in kept["names"])
    shape = (len(names), *kept["index"].shape)
    full = np.unpackbits(kept["full"], count=int(np.prod(shape))).reshape(shape).astype(bool)
    disparity = kept["disparity"].astype(np.float32)
    return Scene(kept["rgb"], kept["index"], full, disparity, names)


def read_scenes(folder: Path) -> Iterator[Scene]:
    """All of a folder, one after the other."""
    for file in scene_files(folder):
        yield read_scene(file)


def who_hides(scene: Scene) -> np.ndarray:
    """[n, n]: whether the second object hides a part of the first, or touches it from in front."""
    count = len(scene.names)
    hides = np.zeros((count, count), bool)
    grown = [binary_dilation(scene.visible(i), iterations=BORDER) for i in range(count)]
    for i in range(count):
        for j in range(count):
            if i == j:
                continue
            covered = int((scene.full[i] & scene.visible(j)).sum())
            covering = int((scene.full[j] & scene.visible(i)).sum())
            if max(covered, covering) >= LEAST_HIDDEN:
                hides[i, j] = covered >= LEAST_HIDDEN
            else:
                hides[i, j] = _touches_from_in_front(scene, (i, j), grown)
    return hides


def _touches_from_in_front(scene: Scene, pair: tuple[int, int], grown: list[np.ndarray]) -> bool:
    i, j = pair
    far, near = scene.visible(i) & grown[j], scene.visible(j) & grown[i]
    if not (far.any() and near.any()):
        return False
    return float(np.median(scene.disparity[near])) > float(np.median(scene.disparity[far]))
