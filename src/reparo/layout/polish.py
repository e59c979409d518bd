"""The last pixels: outlines meet outlines, surfaces meet the depth map.

No transport is needed once an object is within a few pixels: each outline point looks for the
mask's edge along its normal, each surface point compares its depth with the map's at its pixel.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter
from torch import Tensor

from reparo.layout.match import DEPTH_TRUST
from reparo.layout.rows import DepthClaim, Rows, depth_rows, direction_rows
from reparo.layout.solve import robust
from reparo.layout.texture import texture_rows
from reparo.layout.view import Sight, hidden

MARGIN = 24  # px around an object within which outlines are compared
UNSURE = 2  # px around what hides an object where its outline may be the other's
MOST_POINTS = 3000  # of a surface that are compared with the depth map
GRID = 3.0  # px; residuals of hard edges are whole pixels, and one pixel is no outlier
STEEPEST = 8.0  # pixel widths of depth per pixel, beyond which it is a jump and not a slope


def polish_rows(sight: Sight, texture: bool = False) -> list[Rows]:
    """Outline rows and depth rows of all objects that show; their texture's too, if wanted."""
    rows: list[Rows] = []
    for k, outline in outlines(sight).items():
        rows += [outline, *surface_rows(sight, k)]
        rows += texture_rows(sight, k) if texture else []
    return rows


def outlines(sight: Sight) -> dict[int, Rows]:
    """Outline rows by object, of those that show; there may be no row."""
    covered_up, found = hidden(sight), {}
    for k in range(len(sight.view.masks)):
        if sight.layers.covered[k].any() and sight.view.masks[k].any():
            found[k] = outline_rows(sight, k, covered_up[k])
    return found


def signed_distance(inside: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Distance in px to the edge between inside and outside pixels; positive inside."""
    mask = inside.cpu().numpy()
    within = np.asarray(distance_transform_edt(mask)) - 0.5
    without = np.asarray(distance_transform_edt(~mask)) - 0.5
    return torch.from_numpy(np.where(mask, within, -without)).to(inside.device)


def _window(both: Bool[Tensor, "h w"]) -> tuple[slice, slice]:
    """The box of what is set, with a margin."""
    rows, columns = both.any(1).nonzero().flatten(), both.any(0).nonzero().flatten()
    low, high = max(int(rows[0]) - MARGIN, 0), int(rows[-1]) + MARGIN + 1
    left, right = max(int(columns[0]) - MARGIN, 0), int(columns[-1]) + MARGIN + 1
    return slice(low, high), slice(left, right)


def outline_rows(sight: Sight, k: int, covered_up: Bool[Tensor, "h w"]) -> Rows:
    """The render's outline should lie on the mask's edge.

    Residual d_mask(p) - d_render(p), both signed distances to hard pixel edges, so that the grid's
    own error is in both and cancels; its slope is the mask distance's gradient.
    """
    covered, mask = sight.layers.covered[k], sight.view.masks[k]
    window = _window(covered | mask)
    to_mask, to_render = signed_distance(mask[window]), signed_distance(covered[window])
    unsure = torch.from_numpy(binary_dilation(covered_up[window].cpu().numpy(), iterations=UNSURE))
    edge = covered[window] & (to_render < 1) & ~unsure.to(mask.device)
    edge &= _inner_pixels(mask)[window]
    smooth = torch.from_numpy(gaussian_filter(to_mask.cpu().numpy(), 1.0)).to(mask.device)
    down, right = _slopes(smooth)
    normal = torch.nn.functional.normalize(torch.stack([right[edge], down[edge]], -1), dim=-1)
    residual = to_mask[edge] - to_render[edge]
    points = sight.layers.renderings[k].point[window][edge]
    width = max(3 * residual.abs().median().item(), GRID) if len(residual) else GRID
    weight = robust(residual, width) / max(len(residual), 1)
    return direction_rows(k, points, normal.to(points), residual.to(points), weight.to(points))


def _inner_pixels(like: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """All pixels but the picture's outermost, where objects are cut off."""
    inner = torch.zeros_like(like)
    inner[1:-1, 1:-1] = True
    return inner


def surface_rows(sight: Sight, k: int) -> list[Rows]:
    """The render's depth should be the map's, pixel by pixel, where both see the object."""
    if sight.depth is None:
        return []
    view, layer, covered = sight.view, sight.layers.renderings[k], sight.layers.covered[k]
    down, right = _slopes(torch.where(covered, layer.depth, torch.nan))
    jump = STEEPEST * layer.depth / view.camera.focal
    usable = covered & view.masks[k] & ~view.depth.isnan()
    usable &= (down.abs() < jump) & (right.abs() < jump)  # false where a neighbour is outside
    at = usable.nonzero()
    y, x = at[:: max(len(at) // MOST_POINTS, 1)].unbind(-1)
    if not len(y):
        return []
    points, z = layer.point[y, x], layer.depth[y, x]
    gradient = torch.stack([right[y, x], down[y, x]], -1)
    claim = DepthClaim(sight.depth, view.camera.focal, z, view.depth[y, x], gradient)
    rows = depth_rows(k, points, claim, torch.ones_like(z))
    trust = DEPTH_TRUST[sight.depth.kind]
    if sight.depth.kind != "metric":
        return [rows.as_one(trust)]
    return [replace(rows, weight=robust(rows.residual) * trust / len(z))]


def _slopes(values: Float[Tensor, "h w"]) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"]]:
    """Central differences down and to the right; 0 along a side of one pixel."""
    down, right = (
        torch.gradient(values, dim=axis)[0] if values.shape[axis] > 1 else torch.zeros_like(values)
        for axis in (0, 1)
    )
    return down, right
