"""Puts what stands on the ground exactly there.

Scaling an object about the camera's centre leaves its picture as it is. Of all its places on the
way from the camera, the one where its lowest point touches the ground is taken, so the fit to the
picture loses nothing.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.layout.support import Supporters, footing
from reparo.layout.unknowns import Unknowns
from reparo.scene import Problem, Similarity

MOST = 1.5  # a factor of distance beyond which the support is doubted, not the object


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
    eye = problem.camera.world_from_camera.translation
    stand = footing(problem, unknowns, supporters)
    foot, below = stand.feet[k], stand.below[k].item()
    layout = unknowns.layout
    translation, scale = layout.translation.clone(), layout.scale.clone()
    if not stand.falls[k]:
        return unknowns
    factor = ((below - eye[1]) / (foot[1] - eye[1])).item()
    if {"scale", "translation"} <= set(free):
        if not 1 / MOST < factor < MOST:
            return unknowns
        translation[k] = eye + factor * (translation[k] - eye)
        scale[k] = factor * scale[k]
    elif "translation" in free:
        translation[k, 1] += below - foot[1]
    return replace(unknowns, layout=Similarity(layout.wxyz, translation, scale))


def gaps(problem: Problem, unknowns: Unknowns, supporters: Supporters) -> Float[Tensor, " n"]:
    """Height of each lowest point over what it stands on, over its box's diagonal; < 0: sunk."""
    stand = footing(problem, unknowns, supporters)
    worlds = [unknowns.layout[k].apply(mesh.vertices) for k, mesh in enumerate(problem.meshes)]
    diagonals = torch.stack([(world.amax(0) - world.amin(0)).norm() for world in worlds])
    return (stand.feet[:, 1] - stand.below) / diagonals.clamp(min=1e-12)
