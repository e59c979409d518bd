"""The looks of a surface made from a cut-out: the photo in front, what was guessed behind it.

A picture of three panels: the front as the photo has it, a blend for sides and for what something
else hides, and the back. Each triangle takes the panel that fits the way it faces, so that no
pixel of the outline is drawn out along a side.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    distance_transform_edt,
    gaussian_filter,
)
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.scene import Cutout, Material, Mesh
from reparo.stages.reconstruct.shape_surface import Surface

FACING = 0.25  # cosine to the viewer's ray from which on the photo is printed
PANELS = 3
SIDE_BLUR, SEAM = 0.05, 0.02  # of the cut-out's side


def textured(
    surface: Surface, back: Float[Tensor, "3 r c"], cutout: Cutout, focal: float, name: str
) -> Mesh:
    """The mesh in the unit box; vertices on the border of panels are doubled."""
    panel = _panels(surface, focal)
    corners = surface.faces * PANELS + panel[:, None]
    used, faces = np.unique(corners, return_inverse=True)
    vertex, place = used // PANELS, used % PANELS
    x, y = surface.pixels[vertex].T
    dtype = cutout.rgba.dtype
    points = surface.points
    low, high = points.min(0), points.max(0)
    vertices = torch.from_numpy((points[vertex] - (low + high) / 2) / (high - low).max()).to(dtype)
    uv = torch.from_numpy(np.stack([(x + place) / PANELS, y], -1)).to(dtype)
    return Mesh(
        vertices,
        torch.from_numpy(faces.reshape(-1, 3)),
        uv,
        vertices.new_ones(len(vertices), 4),
        (Material(texture=_atlas(cutout, back), name=name),),
        torch.zeros(len(faces.reshape(-1, 3)), dtype=torch.long),
    )


def _panels(surface: Surface, focal: float) -> Int[np.ndarray, " f"]:
    """0 front, 1 side or hidden, 2 back, of each triangle."""
    a, b, c = (surface.points[corner] for corner in surface.faces.T)
    normal = np.cross(b - a, c - a)
    to_eye = np.array([0.0, 0.0, focal]) - (a + b + c) / 3
    length = np.linalg.norm(normal, axis=1) * np.linalg.norm(to_eye, axis=1)
    facing = (normal * to_eye).sum(1) / np.maximum(length, 1e-20)
    hidden = surface.hidden[surface.faces].sum(1) >= 2
    front = (facing > FACING) & ~hidden
    return np.where(front, 0, np.where(facing < -FACING, 2, 1))


def _atlas(cutout: Cutout, back: Float[Tensor, "3 r c"]) -> Float[Tensor, "s t 4"]:
    """The three panels side by side, opaque, their colours spread beyond the outline."""
    opaque = (cutout.rgba[..., 3] >= 0.5).cpu().numpy()
    rgb = cutout.rgba[..., :3].detach().cpu().double().numpy()
    front = _spread(rgb, _core(opaque))
    side = len(front)
    behind = interpolate(back[None].double(), (side, side), mode="bilinear")[0]
    behind = _spread(behind.movedim(0, -1).cpu().numpy().clip(0, 1), _core(opaque))
    blur = max(1.0, SIDE_BLUR * side)
    both = gaussian_filter((front + behind) / 2, (blur, blur, 0), mode="nearest")
    inner: Any = distance_transform_edt(opaque)
    share = np.clip((inner - 1) / max(1.0, SEAM * side), 0, 1)[..., None]  # no seam at the rim
    rim = gaussian_filter(front, (blur / 2, blur / 2, 0), mode="nearest")
    panels = np.concatenate([front, rim + share * (both - rim), rim + share * (behind - rim)], 1)
    whole = np.concatenate([panels, np.ones_like(panels[..., :1])], -1)
    return torch.from_numpy(whole).to(cutout.rgba.dtype)


def _spread(rgb: Float[np.ndarray, "s s 3"], known: Bool[np.ndarray, "s s"]) -> np.ndarray:
    """The nearest known colour where none is."""
    found: Any = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return rgb[tuple(found)]


def _core(mask: Bool[np.ndarray, "s s"]) -> Bool[np.ndarray, "s s"]:
    """The mask without outline pixels, where the background mixes in; thin parts stay."""
    block = np.ones((3, 3), dtype=bool)
    inside = np.asarray(binary_erosion(mask, block, border_value=1), dtype=bool)
    return inside | (mask & ~np.asarray(binary_dilation(inside, block, iterations=2), dtype=bool))
