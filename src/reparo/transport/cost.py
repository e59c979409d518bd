"""The cost of sending one point to another: half the squared distance, for all pairs at once."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

# Above this (size / blur)² single precision leaves errors near 1 % in the exponents.
SINGLE_PRECISION_REACH = 1e5


@dataclass(frozen=True)
class Centred:
    """Two clouds, each moved to its own mean, which keeps the products below small and exact.

    With x = x_c + mean_x and so on, 0.5 |x - y|² = 0.5 |x_c - y_c|² + offset_x + offset_y:
    the plan of the centred clouds is the plan of the clouds.
    """

    x: Float[Tensor, "n d"]
    y: Float[Tensor, "m d"]
    apart: Float[Tensor, " d"]  # mean of x minus mean of y
    offset_x: Float[Tensor, " n"]  # squared units of the points
    offset_y: Float[Tensor, " m"]
    size: float  # no two centred points are further apart

    @classmethod
    def from_clouds(
        cls, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], blur: float
    ) -> "Centred":
        """Centres both and takes double precision where single is too coarse for the blur."""
        mean_x, mean_y = x.mean(0), y.mean(0)
        x, y, apart = x - mean_x, y - mean_y, mean_x - mean_y
        size = float(x.norm(dim=1).max() + y.norm(dim=1).max())
        if (size / blur) ** 2 > SINGLE_PRECISION_REACH and x.device.type != "mps":
            x, y, apart = x.double(), y.double(), apart.double()
        square = apart.square().sum() / 4
        return cls(x, y, apart, x @ apart + square, square - y @ apart, size)


def negative_cost(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """-0.5 |x_i - y_j|², by one matrix product."""
    ones = x.new_ones(1)
    left = torch.cat([x, x.square().sum(1, keepdim=True) / -2, ones.expand(len(x), 1)], 1)
    right = torch.cat([y, ones.expand(len(y), 1), y.square().sum(1, keepdim=True) / -2], 1)
    return left @ right.mT
