"""Transport at any cost between very large clouds: nothing of size n x m is ever kept.

The plan between uniform weights is P_ij = exp((f_i + g_j - C_ij) / eps) / (n m). Its potentials
are soft minima, f_i = -eps log mean_j exp((g_j - C_ij) / eps), which are made a block of rows at a
time from the points themselves. eps falls from the largest cost to the one wanted by a fixed
factor, with one symmetric, averaged update at each value and a last one that is not averaged: the
loop, and so the accuracy, of Feydy et al. 2019 ("Interpolating between optimal transport and MMD").
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Cost = Callable[[Float[Tensor, "n d"], Float[Tensor, "m d"]], Float[Tensor, "n m"]]
PAIRS_AT_ONCE = 1 << 24  # about 400 MB of single precision while a block is worked on


@dataclass(frozen=True)
class ChunkedSolver:
    """Balanced entropic transport between uniform clouds at the cost given."""

    cost: Cost
    epsilons: tuple[float, ...]  # in units of the cost, falling; the last is the one wanted
    pairs_at_once: int = PAIRS_AT_ONCE

    @torch.no_grad()
    def potentials(
        self, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, " m"]]:
        """f of x and g of y, each the soft minimum of the other's average."""
        there, back, (f, g) = self._averaged(x, y)
        last = self.epsilons[-1]
        return there.soft_minimum(g, last), back.soft_minimum(f, last)

    @torch.no_grad()
    def own_potential(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Of a cloud against itself, where both potentials are the same."""
        costs, f = self._averaged_own(x)
        return costs.soft_minimum(f, self.epsilons[-1])

    @torch.no_grad()
    def images(self, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
        """Mean of the y that each x is sent to, all of its weight."""
        there, _, (_, g) = self._averaged(x, y)
        return there.means(g, y, self.epsilons[-1])

    @torch.no_grad()
    def own_images(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Mean of what each x is sent to if it is sent to its own cloud: a blurred x."""
        costs, f = self._averaged_own(x)
        return costs.means(f, x, self.epsilons[-1])

    def divergence(self, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> float:
        """OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2, by the dual values."""
        f, g = self.potentials(x, y)
        return float((f - self.own_potential(x)).mean() + (g - self.own_potential(y)).mean())

    def _averaged(
        self, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]
    ) -> "tuple[Costs, Costs, tuple[Tensor, Tensor]]":
        there, back = self._costs(x, y), self._costs(y, x)
        first = self.epsilons[0]
        f = there.soft_minimum(y.new_zeros(len(y)), first)
        g = back.soft_minimum(x.new_zeros(len(x)), first)
        for eps in self.epsilons:
            f, g = (f + there.soft_minimum(g, eps)) / 2, (g + back.soft_minimum(f, eps)) / 2
        return there, back, (f, g)

    def _averaged_own(self, x: Float[Tensor, "n d"]) -> "tuple[Costs, Tensor]":
        costs = self._costs(x, x)
        f = costs.soft_minimum(x.new_zeros(len(x)), self.epsilons[0])
        for eps in self.epsilons:
            f = (f + costs.soft_minimum(f, eps)) / 2
        return costs, f

    def _costs(self, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> "Costs":
        kept = self.cost(x, y) if len(x) * len(y) <= self.pairs_at_once else None
        return Costs(self.cost, x, y, max(self.pairs_at_once // len(y), 1), kept)


@dataclass(frozen=True)
class Costs:
    """The costs from x to y, a block of rows at a time; small ones are kept."""

    cost: Cost
    x: Float[Tensor, "n d"]
    y: Float[Tensor, "m d"]
    rows: int
    kept: Float[Tensor, "n m"] | None

    def blocks(self) -> Iterator[Float[Tensor, "b m"]]:
        """In the order of x."""
        if self.kept is not None:
            yield self.kept
            return
        for part in self.x.split(self.rows):
            yield self.cost(part, self.y)

    def soft_minimum(self, g: Float[Tensor, " m"], eps: float) -> Float[Tensor, " n"]:
        """-eps log mean_j exp((g_j - C_ij) / eps)."""
        mean = math.log(len(self.y))
        parts = [(g - block).div_(eps).logsumexp(1) for block in self.blocks()]
        return -eps * (torch.cat(parts) - mean)

    def means(
        self, g: Float[Tensor, " m"], values: Float[Tensor, "m d"], eps: float
    ) -> Float[Tensor, "n d"]:
        """Of the values, weighted as exp((g_j - C_ij) / eps)."""
        return torch.cat([(g - block).div_(eps).softmax(1) @ values for block in self.blocks()])


def half_squared_distance(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """0.5 |x_i - y_j|²."""
    return torch.cdist(x, y).square() / 2


def annealed(widest: float, finest: float, factor: float) -> tuple[float, ...]:
    """From `widest`, twice, down by a factor below 1 to `finest`."""
    steps = math.ceil(math.log(finest / widest) / math.log(factor)) if finest < widest else 0
    return (widest, *(widest * factor**step for step in range(steps)), finest)
