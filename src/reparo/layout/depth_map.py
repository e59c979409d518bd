"""The depth map's own unknowns: gain and offset, one pair for all objects, in closed form."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from reparo.layout.unknowns import depth_function
from reparo.layout.view import Layers, View
from reparo.scene import DepthKind


@dataclass(frozen=True)
class Relief:
    """What the map says where objects are seen, beside the shape they should have there."""

    kind: DepthKind
    owner: Int[Tensor, " m"]
    z: Float[Tensor, " m"]  # of the surface, were its object's centre at z = 1
    value: Float[Tensor, " m"]  # the map's

    @classmethod
    def seen(cls, view: View, at_one: Layers, kind: DepthKind) -> "Relief":
        """From layers that were drawn with every object's centre at z = 1."""
        usable = at_one.covered & view.masks & ~view.depth.isnan()
        owner = usable.nonzero()[:, 0]
        return cls(kind, owner, at_one.depths[usable], view.depth.expand_as(usable)[usable])


def fit_depth_map(
    relief: Relief, standing: Float[Tensor, " n"], size_per_z: Float[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], float, float]:
    """z of each object, and the map's gain and offset.

    With object k at z_k, the map says gain g(z_k r) + offset where the relief is r. g is z or 1/z,
    so this is m_k g(r) + offset with one m_k = gain g(z_k) an object: linear. The gain is 1 for
    metric maps; else the distances known otherwise (`standing`; nan: unknown) set it; else the
    median object gets scale 1, since a picture cannot show the size of the world.
    """
    u, _ = depth_function(relief.kind, relief.z)
    offset = 0.0
    if relief.kind in ("affine", "disparity"):
        offset = _offset_from_distances(relief, standing)
        offset = _offset_from_relief(relief, u, len(standing)) if math.isnan(offset) else offset
    slopes = torch.full_like(standing, math.nan)
    for k in relief.owner.unique().tolist():
        mine = relief.owner == k
        slopes[k] = ((relief.value[mine] - offset) / u[mine]).median()
    slopes = torch.where(slopes > 0, slopes, math.nan)
    gain = _gain(relief.kind, slopes, standing, size_per_z)
    z = gain / slopes if relief.kind == "disparity" else slopes / gain
    return z, gain, offset


def _gain(
    kind: DepthKind,
    slopes: Float[Tensor, " n"],
    standing: Float[Tensor, " n"],
    size_per_z: Float[Tensor, " n"],
) -> float:
    if kind in ("metric", "scale") and (kind == "metric" or standing.isnan().all()):
        return 1.0
    g = depth_function(kind, standing)[0]
    gain = (slopes / g).nanmedian().item()
    if math.isnan(gain):
        gain = (slopes / depth_function(kind, 1 / size_per_z)[0]).nanmedian().item()
    return 1.0 if math.isnan(gain) else gain


def _offset_from_distances(relief: Relief, standing: Float[Tensor, " n"]) -> float:
    """The map's value where g is 0, from two or more objects of known distance; else nan."""
    known = ~standing[relief.owner].isnan()
    if (~standing.isnan()).sum() < 2 or known.sum() < 2:
        return math.nan
    g, _ = depth_function(relief.kind, (standing[relief.owner] * relief.z)[known])
    value = relief.value[known]
    slope, offset = _line(g, value)
    return offset if slope > 0 else math.nan


def _line(x: Float[Tensor, " m"], y: Float[Tensor, " m"]) -> tuple[float, float]:
    """Slope and intercept, by least squares with outliers counting less in each of five rounds."""
    weight = torch.ones_like(x)
    slope, intercept = torch.zeros(()), torch.zeros(())
    for _ in range(5):
        mean_x, mean_y = (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()
        spread = (weight * (x - mean_x).square()).sum().clamp(min=1e-30)
        slope = (weight * (x - mean_x) * (y - mean_y)).sum() / spread
        intercept = mean_y - slope * mean_x
        error = (y - slope * x - intercept).abs()
        weight = 1 / (1 + (error / (3 * error.median()).clamp(min=1e-12)).square())
    return slope.item(), intercept.item()


def _offset_from_relief(relief: Relief, u: Float[Tensor, " m"], objects: int) -> float:
    """The shared offset that leaves the least within the objects.

    Least squares of value = m_k u + offset over all m_k and the offset. Each m_k taken out, the
    offset is a weighted mean over what of the constant 1 is not explained by u.
    """
    if len(u) == 0:  # the map knows nothing where objects are
        return 0.0
    above, below = 0.0, 0.0
    for k in range(objects):
        mine = relief.owner == k
        if mine.sum() < 8:
            continue
        a, v = u[mine], relief.value[mine]
        rest = 1 - a * (a.sum() / a.square().sum())
        above += (rest * v).mean().item()
        below += rest.square().mean().item()
    if below < 1e-9:  # flat objects: the offset cannot be seen; the least value keeps all in front
        return relief.value.min().item() - 0.1 * (relief.value.std(correction=0).item() + 1e-9)
    return above / below
