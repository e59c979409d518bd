"""What a disparity map shows of the camera's tilt, though its gain and its zero are unknown.

A plane n·x = c is met along the ray (u, v, -1) at z = c / (n·ray), so a map of a/z + b shows it as
(a/c)(n_x u + n_y v - n_z) + b: an affine function of the pixel, whatever a and b. The fit gives
n_x : n_y, the roll. The third part of n needs b, the disparity of what is infinitely far. A second
plane square to the first, a wall on the floor, gives it: n·m = 0 is quadratic in b. Where no wall
shows, and nobody knows b, the pitch must be assumed; but nothing lies beyond infinity, so b is at
most the least disparity that the map shows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

TOLERANCE = 0.02  # of the map's span: points so close to a plane are on it
GROUND_SHARE, WALL_SHARE = 0.2, 0.15  # of the points that must lie on one
LEVEL = 0.25  # of the floor's slope: what falls faster towards the horizon is level too, no wall
STEEPEST = 0.35  # least upward part of the ground's normal: a camera that looks 70 degrees down
CLEAR = 5.0  # tolerances by which the ground's disparity must differ from its near to its far end
FOOT = 0.1  # the lowest of the points: most of them must be on the ground
TRIES = 300


@dataclass(frozen=True)
class Tilt:
    """Which way is up, in the camera's frame."""

    up: Float[Tensor, " 3"]  # unit
    measured: bool  # False: the pitch is the assumed one, or the least that the map allows


@dataclass(frozen=True)
class Plane:
    """disparity = slope[0] u + slope[1] v + slope[2]."""

    slope: Float[Tensor, " 3"]
    inside: Bool[Tensor, " n"]  # the points on it

    @property
    def share(self) -> float:
        """Of all points."""
        return float(self.inside.double().mean())


@dataclass(frozen=True)
class Points:
    """What is looked at."""

    design: Float[Tensor, "n 3"]  # u, v, 1
    disparity: Float[Tensor, " n"]


Allowed = Callable[[Tensor], Tensor]
"""Says of slopes [t, 3] which may be taken."""


def tilt_from_disparity(
    rays: Float[Tensor, "n 2"],
    disparity: Float[Tensor, " n"],
    pitch: float,
    infinity: float | None = None,
) -> Tilt | None:
    """From points seen along rays (u, v, -1), v upwards; None where no ground shows.

    `pitch`, radians downwards, is assumed where the map does not tell. `infinity`: the disparity of
    what is infinitely far, where the map's maker knows it: then no wall is asked.
    """
    if len(rays) < 3:
        return None
    low, high = disparity.quantile(torch.tensor([0.01, 0.99]).to(disparity)).tolist()
    tolerance = TOLERANCE * (high - low)
    points = Points(torch.cat([rays, torch.ones_like(rays[:, :1])], 1), disparity)
    everywhere = torch.ones_like(disparity, dtype=torch.bool)
    foot = rays[:, 1] <= rays[:, 1].quantile(FOOT)

    def lies(slopes: Float[Tensor, "t 3"]) -> Bool[Tensor, " t"]:
        """Nearer below than above, more so than from side to side, and at the picture's foot."""
        close = (points.design[foot] @ slopes.mT - disparity[foot, None]).abs() < tolerance
        return (-slopes[:, 1] > slopes[:, 0].abs()) & (close.double().mean(0) > 0.5)

    ground = _find(points, tolerance, everywhere, lies)
    if ground is None or not _is_ground(ground, rays, tolerance):
        return None
    if infinity is not None:
        up = _up(ground.slope, min(infinity, low))
        if up[1] >= STEEPEST:
            return Tilt(up, True)
    least = float(-ground.slope[1]) * LEVEL

    def stands(slopes: Float[Tensor, "t 3"]) -> Bool[Tensor, " t"]:
        return slopes[:, 1] > -least

    wall = _find(points, tolerance, ~ground.inside, stands)
    if wall is not None and wall.share >= WALL_SHARE:
        square = _square(ground.slope, wall.slope)
        if square is not None and square < low - tolerance:
            up = _up(ground.slope, square)
            if up[1] >= STEEPEST:
                return Tilt(up, True)
    assumed = float(ground.slope[2]) - math.tan(pitch) * float(ground.slope[:2].norm())
    return Tilt(_up(ground.slope, min(assumed, low)), False)


def _is_ground(plane: Plane, rays: Float[Tensor, "n 2"], tolerance: float) -> bool:
    """Whether it is large, and recedes by more than chance."""
    if plane.share < GROUND_SHARE:
        return False
    shown = rays[plane.inside, 1]
    return float((shown.max() - shown.min()) * -plane.slope[1]) > CLEAR * tolerance


def _square(ground: Float[Tensor, " 3"], wall: Float[Tensor, " 3"]) -> float | None:
    """The disparity of infinity that makes the planes square; None: none does.

    n ~ (slope_u, slope_v, b - slope_0). Of the two roots the lesser: both planes then face the
    camera where its axis meets them.
    """
    across = float(ground[:2] @ wall[:2])
    middle = float(ground[2] + wall[2]) / 2
    apart = float(ground[2] - wall[2]) / 2
    discriminant = apart**2 - across
    return None if discriminant < 0 else middle - math.sqrt(discriminant)


def _up(slope: Float[Tensor, " 3"], infinity: float) -> Float[Tensor, " 3"]:
    """The plane's normal towards the camera's side."""
    normal = torch.stack([-slope[0], -slope[1], slope[2] - infinity])
    return normal / normal.norm()


def _find(
    points: Points, tolerance: float, free: Bool[Tensor, " n"], allowed: Allowed
) -> Plane | None:
    """The allowed plane that most of the free points lie on: RANSAC, then least squares."""
    index = free.nonzero()[:, 0]
    if len(index) < 3:
        return None
    at, said = points.design[index], points.disparity[index]
    chooser = torch.Generator().manual_seed(0)
    triples = torch.randint(len(index), (TRIES, 3), generator=chooser).to(index.device)
    corners = at[triples]  # [tries, 3, 3]
    usable = torch.linalg.det(corners).abs() > 1e-9
    slopes = torch.linalg.solve(corners[usable], said[triples][usable][..., None])[..., 0]
    slopes = slopes[allowed(slopes)]
    if not len(slopes):
        return None
    close = (at @ slopes.mT - said[:, None]).abs() < tolerance  # [free, planes]
    slope = slopes[close.sum(0).argmax()]
    for _ in range(3):
        near = (at @ slope - said).abs() < tolerance
        if near.sum() < 3:
            return None
        slope = torch.linalg.lstsq(at[near], said[near][:, None]).solution[:, 0]
    inside = free & ((points.design @ slope - points.disparity).abs() < tolerance)
    return Plane(slope, inside)
