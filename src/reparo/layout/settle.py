"""Puts what stands on the ground exactly there.

Scaling an object about the camera's centre leaves its picture as it is. Of all its places on the
way from the camera, the one where its lowest point touches the ground is taken, so the fit to the
picture loses nothing.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.layout.support import Supporters, footing, top_under
from reparo.layout.unknowns import Unknowns
from reparo.scene import Problem, Similarity

MOST = 1.5  # a factor of distance beyond which the support is doubted, not the object
TRIES = 12  # places on the way over another object, to either side
NEXT = 1.05  # factor between neighbours of them, and a little
HALVINGS = 12
TOUCHING = 1e-4  # of the eye's height over the place: a foot so near to it stands there


def settle(
    problem: Problem, unknowns: Unknowns, supporters: Supporters, free: tuple[str, ...]
) -> Unknowns:
    """Moves each object along its rays of sight; upright, if its scale is not free.

    First what stands on the ground, then what stands on that. What is seen from below, or hardly
    from above, hangs or is too far to tell, and stays.
    """
    order = sorted(range(len(supporters)), key=lambda k: _storeys(supporters, k))
    for k in order:
        unknowns = _settle_one(problem, unknowns, supporters, k, free)
    return unknowns


def _storeys(supporters: Supporters, k: int) -> int:
    """How many objects are under object k; a ring of supporters counts once around."""
    below, count = supporters[k], 0
    while below is not None and count <= len(supporters):
        below, count = supporters[below], count + 1
    return count


def _settle_one(
    problem: Problem, unknowns: Unknowns, supporters: Supporters, k: int, free: tuple[str, ...]
) -> Unknowns:
    stand = footing(problem, unknowns, supporters)
    if not stand.falls[k]:
        return unknowns
    if not {"scale", "translation"} <= set(free):
        return _lifted(unknowns, k, stand.below[k] - stand.feet[k, 1], free)
    eye = problem.camera.world_from_camera.translation

    supporter = supporters[k]
    level = ((stand.below[k] - eye[1]) / (stand.feet[k, 1] - eye[1])).item()  # if it goes on so
    if supporter is None:
        return _scaled(unknowns, k, level, eye) if 1 / MOST < level < MOST else unknowns

    def rise(factor: float) -> float:
        """Of the foot over what is under it, at that factor of distance; nan: nothing is."""
        moved = _scaled(unknowns, k, factor, eye)
        foot = eye[1] + factor * (stand.feet[k, 1] - eye[1])
        return foot.item() - top_under(problem, moved, k, supporter, elsewhere=math.nan)

    near = 1 / MOST < level < MOST and abs(rise(level)) < TOUCHING * abs(eye[1] - stand.below[k])
    factor = level if near else _resting_factor(rise)
    return unknowns if factor is None else _scaled(unknowns, k, factor, eye)


def _resting_factor(rise: Callable[[float], float]) -> float | None:
    """The factor of distance at which the foot touches what is under it; none: nothing ever is.

    Along the rays of sight the foot passes over the supporter from edge to edge. Of the places
    where it goes through the surface, the nearest is taken; without one, the least off.
    """
    factors = sorted((MOST ** (i / TRIES) for i in range(-TRIES, TRIES + 1)), key=_distance)
    heights = {factor: rise(factor) for factor in factors}
    over = [factor for factor in factors if not math.isnan(heights[factor])]
    crossed = [
        (near, far)
        for near, far in pairwise(sorted(over))
        if heights[near] * heights[far] <= 0 and far / near < NEXT
    ]
    if not crossed:
        return min(over, key=lambda factor: abs(heights[factor]), default=None)
    low, high = min(crossed, key=lambda pair: min(map(_distance, pair)))
    rises = heights[low] < heights[high]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if (rise(middle) > 0) == rises else (middle, high)
    return min((low, high), key=lambda factor: abs(rise(factor)))


def _distance(factor: float) -> float:
    """How far from staying."""
    return abs(math.log(factor))


def _scaled(unknowns: Unknowns, k: int, factor: float, eye: Float[Tensor, "3"]) -> Unknowns:
    """Object k scaled about the eye."""
    layout = unknowns.layout
    translation, scale = layout.translation.clone(), layout.scale.clone()
    translation[k] = eye + factor * (translation[k] - eye)
    scale[k] = factor * scale[k]
    return replace(unknowns, layout=Similarity(layout.wxyz, translation, scale))


def _lifted(
    unknowns: Unknowns, k: int, height: Float[Tensor, ""], free: tuple[str, ...]
) -> Unknowns:
    """Object k moved upright, if it may move."""
    if "translation" not in free:
        return unknowns
    translation = unknowns.layout.translation.clone()
    translation[k, 1] += height
    return replace(unknowns, layout=replace(unknowns.layout, translation=translation))


def lowered(problem: Problem, unknowns: Unknowns, supporters: Supporters, least: float) -> Unknowns:
    """Moves upright what stands on another object and is off its top by `least` of its box."""
    for k in sorted(range(len(supporters)), key=lambda k: _storeys(supporters, k)):
        if supporters[k] is not None and abs(gaps(problem, unknowns, supporters)[k].item()) > least:
            stand = footing(problem, unknowns, supporters)
            unknowns = _lifted(unknowns, k, stand.below[k] - stand.feet[k, 1], ("translation",))
    return unknowns


def gaps(problem: Problem, unknowns: Unknowns, supporters: Supporters) -> Float[Tensor, " n"]:
    """Height of each lowest point over what it stands on, over its box's diagonal; < 0: sunk."""
    stand = footing(problem, unknowns, supporters)
    worlds = [unknowns.layout[k].apply(mesh.vertices) for k, mesh in enumerate(problem.meshes)]
    diagonals = torch.stack([(world.amax(0) - world.amin(0)).norm() for world in worlds])
    return (stand.feet[:, 1] - stand.below) / diagonals.clamp(min=1e-12)
