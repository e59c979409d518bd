"""The upright axis about which an outline is its own mirror image, where it has one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

LEAST_OVERLAP = 0.4  # of the visible pixels: what has to meet its own mirror image
LEAST_SCORE = 0.9
TILTS_DEG = range(-16, 17, 4)


@dataclass(frozen=True)
class Mirror:
    """Sends a pixel to its mirror image across the line through `centre` across `normal`."""

    centre: tuple[float, float]  # x, y in px
    normal: tuple[float, float]  # unit, x first
    score: float  # share of reflected pixels that agree with what is seen; 0..1

    def reflect(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mirror image of pixel positions."""
        across = (x - self.centre[0]) * self.normal[0] + (y - self.centre[1]) * self.normal[1]
        return x - 2 * across * self.normal[0], y - 2 * across * self.normal[1]

    @property
    def trust(self) -> float:
        """0 for an outline just symmetric enough to count, 1 for a perfect one."""
        return max(0.0, (self.score - LEAST_SCORE) / (1 - LEAST_SCORE))


def find_mirror(visible: Bool[np.ndarray, "h w"], maybe: Bool[np.ndarray, "h w"]) -> Mirror | None:
    """The best axis: reflected, what is visible is visible again or falls where it may be hidden.

    What may be hidden (`maybe`) speaks neither for nor against an axis. Axes up to 16° off
    upright are tried at each column of the object; None where none is good enough.
    """
    y, x = np.nonzero(visible)
    label = np.where(visible, 1, np.where(maybe, 0, -1))
    middle = (y.min() + y.max()) / 2
    best = None
    for tilt in np.deg2rad(TILTS_DEG):
        for column in np.arange(x.min(), x.max() + 1):
            normal = (float(np.cos(tilt)), float(np.sin(tilt)))
            mirror = Mirror((float(column), float(middle)), normal, 0.0)
            seen = look_up(label, *mirror.reflect(x, y), outside=-1)
            agree, against = (seen == 1).sum(), (seen == -1).sum()
            score = agree / max(agree + against, 1)
            enough = agree >= LEAST_OVERLAP * len(x) and score >= LEAST_SCORE
            if enough and (best is None or score > best.score):
                best = Mirror(mirror.centre, normal, float(score))
    return best


def look_up(values: np.ndarray, x: np.ndarray, y: np.ndarray, outside: int | float) -> np.ndarray:
    """The value at the pixel nearest to each position (pixel centres at integers)."""
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    height, width = values.shape
    within = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return np.where(within, values[row.clip(0, height - 1), column.clip(0, width - 1)], outside)
