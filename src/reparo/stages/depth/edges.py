"""Brings a coarse map to the photo's size without mixing an object with what is behind it."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

LEAST_WEIGHT = 1e-6  # of a mean: below it nothing is known
TINY = 1e-30  # instead of 0 below a fraction whose numerator is 0 too
LEAST_INSIDE = 4  # coarse pixels; an object with fewer inner ones uses its outline's too


def sharpened(coarse: Float[Tensor, "y x"], masks: Bool[Tensor, "n h w"]) -> Float[Tensor, "h w"]:
    """Bilinear within each mask, and within what no mask has; edges lie where the masks end.

    A fine pixel takes the mean of those coarse ones about it that belong to the same thing, each by
    its bilinear weight; where there is none, the nearest of them.
    """
    size = (masks.shape[-2], masks.shape[-1])
    free = ~masks.any(0)
    values = interpolate(coarse[None, None], size, mode="bilinear")[0, 0]
    for mask in (free, *masks):
        if mask.any():
            values = torch.where(mask, _within(coarse, mask), values)
    return values


def _within(coarse: Float[Tensor, "y x"], mask: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The map continued from the coarse pixels that lie inside a mask."""
    share = interpolate(mask[None, None].to(coarse), coarse.shape, mode="area")
    inner = (share > 0.99).to(coarse)
    weight = inner if inner.sum() >= LEAST_INSIDE else share
    total, needed = coarse * weight, max_pool2d((share > 0).to(coarse), 3, 1, 1) > 0
    while (needed & (weight < LEAST_WEIGHT)).any():  # ever wider means
        known = weight >= LEAST_WEIGHT
        total, weight = (
            torch.where(known, one, avg_pool2d(one, 3, 1, 1)) for one in (total, weight)
        )
        # far from the inner pixels means of means fade away: what was reached stays known
        reached = torch.where(weight > 0, weight.clamp_min(LEAST_WEIGHT), weight)
        total, weight = total * (reached / weight.clamp_min(TINY)), reached
    fine = [interpolate(one, mask.shape, mode="bilinear")[0, 0] for one in (total, weight)]
    return fine[0] / fine[1].clamp_min(1e-9)
