"""Removes what a network leaves at the edges of a mask: specks and pin-holes."""

import numpy as np
import torch
from jaxtyping import Bool
from scipy import ndimage
from torch import Tensor

SPECK = 0.05  # of the largest piece; smaller pieces are dropped
HOLE = 0.002  # of the mask; smaller holes are filled, larger ones (a handle) stay


def tidy(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The mask without specks and pin-holes."""
    inside = mask.numpy()
    if not inside.any():
        return mask
    pieces, sizes = _pieces(inside)
    inside = (sizes >= SPECK * sizes.max())[pieces] & inside
    holes, sizes = _pieces(~inside)
    small = sizes < HOLE * inside.sum()
    return torch.from_numpy(inside | (small[holes] & ~inside))


def _pieces(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's connected piece, numbered from 1, and each piece's pixels (0 for none)."""
    labels, count = ndimage.label(inside)  # type: ignore[misc]
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return labels, sizes
