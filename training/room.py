"""Made-up scenes: objects on a floor, on each other or on a wall, seen by a camera.

Three makes: rooms, where everything has its true size; still lives, where sizes are by chance; and,
if asked, rooms seen from close by, where things fill the picture and stand before near walls.
"""

from dataclasses import dataclass

import numpy as np

from reparo.scene import Mesh
from training.clutter import clutter
from training.library import Model
from training.picture import View
from training.rays import moved
from training.stock import Stock
from training.surroundings import floor_and_walls, island

SIDE = 336  # px of the picture, unless said otherwise: 24 patches of the transformer
USUAL = np.radians(50)  # field of view
MOST = 7  # objects
LEAST_SEEN = 0.004  # of the picture that an object's box must fill
LEAST_FIRST = 0.12  # ... the first one, seen from close by
LEAST_FRONT = 0.25  # ... one that is in front of all
LEAST_FRAMED = 0.12  # ... one that is framed
TRIES = 40
LIVED_IN, LIVED_IN_CLOSE = 0.25, 0.6  # of the rooms with walls have clutter along the one behind
IN_FRONT = 0.65  # of varied scenes have one large thing in front
FRAMED = 0.6  # ... of which so many are framed as photographs are: whole, the camera nearly level
ISLANDS = 0.3  # ... and so many have clutter amid the room


@dataclass(frozen=True)
class Room:
    """Objects first, then floor and walls."""

    names: list[str]
    objects: list[Mesh]
    surroundings: list[Mesh]
    view: View


@dataclass(frozen=True)
class Make:
    """What kind of scene."""

    true_size: bool
    close: bool
    varied: bool = False  # lenses, looks and what stands where
    front: bool = False  # one large thing before all others, of any size
    framed: bool = False  # it is what the picture is of: whole, on the floor

    @classmethod
    def random(cls, rng: np.random.Generator, close: bool, varied: bool) -> "Make":
        """Of those that are asked for."""
        true_size = rng.random() < (0.8 if close else 0.5)
        front = varied and rng.random() < IN_FRONT
        return cls(true_size, close, varied, front, front and rng.random() < FRAMED)

    def field_of_view(self, rng: np.random.Generator) -> float:
        """Radians."""
        if self.varied:
            return np.radians(np.exp(rng.uniform(*np.log((20, 70)))))
        return np.radians(rng.uniform(35, 70))

    def pitch(self, rng: np.random.Generator) -> float:
        """Radians downward."""
        if self.framed:
            return np.radians(rng.triangular(-4, 8, 30))
        return np.radians(rng.uniform(-5 if self.varied else 2, 35))

    @property
    def standing(self) -> tuple[float, float, float]:
        """Shares of the objects that are on the floor, on something else, in the air."""
        return (0.65, 0.15, 0.2) if self.varied else (0.8, 0.15, 0.05)

    @property
    def middle(self) -> tuple[float, float]:
        """Range of the distance, metres or so, at which the camera looks."""
        if self.close:
            return 0.7, 2.2
        return (1.5, 5) if self.true_size else (1.2, 3.2)

    @property
    def most(self) -> int:
        """Objects, at most."""
        return 10 if self.close else MOST

    def least(self, first: bool) -> float:
        """Share of the picture that an object's box must fill; close by, the first one much."""
        if first and self.front:
            return LEAST_FRAMED if self.framed else LEAST_FRONT
        return LEAST_FIRST if self.close and first else LEAST_SEEN

    @property
    def largest(self) -> float:
        """Share of the picture that an object's box may fill."""
        return 0.95 if self.close else 0.45

    def least_inside(self, first: bool) -> float:
        """Share of an object's width and height that the picture must hold."""
        if first and self.framed:
            return 0.97
        return 0.4 if self.close else 0.6


@dataclass(frozen=True)
class Standing:
    """An object that has its place."""

    name: str
    mesh: Mesh
    middle: np.ndarray  # [2] x, z on the floor
    radius: float  # of its footprint


def random_room(
    rng: np.random.Generator, stock: Stock, close: bool = False, side: int = SIDE
) -> Room:
    """At least one object; more are tried as chance wants, and left out where they don't fit."""
    make = Make.random(rng, close, stock.varied)
    view, reach = random_view(rng, make, side)
    wanted = int(rng.integers(1, make.most + 1))
    placed: list[Standing] = []
    for _ in range(TRIES):
        if len(placed) >= wanted:
            break
        chosen = stock.one(rng)
        if chosen.name in [one.name for one in placed]:
            continue
        one = _placed(rng, chosen, placed, (view, reach, make))
        if one is not None and _fits(one, placed, view, make):
            placed.append(one)
    if not placed:
        return random_room(rng, stock, close, side)
    around, wall = floor_and_walls(rng, view, reach, close)
    if wall is not None and rng.random() < (LIVED_IN_CLOSE if close else LIVED_IN):
        size = 1.0 if make.true_size else 0.6 * reach[0]
        around += clutter(rng, stock, wall, size * rng.uniform(0.7, 1.3))
    if make.varied and rng.random() < ISLANDS:
        around += clutter(rng, stock, island(rng, view, reach), 0.3 * reach[1])
    return Room([one.name for one in placed], [one.mesh for one in placed], around, view)


