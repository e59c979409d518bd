"""Looks whether another rotation explains the picture better.

Solving for a turn from one start ends in the nearest fit, which need not be the best. So what does
not fit well is turned each way, solved again, and what the picture likes best is kept, object by
object.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.layout.judge import misfits
from reparo.layout.texture import Texture
from reparo.layout.unknowns import (
    PER_OBJECT,
    SHARED,
    TURN,
    Unknowns,
    object_centres,
    per_object,
)
from reparo.layout.view import Sight
from reparo.scene import Problem

MISFIT, UNLIKE = 0.005, 0.5  # what fits and looks better than this needs no other start
BETTER = 0.8  # of the merit that another start must fall below
TEXTURE = 0.1  # of unlikeness against missed overlap
ANGLE = math.radians(15)
WAYS = [(axis, sign * ANGLE) for axis in range(3) for sign in (1, -1)]
"""Camera axis (right, up, back) and angle of each start that is tried."""

Look = Callable[[Unknowns], Sight]
Solve = Callable[[Unknowns], Unknowns]


def turn(problem: Problem, found: Unknowns, look: Look, solve: Solve) -> Unknowns:
    """The best rotation of each object, of those that `solve` finds from starts around it."""
    sight = look(found)
    likeness, best, merit = likenesses(sight), found, merits(sight)
    doubted = (misfits(sight) > MISFIT) | (likeness < UNLIKE)
    if not doubted.any():
        return found
    axes = problem.camera.world_from_camera.matrix.mT  # rows: the camera's axes in the world
    for axis, angle in WAYS:
        tried = solve(turned(problem, found, axes[axis] * angle * doubted[:, None]))
        other = merits(look(tried))
        better = other < BETTER * merit
        if better.any():
            best, merit = chosen(best, tried, better), torch.where(better, other, merit)
    return best


def merits(sight: Sight) -> Float[Tensor, " n"]:
    """Misfit of outline, depth and texture, per object; lower is better."""
    return misfits(sight) + TEXTURE * (1 - likenesses(sight))


def likenesses(sight: Sight) -> Float[Tensor, " n"]:
    """Correlation of each object's texture with the photo's."""
    found = [Texture.of(sight, k).likeness for k in range(len(sight.view.masks))]
    return sight.layers.depths.new_tensor(found)


def turned(problem: Problem, found: Unknowns, turns: Float[Tensor, "n 3"]) -> Unknowns:
    """Each object turned about its centre; `turns` are axes (world) by angles."""
    step = turns.new_zeros(len(turns) * PER_OBJECT + SHARED)
    per_object(step)[:, TURN] = turns
    return found.stepped(step, object_centres(problem), problem.camera)


def chosen(one: Unknowns, other: Unknowns, use_other: Bool[Tensor, " n"]) -> Unknowns:
    """Object by object from either layout; what they share from the first."""
    parts = {}
    for name, value in vars(one.layout).items():
        shape = (-1,) + (1,) * (value.ndim - 1)
        parts[name] = torch.where(use_other.view(shape), getattr(other.layout, name), value)
    return replace(one, layout=replace(one.layout, **parts))
