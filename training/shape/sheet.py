"""Pictures of meshes as rays see them, for a look."""

import numpy as np

from reparo.scene import Mesh
from training.picture import View
from training.rays import World

YAWS = (0, 55, 110, 180)  # degrees to the right of the front
RAISED = 12  # degrees


def shots(mesh: Mesh, side: int = 160) -> list[np.ndarray]:
    """The mesh from the front, beside it and behind, uint8 [side, side, 3]."""
    return [shot(mesh, yaw, RAISED if yaw else 0, side) for yaw in YAWS]


def shot(mesh: Mesh, yaw: float, raised: float, side: int) -> np.ndarray:
    """One picture: colours with a little light from the eye, on white."""
    a, b = np.radians(yaw), np.radians(raised)
    eye = np.array([np.sin(a) * np.cos(b), np.sin(b), np.cos(a) * np.cos(b)])
    right = np.array([np.cos(a), 0, -np.sin(a)])
    view = View(np.stack([right, np.cross(eye, right), eye], 1), 4 * eye, 0.35, side * 2)
    rays = view.rays()
    hits = World([mesh]).first(np.broadcast_to(view.place, rays.shape), rays)
    bright = 0.55 + 0.45 * np.abs(hits.normal @ eye)
    rgb = np.where(hits.found[:, None], hits.colour * bright[:, None], 1.0)
    small = rgb.reshape(side, 2, side, 2, 3).mean((1, 3))
    return (small.clip(0, 1) * 255).round().astype(np.uint8)
