"""Transport as a guide: where in the picture does each visible surface point belong?

Each object is drawn alone and its points are sent onto the pixels of its own mask, so objects cannot
be swapped and one that is hidden where it now stands still gets home. A point is its place in the
picture, its relief and its colour; the plan need not use every point (hidden and missing parts).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.layout.rows import DepthClaim, Rows, depth_rows, direction_rows
from reparo.layout.solve import robust
from reparo.layout.unknowns import Unknowns, depth_function
from reparo.layout.view import Layers, View
from reparo.scene import DepthKind
from reparo.transport import transport

WIDEST, FINEST = 0.15, 0.02  # blur, in lengths of the mask's diagonal, first round and last
REACH = 6.0  # blurs beyond which a point rather stays unmatched
RELIEF_WEIGHT = 0.5  # of depth against place in the cost
COLOUR_WEIGHT = 0.1  # mask diagonals per unit of contrast: colours of render and photo differ
DEPTH_TRUST = {"metric": 1.0, "scale": 1.0, "affine": 0.1, "disparity": 0.1}
ENOUGH = 0.3  # of an object must be outside other masks, else it is matched whole


@dataclass(frozen=True)
class Cloud:
    """Some pixels of one object, as points to be transported."""

    at: Bool[Tensor, "h w"]
    pixels: Float[Tensor, "n 2"]  # centres, [x, y]
    z: Float[Tensor, " n"]  # world units; nan: unknown
    rgb: Float[Tensor, "n 3"]


@dataclass(frozen=True)
class Fineness:
    """How closely to look."""

    blur: float  # mask diagonals
    points: int  # a side, per object

    @classmethod
    def of_round(cls, index: int, rounds: int, points: int) -> "Fineness":
        """From the widest blur to the finest, by equal factors."""
        return cls(WIDEST * (FINEST / WIDEST) ** (index / max(rounds - 1, 1)), points)


def match_rows(
    view: View, layers: Layers, unknowns: Unknowns, kind: DepthKind | None, fineness: Fineness
) -> list[Rows]:
    """Rows that pull each object's points to where they belong; an unseen object has none."""
    seen_z = map_distance(view.depth, unknowns, kind)
    rows: list[Rows] = []
    for k, mask in enumerate(view.masks):
        covered = layers.covered[k]
        free = covered & ~view.others[k]
        free = free if free.sum() >= ENOUGH * covered.sum() else covered
        if not free.any() or not mask.any():
            continue
        stride = math.ceil(math.sqrt(max(int(free.sum()), int(mask.sum())) / fineness.points))
        layer = layers.renderings[k]
        source = cloud(free, layer.depth, layer.rgb, stride)
        target = cloud(mask, seen_z, view.rgb, stride)
        rows += _object_rows(
            k, source, target, layer.point[source.at], view, unknowns, kind, fineness
        )
    return rows


def map_distance(
    values: Float[Tensor, "h w"], unknowns: Unknowns, kind: DepthKind | None
) -> Float[Tensor, "h w"]:
    """z in world units by the map, as its gain and offset are now understood; nan: unknown."""
    if kind is None:
        return torch.full_like(values, math.nan)
    g = (values - unknowns.offset) / unknowns.gain
    z = 1 / g if kind == "disparity" else g
    return torch.where(z > 0, z, math.nan)


def cloud(
    at: Bool[Tensor, "h w"], z: Float[Tensor, "h w"], rgb: Float[Tensor, "h w 3"], stride: int
) -> Cloud:
    """Every `stride`-th pixel; both clouds of an object take the same ones, so that two equal
    pictures give two equal clouds and the match leaves them alone."""
    lattice = torch.zeros_like(at)
    lattice[stride // 2 :: stride, stride // 2 :: stride] = True
    at = at & lattice if (at & lattice).any() else at
    y, x = at.nonzero().unbind(-1)
    return Cloud(at, torch.stack([x, y], -1).to(z) + 0.5, z[at], rgb[at])


def features(own: Cloud, length: float, has_depth: bool, focal: float) -> Float[Tensor, "n d"]:
    """Place, relief and colour in lengths of the mask's diagonal; relief and colour centred."""
    parts = [own.pixels / length]
    if has_depth:
        middle = own.z.nanmedian()
        relief = (own.z - middle) * focal / middle / length
        parts.append(RELIEF_WEIGHT * relief.nan_to_num(0.0).clamp(-1, 1)[:, None])
    contrast = (own.rgb - own.rgb.mean(0)) / own.rgb.std(0, correction=0).mean().clamp(min=0.02)
    parts.append(COLOUR_WEIGHT * contrast.clamp(-2, 2))
    return torch.cat(parts, -1)


def _object_rows(
    k: int,
    source: Cloud,
    target: Cloud,
    points: Float[Tensor, "n 3"],
    view: View,
    unknowns: Unknowns,
    kind: DepthKind | None,
    fineness: Fineness,
) -> list[Rows]:
    y, x = view.masks[k].nonzero().unbind(-1)
    length = math.hypot(float(x.max() - x.min()) + 1, float(y.max() - y.min()) + 1)
    focal = view.camera.focal
    has_depth = kind is not None and (~target.z.isnan()).to(torch.float64).mean().item() > 0.5
    a, b = (features(own, length, has_depth, focal) for own in (source, target))
    reach = REACH * fineness.blur
    sent = transport(a, b, blur=fineness.blur, reach=reach)
    kept = transport(a, a, blur=fineness.blur, reach=reach)
    move = (sent.target - kept.target) * length  # debiased: nothing moves if the clouds are equal
    weight = sent.matched * robust(move[:, :2].norm(dim=-1))
    weight = weight / weight.sum().clamp(min=1e-9)
    axes = torch.eye(2).to(points)
    rows = [
        direction_rows(k, points, axes[i].expand(len(points), 2), -move[:, i], weight)
        for i in range(2)
    ]
    if has_depth and kind is not None:
        nearer = target.z.nanmedian() - source.z.median()
        z = source.z + nearer + move[:, 2] / RELIEF_WEIGHT * source.z.median() / focal
        value = unknowns.gain * depth_function(kind, z.clamp(min=1e-6))[0] + unknowns.offset
        claim = DepthClaim(source.z, value, torch.zeros_like(points[:, :2]))
        trusted = weight * DEPTH_TRUST[kind]
        rows.append(depth_rows(k, points, claim, unknowns, kind, focal / source.z, trusted))
    return rows
