"""Shap-E's field as a coloured surface.

What the network draws, the latent, becomes the first layers of a small perceptron that gives the
signed distance and the colour at every point of the cube from -1 to 1; x is to the right and z up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.stages.reconstruct.triposr.mesh import Surface, large_parts


@dataclass(frozen=True)
class Cutting:
    """How the surface is cut out of the field."""

    resolution: int = 128  # grid points along the cube's side (the library's)
    chunk: int = 32768  # points asked at once
    smallest_part: float = 0.01  # of the largest part's area: smaller ones are dropped


Field = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Points [n, 3] within -1..1 to signed distance [n], above 0 inside, and colour [n, 3], sRGB."""


def field_of(renderer: Any, latent: Float[Tensor, "n d"]) -> Field:
    """The field of one latent; `renderer` is a ShapERenderer, whose perceptron is written to."""
    perceptron = renderer.mlp
    with torch.no_grad():
        drawn = renderer.params_proj(latent[None])
        for name, weight in perceptron.state_dict().items():
            if f"nerstf.{name}" in drawn:
                weight.copy_(drawn[f"nerstf.{name}"][0])

    def query(points: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            answer = perceptron(
                position=points[None].to(perceptron.dtype),
                direction=None,
                ts=None,
                nerf_level="fine",
                rendering_mode="stf",
            )
        return answer.signed_distance[0, :, 0].float(), answer.channels[0].float()

    return query


def cut(field: Field, how: Cutting, device: torch.device) -> Surface:
    """Where the signed distance is 0, without specks and hollows; may have no face."""
    from skimage.measure import marching_cubes

    closed = np.pad(_distances(field, how, device), 1, constant_values=-1.0)
    if not closed.max() > 0:
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3)))
    found: Any = marching_cubes(closed, 0.0, gradient_direction="ascent")
    vertices, faces = large_parts(found[0].astype(np.float64), found[1], how.smallest_part)
    vertices = (vertices - 1) * 2 / (how.resolution - 1) - 1
    inside = torch.from_numpy(vertices.clip(-1, 1)).float().to(device)
    colours = [field(part)[1].cpu() for part in inside.split(how.chunk)]
    return Surface(vertices, faces, torch.cat(colours).clamp(0, 1).double().numpy())


def _distances(field: Field, how: Cutting, device: torch.device) -> Float[np.ndarray, "n n n"]:
    """At n x n x n points from border to border of the cube, x first."""
    n = how.resolution
    axis = torch.linspace(-1, 1, n, dtype=torch.float32, device=device)
    values = np.empty(n**3, dtype=np.float32)
    for first in range(0, len(values), how.chunk):
        index = torch.arange(first, min(first + how.chunk, len(values)), device=device)
        x, rest = index // n**2, index % n**2
        points = axis[torch.stack([x, rest // n, rest % n], -1)]
        values[first : first + how.chunk] = field(points)[0].nan_to_num(-1).cpu().numpy()
    return values.reshape(n, n, n)
