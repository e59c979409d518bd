"""Made-up pieces being put together: forms in their places, y up, the front towards +z.

Lengths are metres, about; the whole is brought to the unit cube later.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from training.shape.forms import Ball, Box, Cut, Form, Lump, Ring, Rod, Turned

Three = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """A form, turned and moved to its place in a piece."""

    form: Form
    turn: np.ndarray  # [3, 3], piece from form
    place: np.ndarray  # [3]
    stuff: int  # which of the piece's materials


@dataclass
class Pile:
    """Parts so far; `rng` decides what is left open."""

    rng: np.random.Generator
    parts: list[Part] = field(default_factory=list)

    def add(self, form: Form, place: Three, stuff: int, turn: np.ndarray | None = None) -> None:
        """A form with its middle there."""
        turn = np.eye(3) if turn is None else turn
        self.parts.append(Part(form, turn, np.array(place, float), stuff))

    def box(
        self, place: Three, size: Three, stuff: int = 0, turn: np.ndarray | None = None
    ) -> None:
        """A box by its middle and full size."""
        self.add(Box(np.array(size) / 2), place, stuff, turn)

    def soft(self, place: Three, size: Three, stuff: int = 0, power: float = 5.0) -> None:
        """A rounded box, a cushion, a ball (power 2)."""
        self.add(Ball(np.array(size) / 2, power), place, stuff)

    def rod(self, start: Three, end: Three, thick: float, stuff: int = 0) -> None:
        """Round, between two points; `thick` is the radius."""
        self.add(Rod(np.array(start, float), np.array(end, float), thick), (0, 0, 0), stuff)

    def bent(self, points: np.ndarray, thick: float, stuff: int = 0) -> None:
        """Rods from point to point."""
        for start, end in pairwise(points):
            self.rod(tuple(start), tuple(end), thick, stuff)

    def turned(self, place: Three, profile: ArrayLike, stuff: int = 0, sides: int = 32) -> None:
        """A full profile of (height, radius) turned about the vertical through a place."""
        self.add(Turned(np.array(profile, float), sides), place, stuff)

    def disc(
        self, place: Three, radius: float, high: float, stuff: int = 0, sides: int = 32
    ) -> None:
        """A cylinder or prism by its middle."""
        self.turned(place, [(-high / 2, radius), (high / 2, radius)], stuff, sides)

    def ring(self, place: Three, radius: float, thick: float, stuff: int = 0) -> None:
        """A lying ring."""
        self.add(Ring(radius, thick), place, stuff)

    def any(self, low: float, high: float) -> float:
        """A length between two."""
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        """Whether."""
        return bool(self.rng.random() < share)

    def pick(self, *options: str) -> str:
        """One of several."""
        return options[int(self.rng.integers(len(options)))]


def about(axis: int, angle: float) -> np.ndarray:
    """A turn about an axis of the piece."""
    matrix = np.eye(3)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[b, a], matrix[a, b] = np.sin(angle), -np.sin(angle)
    return matrix


def any_turn(rng: np.random.Generator) -> np.ndarray:
    """All turns alike."""
    matrix, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


def lump(rng: np.random.Generator, size: float) -> Lump:
    """A ball of about that radius, with random bumps."""
    count = 5
    heights = rng.dirichlet(np.ones(count)) * 0.35
    return Lump(size, rng.normal(size=(count, 3)) * 2.5, heights, rng.uniform(0, 6.3, count))


def outline(rng: np.random.Generator, count: int = 0) -> np.ndarray:
    """A star-shaped outline of radius up to 1: regular, a star, or anyhow."""
    count = count or int(rng.integers(3, 13))
    angles = (np.arange(count) + 0.5) / count * 2 * np.pi - np.pi
    kind = rng.integers(3)
    radius = np.ones(count)
    if kind == 1:
        radius[::2] = rng.uniform(0.35, 0.8)
    elif kind == 2:
        radius = rng.uniform(0.45, 1, count)
    return np.stack([radius * np.sin(angles), radius * np.cos(angles)], -1)


def profile(rng: np.random.Generator, bottom: float = 0.5, knots: int = 0) -> np.ndarray:
    """A smooth profile of height 1 and radius up to about 1/2: height, radius [k, 2]."""
    knots = knots or int(rng.integers(2, 6))
    radii = rng.uniform(0.12, 0.5, knots)
    radii[0] = max(radii[0], bottom * radii.max())
    height = np.linspace(0, 1, 17)
    if knots == 2:
        return np.stack([height[::16], radii], -1)
    at = np.linspace(0, knots - 1, 17)
    low = np.minimum(at.astype(int), knots - 2)
    share = at - low
    share = share * share * (3 - 2 * share)
    return np.stack([height, radii[low] * (1 - share) + radii[low + 1] * share], -1)


def cut(rng: np.random.Generator, size: float, high: float, count: int = 0) -> Cut:
    """A flat piece of random outline, lying."""
    return Cut(outline(rng, count) * size, high / 2)
