"""From the field to a closed mesh: marching cubes (Lewiner et al. 2003), by a library."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from reparo.stages.reconstruct.triposr.model import TripoSr

FURTHEST = 1e6  # times the threshold, or over it: beyond, the surface no longer moves


@dataclass(frozen=True)
class Surface:
    """A coloured surface in the field's frame; may have no face."""

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]  # counter-clockwise from outside
    colours: Float[np.ndarray, "v 3"]  # sRGB 0..1


@dataclass(frozen=True)
class Cutting:
    """How a surface is cut out of the field."""

    resolution: int = 256  # grid points along the cube's side
    threshold: float = 25.0  # density on the surface (the original's)
    chunk: int = 32768  # points asked at once: 16 MB of features in the official size
    smallest_part: float = 0.01  # of the largest part's area: smaller ones are dropped


def surface(model: TripoSr, planes: Float[Tensor, "3 c s s"], how: Cutting) -> Surface:
    """Where the density is `threshold`, without specks and hollows that nobody sees."""
    from skimage.measure import marching_cubes

    radius = model.config.renderer.radius
    density = density_grid(model, planes, how.resolution, how.chunk)
    if not density.max() > how.threshold:
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3)))
    closed = np.pad(density, 1)  # so that what reaches the cube's border is closed there
    # density is an exponential: its logarithm is what is nearly linear between two grid points
    level = np.log(np.clip(closed / how.threshold, 1 / FURTHEST, FURTHEST))
    found: Any = marching_cubes(level, 0.0, gradient_direction="ascent")
    vertices, faces = large_parts(found[0].astype(np.float64), found[1], how.smallest_part)
    step = 2 * radius / (how.resolution - 1)
    vertices = (vertices - 1) * step - radius
    inside = torch.from_numpy(vertices.clip(-radius, radius))
    colours = [model.query(planes, part)[1].cpu() for part in inside.split(how.chunk)]
    return Surface(vertices, faces, torch.cat(colours).clamp(0, 1).double().numpy())


def density_grid(
    model: TripoSr, planes: Float[Tensor, "3 c s s"], resolution: int, chunk: int
) -> Float[np.ndarray, "n n n"]:
    """Density at n x n x n points from border to border of the cube, x first."""
    radius = model.config.renderer.radius
    axis = torch.linspace(-radius, radius, resolution, dtype=torch.float32, device=planes.device)
    density = np.empty(resolution**3, dtype=np.float32)
    for first in range(0, len(density), chunk):
        index = torch.arange(first, min(first + chunk, len(density)), device=planes.device)
        x, rest = index // resolution**2, index % resolution**2
        points = axis[torch.stack([x, rest // resolution, rest % resolution], -1)]
        density[first : first + chunk] = model.query(planes, points)[0].nan_to_num(0).cpu().numpy()
    return density.reshape(resolution, resolution, resolution)


def large_parts(
    vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"], share: float
) -> tuple[Float[np.ndarray, "w 3"], Int[np.ndarray, "g 3"]]:
    """The connected parts of at least `share` of the largest one's area that are no hollows.

    A hollow is closed and faces inwards: its signed volume is below 0.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    graph = coo_matrix((np.ones(len(edges), bool), tuple(edges.T)), shape=(len(vertices),) * 2)
    count, part_of_vertex = connected_components(graph, directed=False)
    part = part_of_vertex[faces[:, 0]]
    a, b, c = (vertices[corner] for corner in faces.T)
    normal = np.cross(b - a, c - a)
    area = np.bincount(part, np.linalg.norm(normal, axis=1), count)
    volume = np.bincount(part, (a * normal).sum(1), count)
    solid = volume > 0
    kept = solid & (area >= share * area[solid].max(initial=0))
    kept_vertex = kept[part_of_vertex]
    number = kept_vertex.cumsum() - 1
    return vertices[kept_vertex], number[faces[kept[part]]].astype(np.int64)
