"""From a guess of an object's solid to a closed surface whose outline is the cut-out's."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import (
    binary_fill_holes,
    correlate1d,
    distance_transform_edt,
    gaussian_filter,
    label,
)
from skimage.measure import marching_cubes
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.stages.reconstruct.shape_network import REACH

NODES = (96, 80, 64, 48, 32)  # of the grid, each way; the first that gives few enough triangles
SURE = 0.5  # logit: each ray inside the outline meets the object at least so surely
NARROW = 3.0  # how much steeper the logits of rays become where that had to be made so
STEEP = 8.0  # logits per alpha: the outline's own field
SMALL = 0.01  # of the solid or of its front: smaller parts are specks
SMOOTH = 1.6  # cells


@dataclass(frozen=True)
class Surface:
    """Triangles in the cut-out's frame."""

    points: Float[np.ndarray, "v 3"]  # sides of the cut-out: columns, rows (up), z to the viewer
    pixels: Float[np.ndarray, "v 2"]  # 0..1 from the cut-out's top left corner: x, y down
    faces: Int[np.ndarray, "f 3"]
    hidden: Bool[np.ndarray, " v"]  # behind something else, from where the viewer stands


def surface(
    logits: Float[Tensor, "z y x"], alpha: Float[Tensor, "s s"], focal: float, most_faces: int
) -> Surface:
    """The largest grid's surface that has at most so many triangles; `focal` in sides.

    Cells above 0 are inside.
    """
    made = None
    for nodes in NODES:
        made = _surface(field(logits, alpha, nodes), focal)
        if len(made.faces) <= most_faces:
            break
    assert made is not None
    return made


def field(
    logits: Float[Tensor, "z y x"], alpha: Float[Tensor, "s s"], nodes: int
) -> Float[np.ndarray, "n n n"]:
    """Above 0 inside, on a grid of so many nodes each way, its border outside: z, rows, columns."""
    size = (nodes, nodes, nodes)
    above = _spread(logits.float().cpu(), alpha)
    wide = interpolate(above[None, None].clamp(-6, 6), size, mode="trilinear")
    solid = gaussian_filter(wide[0, 0].double().cpu().numpy(), SMOOTH)
    outline = _outline(alpha, nodes)
    likeliest = solid.max(0)
    weak = likeliest < SURE  # yet no ray goes astray: it meets what is likeliest
    solid = np.where(weak, SURE + NARROW * (solid - likeliest), solid)
    both = np.minimum(solid, STEEP * outline)
    both = np.where(np.abs(both) < 1e-3, np.where(both < 0, -1e-3, 1e-3), both)
    filled: Any = binary_fill_holes(both > 0)
    both[filled & (both <= 0)] = SURE
    both[~_large(both > 0) & (both > 0)] = -SURE
    return np.pad(both, 1, constant_values=-SURE)


def _spread(logits: Float[Tensor, "z y x"], alpha: Float[Tensor, "s s"]) -> Float[Tensor, "z y x"]:
    """Rays outside the outline, of which the network knows nothing, as the nearest one inside."""
    size = (logits.shape[1], logits.shape[2])
    inside = interpolate(alpha[None, None].float(), size, mode="area")[0, 0].cpu().numpy() > 0.5
    if not inside.any():
        return logits
    found: Any = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    row, column = (torch.from_numpy(one.astype(np.int64)) for one in found)
    return logits[:, row, column]


def _outline(alpha: Float[Tensor, "s s"], nodes: int) -> Float[np.ndarray, "n n"]:
    """Alpha minus a half around the nodes, lightly smoothed; a speck stays above 0."""
    mode = "area" if len(alpha) > nodes else "bilinear"
    grid = interpolate(alpha[None, None].double(), (nodes, nodes), mode=mode)[0, 0].cpu().numpy()
    smooth = grid
    for axis in (0, 1):
        smooth = correlate1d(smooth, [0.15, 0.7, 0.15], axis, mode="constant")
    return next(one for one in (smooth, grid, grid / grid.max()) if one.max() > 0.5) - 0.5


def _large(solid: Bool[np.ndarray, "n n n"]) -> Bool[np.ndarray, "n n n"]:
    """The parts that are no specks, in volume or as seen from the front."""
    found: Any = label(solid)
    parts = found[0]
    volume = np.bincount(parts.ravel())
    seen = solid.any(0)
    nearest = len(parts) - 1 - solid[::-1].argmax(0)
    owner = np.take_along_axis(parts, nearest[None], 0)[0][seen]
    front = np.bincount(owner, minlength=len(volume))
    kept = (volume >= SMALL * volume[1:].sum()) | (front >= SMALL * front.sum())
    kept[0] = False
    kept[volume[1:].argmax() + 1] = True
    return kept[parts]


def _surface(values: Float[np.ndarray, "n n n"], focal: float) -> Surface:
    found: Any = marching_cubes(values, 0.0)
    at, faces = found[0].astype(float) - 1, found[1][:, ::-1].astype(np.int64)
    nodes = len(values) - 2
    share = (at + 0.5) / nodes
    z = (2 * share[:, 0] - 1) * REACH
    x, y = share[:, 2], share[:, 1]
    wide = 1 - z / focal
    points = np.stack([(x - 0.5) * wide, (0.5 - y) * wide, z], -1)
    a, b, c = (points[corner] for corner in faces.T)
    if (np.cross(a, b) * c).sum() < 0:  # its volume: counter-clockwise from outside is above 0
        faces = faces[:, ::-1]
    solid = values[1:-1, 1:-1, 1:-1] > 0
    front = np.where(solid.any(0), nodes - solid[::-1].argmax(0), -1)
    row, column = (at[:, axis].round().astype(int).clip(0, nodes - 1) for axis in (1, 2))
    hidden = at[:, 0] < _highest(front)[row, column] - 2
    return Surface(points, np.stack([x, y], -1), np.ascontiguousarray(faces), hidden)


def _highest(front: Int[np.ndarray, "n n"]) -> Int[np.ndarray, "n n"]:
    """The least of what is nearest around each ray, empty ones aside: slopes hide nothing."""
    from scipy.ndimage import minimum_filter

    least = minimum_filter(np.where(front < 0, len(front) + 1, front), 3)
    return np.where(least > len(front), -1, least)
