"""From a guess of an object's solid to a field that ends where the cut-out's outline does."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import (
    binary_dilation,
    binary_fill_holes,
    correlate,
    correlate1d,
    distance_transform_edt,
    gaussian_filter,
    label,
)
from torch import Tensor
from torch.nn.functional import interpolate

SURE = 0.5  # logit: each ray inside the outline meets the object at least so surely
NARROW = 3.0  # how much steeper the logits of rays become where that had to be made so
FALLING = 0.25  # ... and what they lose with each node away from where that is
THICK = 1.5  # nodes before and behind that: at least so thick is what is met
STEP = 2  # nodes that a ray may meet the object nearer or farther than the ray beside it, there
STEEP = 8.0  # logits per alpha: the outline's own field
NEAR = -0.4  # of alpha below a half: rays so little outside are cared for
SMALL = 0.01  # of the solid or of its front: smaller parts are specks
SMOOTH = 1.6  # nodes
LEAST = 1e-3  # logits: no node lies nearer to the border
BESIDE = np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])  # the four rays beside one


@dataclass(frozen=True)
class Field:
    """Values at the nodes of a grid, above 0 inside; its border is outside."""

    solid: Float[np.ndarray, "z y x"]  # of the guess, along rays
    outline: Float[np.ndarray, "z y x"]  # of the cut-out, across them
    both: Float[np.ndarray, "z y x"]  # the less of the two, holes filled and specks gone


def field(logits: Float[Tensor, "z y x"], alpha: Float[Tensor, "s s"], nodes: int) -> Field:
    """On so many nodes each way, and one more all around."""
    size = (nodes, nodes, nodes)
    above = _spread(logits.float().cpu(), alpha)
    wide = interpolate(above[None, None].clamp(-6, 6), size, mode="trilinear")
    solid = gaussian_filter(wide[0, 0].double().cpu().numpy(), SMOOTH)
    outline = _outline(alpha, nodes)
    solid = _met(solid, outline > NEAR)
    both = np.minimum(solid, STEEP * outline)
    both = np.where(np.abs(both) < LEAST, np.where(both < 0, -LEAST, LEAST), both)
    filled: Any = binary_fill_holes(both > 0)
    both[filled & (both <= 0)] = SURE
    both[~_large(both > 0) & (both > 0)] = -SURE
    outlines = np.broadcast_to(STEEP * outline, both.shape)
    return Field(*(np.pad(one, 1, constant_values=-SURE) for one in (solid, outlines, both)))


def _met(
    solid: Float[np.ndarray, "z y x"], inside: Bool[np.ndarray, "y x"]
) -> Float[np.ndarray, "z y x"]:
    """So that every ray inside meets the object, if thinly, where it can hang together with it."""
    weak = solid.max(0) < SURE
    where = _followed(solid, inside, ~weak)
    less = np.minimum(solid - np.take_along_axis(solid, where[None], 0), 0)
    off = np.abs(np.arange(len(solid))[:, None, None] - _even(where, inside))
    thin = SURE + NARROW * less - FALLING * np.maximum(off - 1, 0)
    return np.where(weak, np.maximum(thin, SURE * (THICK - off)), solid)


def _even(where: Int[np.ndarray, "y x"], inside: Bool[np.ndarray, "y x"]) -> np.ndarray:
    """Whole nodes as a surface without steps, [y, x]."""
    known = inside.astype(float)
    around = gaussian_filter(known, SMOOTH).clip(1e-6)
    return np.where(inside, gaussian_filter(where * known, SMOOTH) / around, where)


def _followed(
    solid: Float[np.ndarray, "z y x"],
    inside: Bool[np.ndarray, "y x"],
    sure: Bool[np.ndarray, "y x"],
) -> Int[np.ndarray, "y x"]:
    """Where rays meet the object: the sure ones where it is likeliest; from there, ray by ray.

    Each next one where it is likeliest within `STEP` of those known beside it, so that legs which
    the network is unsure of do not fall to pieces.
    """
    where, likely = solid.argmax(0), solid.max(0)
    known = sure & inside
    if inside.any() and not known.any():
        known = inside & (likely >= likely[inside].max())
    layers = np.arange(len(solid))[:, None]
    while (edge := binary_dilation(known) & inside & ~known).any():
        beside = correlate(np.stack([known * where, known]).astype(float), BESIDE[None])
        before = beside[0][edge] / beside[1][edge]
        near = np.where(np.abs(layers - before) <= STEP, solid[:, edge], -np.inf)
        where[edge] = near.argmax(0)
        known |= edge
    return where


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
