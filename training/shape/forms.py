"""Forms that know both their surface and their inside: what made-up pieces are built from.

Each has `mesh()`, closed triangles seen counter-clockwise from outside, and `inside(points, cell)`
for points [n, 3] in the form's own frame. No form is thinner than two cells: where it would be,
it is so thick around its middle.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Triangles = tuple[np.ndarray, np.ndarray]  # vertices [v, 3], faces [f, 3]
FACETS = 10  # squares along each side of a ball's cube


class Form(Protocol):
    """A solid around the origin."""

    def mesh(self) -> Triangles: ...

    def inside(self, points: np.ndarray, cell: float) -> np.ndarray: ...


@dataclass(frozen=True)
class Box:
    """Between -half and half."""

    half: np.ndarray

    def mesh(self) -> Triangles:
        """Its corners."""
        points, faces = _cube(1)
        return points * self.half, faces

    def inside(self, points: np.ndarray, cell: float) -> np.ndarray:
        """Between the planes."""
        return np.all(np.abs(points) <= np.maximum(self.half, cell), axis=1)


@dataclass(frozen=True)
class Ball:
    """|x / a|^p + |y / b|^p + |z / c|^p <= 1: an ellipsoid (2), a cushion (4), a soft box (8)."""

    half: np.ndarray
    power: float = 2.0

    def mesh(self) -> Triangles:
        """Along the ways through a cube's grid."""
        points, faces = _cube(FACETS)
        sums = (np.abs(points) ** self.power).sum(1, keepdims=True)
        return points * sums ** (-1 / self.power) * self.half, faces

    def inside(self, points: np.ndarray, cell: float) -> np.ndarray:
        """By its equation."""
        share = np.abs(points / np.maximum(self.half, cell))
        return (share**self.power).sum(1) <= 1


@dataclass(frozen=True)
class Lump:
    """A ball with bumps: radius size (1 + sum of heights sin(waves . way + phases))."""

    size: float
    waves: np.ndarray  # [k, 3]
    heights: np.ndarray  # [k], together below 1
    phases: np.ndarray  # [k]

    def mesh(self) -> Triangles:
        """Along the ways through a cube's grid."""
        points, faces = _cube(FACETS)
        ways = points / np.linalg.norm(points, axis=1, keepdims=True)
        return ways * self._radius(ways)[:, None], faces

    def inside(self, points: np.ndarray, cell: float) -> np.ndarray:
        """Nearer than the surface."""
        far = np.linalg.norm(points, axis=1)
        return far <= np.maximum(self._radius(points / np.maximum(far, 1e-9)[:, None]), cell)

    def _radius(self, ways: np.ndarray) -> np.ndarray:
        return self.size * (1 + np.sin(ways @ self.waves.T + self.phases) @ self.heights)


@dataclass(frozen=True)
class Turned:
    """A profile turned about y, with so many sides: rods, cones, prisms, vases, hollow or full."""

    outer: np.ndarray  # [k, 2]: height, rising; radius
    sides: int = 32
    inner: np.ndarray | None = None  # the same of the hollow, up to the top

    def mesh(self) -> Triangles:
        """Rings from the bottom's middle around to the top's or the hollow's."""
        profile = [np.array([[self.outer[0, 0], 0]]), self.outer]
        if self.inner is None:
            profile.append(np.array([[self.outer[-1, 0], 0]]))
        else:
            profile += [self.inner[::-1], np.array([[self.inner[0, 0], 0]])]
        rings = np.concatenate(profile)
        turn = (np.arange(self.sides) + 0.5) / self.sides * 2 * np.pi
        shape = (len(rings), self.sides)
        x, z = rings[:, 1:] * np.sin(turn), rings[:, 1:] * np.cos(turn)
        points = np.stack([x, np.broadcast_to(rings[:, :1], shape), z], -1)
        return points.reshape(-1, 3), _tube(*shape)

    def inside(self, points: np.ndarray, cell: float) -> np.ndarray:
        """Between the profiles, at the point's height."""
        radius = np.hypot(points[:, 0], points[:, 2])
        if self.sides < 24:
            step = 2 * np.pi / self.sides
            turn = np.arctan2(points[:, 0], points[:, 2]) % step - step / 2
            # corners lie at the middles of the steps: a side's middle at their ends
            radius = radius * np.cos(step / 2 - np.abs(turn)) / np.cos(step / 2)
        height, (low, high) = points[:, 1], self.outer[[0, -1], 0]
        middle, half = (low + high) / 2, max((high - low) / 2, cell)
        outer = np.maximum(np.interp(height, *self.outer.T), cell)
        found = (np.abs(height - middle) <= half) & (radius <= outer)
        if self.inner is not None:
            hollow = np.minimum(np.interp(height, *self.inner.T), outer - 2 * cell)
            found &= (radius > hollow) | (height < max(self.inner[0, 0], low + 2 * cell))
        return found


