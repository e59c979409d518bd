"""The last pixels: outlines meet outlines, surfaces meet the depth map.

No transport is needed once an object is within a few pixels: each outline point looks for the mask's
edge along its normal, each surface point compares its depth with the map's at the same pixel.
"""

import torch
from jaxtyping import Bool, Float
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter
from torch import Tensor

from reparo.layout.match import DEPTH_TRUST
from reparo.layout.rows import DepthClaim, Rows, depth_rows, direction_rows
from reparo.layout.solve import robust
from reparo.layout.unknowns import Unknowns
from reparo.layout.view import Layers, View, hidden
from reparo.scene import DepthKind

MARGIN = 24  # px around an object within which outlines are compared
UNSURE = 2  # px around what hides an object where its outline may be the other's
MOST_POINTS = 3000  # of a surface that are compared with the depth map


def polish_rows(
    view: View, layers: Layers, unknowns: Unknowns, kind: DepthKind | None
) -> list[Rows]:
    """Outline rows and depth rows of all objects that show."""
    covered_up = hidden(view, layers)
    rows: list[Rows] = []
    for k in range(len(view.masks)):
        if not layers.covered[k].any() or not view.masks[k].any():
            continue
        rows.append(_outline_rows(view, layers, k, covered_up[k]))
        if kind is not None:
            rows += _surface_rows(view, layers, k, unknowns, kind)
    return rows


def signed_distance(inside: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Distance in px to the edge between inside and outside pixels; positive inside."""
    mask = inside.cpu().numpy()
    within = distance_transform_edt(mask) - 0.5
    without = distance_transform_edt(~mask) - 0.5
    return torch.from_numpy(within * mask - without * ~mask).to(torch.get_default_dtype())


def _window(both: Bool[Tensor, "h w"]) -> tuple[slice, slice]:
    """The box of what is set, with a margin."""
    rows, columns = both.any(1).nonzero().flatten(), both.any(0).nonzero().flatten()
    low, high = max(int(rows[0]) - MARGIN, 0), int(rows[-1]) + MARGIN + 1
    left, right = max(int(columns[0]) - MARGIN, 0), int(columns[-1]) + MARGIN + 1
    return slice(low, high), slice(left, right)


def _outline_rows(view: View, layers: Layers, k: int, covered_up: Bool[Tensor, "h w"]) -> Rows:
    """The render's outline should lie on the mask's edge.

    Residual d_mask(p) - d_render(p), both signed distances to hard pixel edges, so that the grid's
    own error is in both and cancels; its slope is the mask distance's gradient.
    """
    window = _window(layers.covered[k] | view.masks[k])
    covered, mask = layers.covered[k][window], view.masks[k][window]
    to_mask, to_render = signed_distance(mask), signed_distance(covered)
    smooth = torch.from_numpy(gaussian_filter(to_mask.numpy(), 1.0))
    down, right = torch.gradient(smooth)
    unsure = binary_dilation(covered_up[window].cpu().numpy(), iterations=UNSURE)
    edge = covered & (to_render < 1) & ~torch.from_numpy(unsure) & _within_picture(view)[window]
    normal = torch.stack([right[edge], down[edge]], -1)
    normal = normal / normal.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    residual = to_mask[edge] - to_render[edge]
    weight = robust(residual)
    points = layers.renderings[k].point[window][edge]
    return direction_rows(
        k, points, normal.to(points), residual.to(points), _shared(weight, points)
    )


def _within_picture(view: View) -> Bool[Tensor, "h w"]:
    """All pixels but the outermost, where objects are cut off."""
    inner = torch.zeros_like(view.masks[0])
    inner[1:-1, 1:-1] = True
    return inner


def _shared(weight: Float[Tensor, " m"], like: Tensor, total: float = 1.0) -> Float[Tensor, " m"]:
    """Weights that add up to `total` if all rows are trusted."""
    return (weight * total / max(len(weight), 1)).to(like)


def _surface_rows(
    view: View, layers: Layers, k: int, unknowns: Unknowns, kind: DepthKind
) -> list[Rows]:
    """The render's depth should be the map's, pixel by pixel, where both see the object."""
    layer = layers.renderings[k]
    z = layer.depth
    filled = torch.where(layers.covered[k], z, torch.nan)
    down, right = torch.gradient(filled)  # nan at the outline: not used
    steep = 8 * z / view.camera.focal  # more than 8 times the pixel's width per pixel: a jump
    usable = layers.covered[k] & view.masks[k] & ~view.depth.isnan()
    usable &= (down.abs() < steep) & (right.abs() < steep)
    chosen = usable.flatten().nonzero().flatten()
    chosen = chosen[:: max(len(chosen) // MOST_POINTS, 1)]
    if not len(chosen):
        return []
    at = torch.zeros_like(usable).flatten().index_fill(0, chosen, True).view_as(usable)
    points, depth = layer.point[at], z[at]
    claim = DepthClaim(depth, view.depth[at], torch.stack([right[at], down[at]], -1))
    pixels = view.camera.focal / depth
    plain = depth_rows(k, points, claim, unknowns, kind, pixels, torch.ones_like(depth))
    weight = _shared(robust(plain.residual), points, DEPTH_TRUST[kind])
    return [depth_rows(k, points, claim, unknowns, kind, pixels, weight)]
