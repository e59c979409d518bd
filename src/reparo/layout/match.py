"""Transport as a guide: where in the picture does each visible surface point belong?

Each object is drawn alone and its points are sent onto the pixels of its own mask, so objects
cannot be swapped and one that is hidden where it now stands still gets home. A point is its place
in the picture, its relief and its colour; the plan need not use every point (hidden parts).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.layout.rows import DepthClaim, Rows, depth_rows, direction_rows
from reparo.layout.solve import robust
from reparo.layout.view import Sight
from reparo.transport import transport

WIDEST, FINEST = 0.15, 0.02  # blur, in lengths of the mask's diagonal, first round and last
REACH = 6.0  # blurs beyond which a point rather stays unmatched
RELIEF_WEIGHT = 0.5  # of depth against place in the cost
COLOUR_WEIGHT = 0.1  # mask diagonals per unit of contrast: colours of render and photo differ
# Against an outline's weight. A map by a network or a stand-in is smoothly wrong, all pixels of an
# object together, so it says one number an object. Two per cent of distance are 10 px where the
# focal length is 500 px, an outline's many points together are good to a tenth of a pixel: the
# ratio of the two, squared.
DEPTH_TRUST = {"metric": 1.0, "scale": 1e-4, "affine": 1e-4, "disparity": 1e-4}
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


def fineness_of_rounds(rounds: int, points: int) -> list[Fineness]:
    """From the widest blur to the finest, by equal factors."""
    factor = FINEST / WIDEST
    return [Fineness(WIDEST * factor ** (i / max(rounds - 1, 1)), points) for i in range(rounds)]


def match_rows(sight: Sight, fineness: Fineness) -> list[Rows]:
    """Rows that pull each object's points to where they belong; an unseen object has none."""
    view, distance = sight.view, sight.distance
    rows: list[Rows] = []
    for k, mask in enumerate(view.masks):
        covered = sight.layers.covered[k]
        free = covered & ~view.others[k]
        free = free if free.sum() >= ENOUGH * covered.sum() else covered
        if not free.any() or not mask.any():
            continue
        stride = math.ceil(math.sqrt(max(int(free.sum()), int(mask.sum())) / fineness.points))
        layer = sight.layers.renderings[k]
        source = cloud(free, layer.depth, layer.rgb, stride)
        rows += _rows_of_one(sight, k, source, cloud(mask, distance, view.rgb, stride), fineness)
    return rows


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


def _rows_of_one(
    sight: Sight, k: int, source: Cloud, target: Cloud, fineness: Fineness
) -> list[Rows]:
    """Transports one object's visible points onto its mask."""
    length, focal = _diagonal(sight.view.masks[k]), sight.view.camera.focal
    has_depth = bool((~target.z.isnan()).sum() * 2 > len(target.z))
    a, b = (features(one, length, has_depth, focal) for one in (source, target))
    reach = REACH * fineness.blur
    sent = transport(a, b, blur=fineness.blur, reach=reach)
    kept = transport(a, a, blur=fineness.blur, reach=reach)
    move = (sent.target - kept.target) * length  # debiased: nothing moves if the clouds are equal
    weight = sent.matched * robust(move[:, :2].norm(dim=-1))
    weight = weight / weight.sum().clamp(min=1e-9)
    points = sight.layers.renderings[k].point[source.at]
    rows = [
        direction_rows(k, points, axis.expand(len(points), 2), -move[:, i], weight)
        for i, axis in enumerate(torch.eye(2).to(points))
    ]
    if has_depth and sight.depth is not None:
        nearer = target.z.nanmedian() - source.z.median()
        relief = move[:, 2] / RELIEF_WEIGHT * source.z.median() / focal
        value = sight.depth.value((source.z + nearer + relief).clamp(min=1e-6))
        claim = DepthClaim(sight.depth, focal, source.z, value, torch.zeros_like(points[:, :2]))
        trust = DEPTH_TRUST[sight.depth.kind]
        said = depth_rows(k, points, claim, weight * trust)
        rows.append(said if sight.depth.kind == "metric" else said.as_one(trust))
    return rows


def _diagonal(mask: Bool[Tensor, "h w"]) -> float:
    """Of the mask's box, px."""
    y, x = mask.nonzero().unbind(-1)
    return math.hypot(float(x.max() - x.min()) + 1, float(y.max() - y.min()) + 1)
