"""From a guess of an object's solid to a closed surface whose outline is the cut-out's."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from skimage.measure import marching_cubes
from torch import Tensor

from reparo.scene import Cutout
from reparo.stages.reconstruct.off_axis import straight_on
from reparo.stages.reconstruct.shape_field import Field, field
from reparo.stages.reconstruct.shape_network import REACH

NODES = (96, 80, 64, 48, 32)  # of the grid, each way; the first that gives few enough triangles
ON_NODE = 1e-6  # of an edge: no farther from a node than rounding
LEAST = 0.02  # of an edge between nodes lies between a node and the surface


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


def on_rays(found: Surface, cutout: Cutout, focal: float) -> Surface:
    """A surface with each point on its pixel's own ray, wherever in the picture it was cut out."""
    x, y = straight_on((found.pixels - 0.5) * [1, -1], cutout).T
    z = found.points[:, 2]
    wide = 1 - z / focal
    return replace(found, points=np.stack([x * wide, y * wide, z], -1))


def _surface(values: Field, focal: float) -> Surface:
    found: Any = marching_cubes(values.both, 0.0)
    at = _ending(found[0].astype(float), values) - 1
    faces = found[1][:, ::-1].astype(np.int64)
    nodes = len(values.both) - 2
    share = (at + 0.5) / nodes
    z = (2 * share[:, 0] - 1) * REACH
    x, y = share[:, 2], share[:, 1]
    wide = 1 - z / focal
    points = np.stack([(x - 0.5) * wide, (0.5 - y) * wide, z], -1)
    a, b, c = (points[corner] for corner in faces.T)
    if (np.cross(a, b) * c).sum() < 0:  # its volume: counter-clockwise from outside is above 0
        faces = faces[:, ::-1]
    solid = values.both[1:-1, 1:-1, 1:-1] > 0
    front = np.where(solid.any(0), nodes - solid[::-1].argmax(0), -1)
    row, column = (at[:, axis].round().astype(int).clip(0, nodes - 1) for axis in (1, 2))
    hidden = at[:, 0] < _highest(front)[row, column] - 2
    return Surface(points, np.stack([x, y], -1), np.ascontiguousarray(faces), hidden)


def _ending(at: Float[np.ndarray, "v 3"], values: Field) -> Float[np.ndarray, "v 3"]:
    """Vertices on edges between nodes, moved to where the first of solid and outline ends.

    Each is about straight between two nodes; the less of both is not, and its own zero lies too
    far inside, here more, there less: rims would be wavy. A vertex in the midst of a cube stays.
    """
    share = at % 1
    on_edge = (share > ON_NODE).sum(1) == 1
    moved = at.copy()
    moved[on_edge] = _ending_on_edges(at[on_edge], values)
    return moved


def _ending_on_edges(at: Float[np.ndarray, "v 3"], values: Field) -> Float[np.ndarray, "v 3"]:
    low = np.floor(at).astype(int)
    share = at - low
    axis, rows = share.argmax(1), np.arange(len(at))
    high = low.copy()
    high[rows, axis] += 1
    out = (values.both[tuple(low.T)] <= 0)[:, None]
    inner, outer = np.where(out, high, low), np.where(out, low, high)
    was = np.where(out[:, 0], 1 - share[rows, axis], share[rows, axis])
    end = np.full(len(at), np.inf)
    for part in (values.solid, values.outline):
        before, after = part[tuple(inner.T)], part[tuple(outer.T)]
        ends = (before > 0) & (after < 0)
        end = np.where(ends, np.minimum(end, before / np.where(ends, before - after, 1)), end)
    end = np.where(np.isfinite(end), end, was).clip(LEAST, 1 - LEAST)  # filled, or a speck's place
    return inner + (outer - inner) * end[:, None]


def _highest(front: Int[np.ndarray, "n n"]) -> Int[np.ndarray, "n n"]:
    """The least of what is nearest around each ray, empty ones aside: slopes hide nothing."""
    from scipy.ndimage import minimum_filter

    least = minimum_filter(np.where(front < 0, len(front) + 1, front), 3)
    return np.where(least > len(front), -1, least)
