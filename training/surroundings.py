"""Floor and walls of made-up scenes, and where clutter stands."""

import numpy as np
import torch

from reparo.scene import Material, Mesh
from training.clutter import Wall
from training.paint import random_look
from training.picture import View
from training.shape.pile import about


def floor_and_walls(
    rng: np.random.Generator, view: View, reach: tuple[float, float], close: bool
) -> tuple[list[Mesh], Wall | None]:
    """A floor, and most of the time walls behind and beside; the one behind."""
    far = reach[1]
    size = far * (rng.uniform(1.0, 1.4) if close else rng.uniform(1.15, 1.8))
    has_walls = rng.random() < (0.85 if close else 0.55)
    span = size if has_walls else far * rng.choice([2.0, 4.0, 15.0])
    floor = _quad((-span, 0, -span), (2 * span, 0, 0), (0, 0, 2 * span), random_look(rng), rng)
    if not has_walls:
        return [floor], None
    high = max(rng.uniform(0.5, 1.5) * far, 1.3 * view.place[1])
    angle = rng.normal() * 0.3
    along, out = np.array([[np.cos(angle), 0, np.sin(angle)], [-np.sin(angle), 0, np.cos(angle)]])
    foot, look = np.array([0, 0, -size]), random_look(rng)
    meshes = [floor, _quad(foot - 2 * size * along, 4 * size * along, (0, high, 0), look, rng)]
    for side in (-1, 1):
        if rng.random() < 0.4:
            start = np.array([side * size * rng.uniform(0.7, 1.2), 0, -2 * size])
            meshes.append(_quad(start, (0, 0, 4 * size), (0, high, 0), look, rng))
    return meshes, Wall(foot, along, out, high, 1.1 * size * np.tan(view.fov_y / 2))


def island(rng: np.random.Generator, view: View, reach: tuple[float, float]) -> Wall:
    """A place for clutter amid the room, turned anyhow."""
    near, far = reach
    z = rng.uniform(1.3 * near, far)
    foot = np.array([rng.uniform(-0.9, 0.9) * np.tan(view.fov_y / 2) * z, 0, -z])
    turn = about(1, rng.uniform(0, 2 * np.pi))
    return Wall(foot, turn[:, 0], turn[:, 2], far, rng.uniform(0.1, 0.4) * far)


def _quad(
    corner: object, first: object, second: object, look: np.ndarray, rng: np.random.Generator
) -> Mesh:
    """A parallelogram whose look repeats every so often."""
    corner, first, second = (np.asarray(one, float) for one in (corner, first, second))
    vertices = np.stack([corner, corner + first, corner + first + second, corner + second])
    every = rng.uniform(0.2, 1.5)
    u, v = np.linalg.norm(first) / every, np.linalg.norm(second) / every
    uv = torch.tensor([[0, 0], [u, 0], [u, v], [0, v]], dtype=torch.float32)
    material = Material(texture=torch.from_numpy(look.astype("f4")))
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    return Mesh(
        torch.from_numpy(vertices.astype("f4")), faces, uv, torch.ones(4, 4), (material,),
        torch.zeros(2, dtype=torch.long),
    )  # fmt: skip
