"""Puts what stands on the ground exactly there.

Scaling an object about the camera's centre leaves its picture as it is. Of all its places on the
way from the camera, the one where its lowest point touches the ground is taken, so the fit to the
picture loses nothing.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.layout.solve import lowest_points
from reparo.layout.unknowns import Unknowns
from reparo.scene import Problem, Similarity

SURE_DROP = 0.05  # a foot's drop below the eye, per distance, below which rays graze the ground
MOST_CHANGE = 1.5  # a factor of distance beyond which the ground is doubted, not the object


def settle(problem: Problem, unknowns: Unknowns, free: tuple[str, ...]) -> Unknowns:
    """Moves each object along its rays of sight (or upright, where that is not possible)."""
    eye = problem.camera.world_from_camera.translation
    feet = lowest_points(problem.meshes, unknowns)
    layout = unknowns.layout
    translation, scale = layout.translation.clone(), layout.scale.clone()
    for k, foot in enumerate(feet):
        drop = (foot[1] - eye[1]).item()
        factor = (unknowns.ground - eye[1].item()) / drop if drop else 0.0
        grazing = -drop < SURE_DROP * (foot - eye).norm().item()
        if "scale" in free and not grazing and 1 / MOST_CHANGE < factor < MOST_CHANGE:
            translation[k] = eye + factor * (translation[k] - eye)
            scale[k] = factor * scale[k]
        elif "translation" in free:
            translation[k, 1] += unknowns.ground - foot[1]
    return Unknowns(
        Similarity(layout.wxyz, translation, scale),
        unknowns.gain,
        unknowns.offset,
        unknowns.ground,
    )


def gaps(problem: Problem, unknowns: Unknowns) -> Float[Tensor, " n"]:
    """Height of each lowest point over the ground, over its world box's diagonal; < 0: sunk."""
    height = lowest_points(problem.meshes, unknowns)[:, 1] - unknowns.ground
    return height / torch.stack(
        [
            (world.amax(0) - world.amin(0)).norm().clamp(min=1e-12)
            for world in (
                unknowns.layout[k].apply(mesh.vertices) for k, mesh in enumerate(problem.meshes)
            )
        ]
    )