@dataclass(frozen=True)
class Ring:
    """A torus about y."""

    radius: float
    thick: float  # radius of the tube
    around: int = 32

    def mesh(self) -> Triangles:
        """A grid that closes both ways."""
        across = 12
        a = np.arange(self.around + 1) / self.around * 2 * np.pi
        b = np.arange(across) / across * 2 * np.pi
        a, b = np.meshgrid(a, b, indexing="ij")
        wide = self.radius + self.thick * np.cos(b)
        points = np.stack([wide * np.sin(a), -self.thick * np.sin(b), wide * np.cos(a)], -1)
        faces = _tube(self.around + 1, across) % (self.around * across)
        return points[:-1].reshape(-1, 3), faces

    def inside(self, points: np.ndarray, cell: float) -> np.ndarray:
        """Near the circle."""
        off = np.hypot(points[:, 0], points[:, 2]) - self.radius
        return off**2 + points[:, 1] ** 2 <= max(self.thick, cell) ** 2


@dataclass(frozen=True)
class Rod:
    """Round, with round ends, from one point to another."""

    start: np.ndarray
    end: np.ndarray
    thick: float  # radius

    def mesh(self) -> Triangles:
        """Two half balls and what is between them."""
        along = self.end - self.start
        up = along / max(float(np.linalg.norm(along)), 1e-9)
        side = np.cross(up, [1, 0, 0] if abs(up[0]) < 0.7 else [0, 1, 0])
        side /= np.linalg.norm(side)
        across, rings = 10, 4
        b = np.arange(rings) / (rings - 1) * np.pi / 2
        heights = np.concatenate([-np.cos(b), np.sin(b)])
        turn = np.arange(across) / across * 2 * np.pi
        ring = np.sin(turn)[:, None] * side + np.cos(turn)[:, None] * np.cross(side, up)
        wide = np.concatenate([np.sin(b), np.cos(b)])
        middle = np.repeat([self.start, self.end], rings, 0) + self.thick * heights[:, None] * up
        points = middle[:, None] + self.thick * wide[:, None, None] * ring
        return points.reshape(-1, 3), _tube(2 * rings, across)

    def inside(self, points: np.ndarray, cell: float) -> np.ndarray:
        """Near the line."""
        along = self.end - self.start
        share = ((points - self.start) @ along / max(float(along @ along), 1e-12)).clip(0, 1)
        off = points - self.start - share[:, None] * along
        return (off**2).sum(1) <= max(self.thick, cell) ** 2


@dataclass(frozen=True)
class Cut:
    """A flat outline that the origin sees all of, so thick along y: stars, leaves, gables."""

    outline: np.ndarray  # [k, 2] x, z; by rising angle atan2(x, z)
    half: float

    def mesh(self) -> Triangles:
        """Bottom, rim and top."""
        count = len(self.outline)
        low, high = (np.insert(self.outline, 1, y, 1) for y in (-self.half, self.half))
        points = np.concatenate([np.zeros((count, 3)), low, high, np.zeros((count, 3))])
        points[:count, 1], points[-count:, 1] = -self.half, self.half
        return points, _tube(4, count)

    def inside(self, points: np.ndarray, cell: float) -> np.ndarray:
        """On the origin's side of the edge that is in its way."""
        turn = np.arctan2(*self.outline.T)
        order = np.argsort(turn)
        corners = self.outline[order]
        at = np.searchsorted(turn[order], np.arctan2(points[:, 0], points[:, 2]))
        a, b = corners[at % len(corners)], corners[at - 1]
        edge, flat = b - a, points[:, [0, 2]] - a
        within = edge[:, 0] * flat[:, 1] - edge[:, 1] * flat[:, 0] >= 0
        mine = edge[:, 1] * a[:, 0] - edge[:, 0] * a[:, 1] >= 0
        return (within == mine) & (np.abs(points[:, 1]) <= max(self.half, cell))


def _tube(rings: int, around: int) -> np.ndarray:
    """Triangles between neighbouring rings of so many points."""
    ring, place = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
    a, b = ring * around + place, ring * around + (place + 1) % around
    c, d = a + around, b + around
    return np.stack([a, b, d, a, d, c], -1).reshape(-1, 3)


def _cube(steps: int) -> Triangles:
    """The surface of the cube between -1 and 1, each side in steps x steps squares."""
    across = np.tan((np.arange(steps + 1) / steps * 2 - 1) * np.pi / 4)  # even once on a ball
    u, v = (one.ravel() for one in np.meshgrid(across, across, indexing="ij"))
    row, column = (one.ravel() for one in np.meshgrid(*2 * (np.arange(steps),), indexing="ij"))
    a = row * (steps + 1) + column
    b, c, d = a + steps + 1, a + steps + 2, a + 1
    faces = np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)
    points, all_faces = [], []
    for axis in range(3):
        for end in (1, -1):
            side = np.empty((len(u), 3))
            side[:, axis], side[:, (axis + 1) % 3], side[:, (axis + 2) % 3] = end, u, v
            all_faces.append((faces if end > 0 else faces[:, ::-1]) + len(points) * len(u))
            points.append(side)
    return np.concatenate(points), np.concatenate(all_faces)