def random_view(
    rng: np.random.Generator, make: Make, side: int
) -> tuple[View, tuple[float, float]]:
    """A camera above the floor, and the nearest and farthest place for objects, from it."""
    pitch, fov = make.pitch(rng), make.field_of_view(rng)
    roll = np.radians(rng.normal() * 1.5) if rng.random() < 0.5 else 0.0
    middle = rng.uniform(*make.middle)
    if make.varied:  # from farther off: as much is in the picture as a usual lens shows
        middle *= np.tan(USUAL / 2) / np.tan(fov / 2)
    height = middle * np.sin(max(pitch, 0)) + rng.uniform(0.05, 0.35) * middle * np.tan(fov / 2)
    cos, sin = np.cos(pitch), np.sin(pitch)
    tilt = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])  # looks down by the pitch
    lean = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1.0]]
    )
    view = View(tilt @ lean, np.array([0, height, 0]), fov, side)
    farthest = rng.uniform(1.1, 1.8) if make.close else rng.uniform(1.2, 2.2)
    return view, (0.55 * middle, middle * farthest)


def _placed(
    rng: np.random.Generator,
    chosen: Model,
    placed: list[Standing],
    where: tuple[View, tuple[float, float], Make],
) -> Standing | None:
    view, (near, far), make = where
    front = make.front and not placed
    true_size = make.true_size and not front
    scale = float(chosen.size) if true_size else rng.uniform(0.15, 0.36) * near / 0.55
    if front:
        far = 1.5 * near
        shares = (0.3, 0.85) if make.framed else (0.5, 1.2)  # of the picture's side, or so
        scale = rng.uniform(*shares) * 2 * far * np.tan(view.fov_y / 2)
    if true_size and not 0.25 <= scale <= (1.5 if make.close else 0.9) * far:
        if scale > 0.25 or not placed:
            return None
    turn = _turn(rng)
    mesh = moved(chosen.mesh, turn, scale, np.zeros(3))
    low, high = mesh.bounds.numpy().astype(float)
    radius = 0.5 * max(high[0] - low[0], high[2] - low[2])
    kind = rng.choice(["floor", "top", "air"], p=make.standing)
    if true_size and scale < 0.25:
        kind = "top"
    if front and make.framed:
        kind = "floor"
    if kind == "top" and placed:
        under = placed[rng.integers(len(placed))]
        top = _height_at(under, radius)
        if radius > 0.8 * under.radius or top is None:
            return None
        place = np.array([under.middle[0], top - low[1], under.middle[1]])
    else:
        x, z = _spot(rng, view, (near, far), placed, radius)
        lift = rng.uniform(0.2, 1) * view.place[1] if kind == "air" else 0.0
        place = np.array([x, lift - low[1], z])
    shifted = moved(mesh, np.eye(3), 1.0, place)
    return Standing(chosen.name, shifted, place[[0, 2]], radius)


def _spot(
    rng: np.random.Generator,
    view: View,
    reach: tuple[float, float],
    placed: list[Standing],
    radius: float,
) -> tuple[float, float]:
    """A place on the floor, often beside something: so that things hide each other."""
    if placed and rng.random() < 0.55:
        other = placed[rng.integers(len(placed))]
        angle = rng.uniform(0, 2 * np.pi)
        away = (other.radius + radius) * rng.uniform(0.85, 1.5)
        x, z = other.middle + away * np.array([0.6 * np.cos(angle), np.sin(angle)])
        return float(x), float(z)
    z = -np.exp(rng.uniform(*np.log(reach)))
    return rng.uniform(-0.85, 0.85) * np.tan(view.fov_y / 2) * -z, z


def _turn(rng: np.random.Generator) -> np.ndarray:
    """About the upright axis; one in twenty lies any way round."""
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.6 else rng.normal() * 0.6
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    if rng.random() < 0.05:
        turn = turn @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turn *= np.sign(np.linalg.det(turn))
    return turn


def _height_at(under: Standing, radius: float) -> float | None:
    """How high a thing of this radius stands on another one's middle."""
    vertices = under.mesh.vertices.numpy()
    near = np.linalg.norm(vertices[:, [0, 2]] - under.middle, axis=1) < max(
        radius, 0.6 * under.radius
    )
    return float(vertices[near, 1].max()) if near.any() else None


def _fits(one: Standing, placed: list[Standing], view: View, make: Make) -> bool:
    """Seen well, and not inside another; what stands on another may share its place."""
    pixels, z = view.seen(one.mesh.vertices.numpy().astype(float))
    if z.min() < 0.1:
        return False
    low, high = pixels.min(0), pixels.max(0)
    shown = (np.minimum(high, view.side) - np.maximum(low, 0)).clip(0)
    whole = (high - low).clip(1)
    first, share = not placed, shown.prod() / view.side**2
    if not make.least(first) <= share <= make.largest:
        return False
    if (shown / whole).min() < make.least_inside(first):
        return False
    lowest, highest = one.mesh.vertices[:, 1].min(), one.mesh.vertices[:, 1].max()
    for other in placed:
        heights = other.mesh.vertices[:, 1]
        apart = np.linalg.norm(one.middle - other.middle)
        above = lowest >= heights.max() - 1e-3 or highest <= heights.min() + 1e-3
        if not above and apart < 0.85 * (one.radius + other.radius):
            if not (apart < 1e-9 and lowest > heights.min() + 0.05):
                return False
    return True
