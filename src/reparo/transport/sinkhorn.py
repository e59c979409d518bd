"""Sinkhorn's algorithm in scalings, made safe by absorbing them into the potentials.

The plan is P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps), eps = blur². Exponentials are what costs,
so the kernel is made once a level of the annealing with the potentials at hand absorbed in it, and
only products of the kernel with vectors of scalings u, v follow. Marginals are held exactly
(balanced) or by rho KL(P 1 | a) + rho KL(Pᵀ 1 | b) with rho = reach² (Séjourné et al., 2019).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

LOWEST = -60.0  # exponents below count as this: no denormal numbers, which are slow
SAFE = 30.0  # logarithm of a scaling above which it is absorbed
LARGEST = 46.0  # logarithm at which scalings are cut, so that nothing overflows in between
ANNEALING = 0.5  # blur of a level over that of the one before
LEVEL_ROUNDS = 5
CHECK_EVERY = 4  # rounds
OVER_RELAXATION = 1.5
WARM_ROUNDS = 48  # a warm start that has not converged by then is dropped


@dataclass(frozen=True)
class Problem:
    """What is to be solved: costs, weights and how firmly the weights are to be met."""

    negative_cost: Float[Tensor, "n m"]
    weights_x: Float[Tensor, " n"]
    weights_y: Float[Tensor, " m"]
    offset_x: Float[Tensor, " n"]  # true potential of x minus the one of the costs above
    offset_y: Float[Tensor, " m"]
    stiffness: float  # rho, squared units of the points; infinite: balanced

    def miss(self, potential: Tensor, offset: Tensor) -> Tensor:
        """Minus the logarithm of the share of its weight that each point is to give."""
        return (potential + offset) / self.stiffness


@dataclass(frozen=True)
class Plan:
    """A solution P_ij = u_i K_ij v_j, and the dual potentials behind it."""

    kernel: Float[Tensor, "n m"]
    u: Float[Tensor, " n"]  # weights of x included
    v: Float[Tensor, " m"]
    f: Float[Tensor, " n"]  # of the problem's costs, without the offsets
    g: Float[Tensor, " m"]
    marginal_error: float  # sum of |column - wanted| over all weights of y, rows being exact

    @property
    def mass(self) -> Float[Tensor, "n m"]:
        """Weight sent from each x to each y."""
        return self.u[:, None] * self.kernel * self.v

    @property
    def sent(self) -> Float[Tensor, " n"]:
        """Weight sent from each x."""
        return self.u * (self.kernel @ self.v)

    @property
    def got(self) -> Float[Tensor, " m"]:
        """Weight that each y got."""
        return self.v * (self.kernel.mT @ self.u)

    def images(self, y: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
        """Mean of the y that each x is sent to."""
        return _means(self.kernel, self.v, y)

    def origins(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "m d"]:
        """Mean of the x that each y got its weight from."""
        return _means(self.kernel.mT, self.u, x)


def _means(kernel: Tensor, scaling: Tensor, points: Tensor) -> Tensor:
    sums = kernel @ torch.cat([scaling[:, None] * points, scaling[:, None]], 1)
    return sums[:, :-1] / sums[:, -1:].clamp(min=torch.finfo(sums.dtype).tiny)


class Scaling:
    """P = a u K v at one blur; K's rows have 1 as their largest entry."""

    def __init__(self, problem: Problem, g: Float[Tensor, " m"], blur: float):
        self.problem, self.eps = problem, blur**2
        self.softness = 1 / (1 + self.eps / problem.stiffness)  # 1: balanced
        self.log_b = problem.weights_y.log()
        self.absorb(g)

    def absorb(self, g: Float[Tensor, " m"]) -> None:
        """Makes the kernel anew from the potential of y; x's follows from it."""
        exponent = torch.add(
            g / self.eps + self.log_b, self.problem.negative_cost, alpha=1 / self.eps
        )
        top = exponent.amax(1)
        self.kernel = exponent.sub_(top[:, None]).clamp_(min=LOWEST).exp_()
        self.base_f, self.base_g = -self.eps * top, g
        self.log_v = torch.zeros_like(g)
        self.v = torch.ones_like(g)
        self.update_u()

    @property
    def f(self) -> Float[Tensor, " n"]:
        """The potential of x."""
        return self.base_f + self.eps * self.log_u

    @property
    def g(self) -> Float[Tensor, " m"]:
        """The potential of y."""
        return self.base_g + self.eps * self.log_v

    def update_u(self) -> None:
        """Makes every x send what it should."""
        miss = self.problem.miss(self.base_f, self.problem.offset_x)
        self.log_u = (self.softness * (-(self.kernel @ self.v).log() - miss)).clamp_(
            -LARGEST, LARGEST
        )
        self.given = self.problem.weights_x * self.log_u.exp()  # a u

    def update_v(self, columns: Float[Tensor, " m"], relaxation: float) -> None:
        """Makes every y get what it should, or overshoots by the relaxation."""
        miss = self.problem.miss(self.base_g, self.problem.offset_y)
        wanted = self.softness * (self.log_b - columns.log() - miss)
        self.log_v = torch.lerp(self.log_v, wanted, relaxation).clamp_(-LARGEST, LARGEST)
        if math.isfinite(self.problem.stiffness):
            self.log_v = self.log_v - self.exchange() / self.eps
        self.v = self.log_v.exp()

    def exchange(self) -> Tensor:
        """What to add to f and take from g, which leaves P as it is, at the dual's best.

        Without it the total mass would converge at a rate of 1 - eps / rho only.
        """
        problem = self.problem
        given = torch.logsumexp(problem.weights_x.log() - problem.miss(self.f, problem.offset_x), 0)
        got = torch.logsumexp(self.log_b - problem.miss(self.g, problem.offset_y), 0)
        return problem.stiffness / 2 * (given - got)

    def marginal_error(self, columns: Float[Tensor, " m"]) -> float:
        """Sum of |column - wanted| over the sum of the weights."""
        wanted = (self.log_b - self.problem.miss(self.g, self.problem.offset_y)).exp()
        return float((self.v * columns - wanted).abs().sum() / self.problem.weights_y.sum())

    def run(self, rounds: int, tolerance: float, relaxation: float = 1.0) -> float:
        """Alternates until the columns are met or the rounds are used; returns their error."""
        error = math.inf
        for index in range(rounds + 1):
            columns = self.kernel.mT @ self.given
            if index % CHECK_EVERY == 0 or index == rounds:
                if max(float(self.log_v.max()), float(self.log_u.max())) > SAFE:
                    self.absorb(self.g)
                    columns = self.kernel.mT @ self.given
                error = self.marginal_error(columns)
                if error <= tolerance or index == rounds:
                    break
            self.update_v(columns, relaxation if index else 1.0)
            self.update_u()
        return error

    def plan(self, error: float) -> Plan:
        """The solution as it stands."""
        return Plan(self.kernel, self.given, self.v, self.f, self.g, error)


def solve(
    problem: Problem,
    blurs: list[float],
    start: Float[Tensor, " m"] | None,
    tolerance: float,
    rounds: int,
) -> Plan:
    """Solves at the last of the blurs, from the potential of y if there is one, or by annealing."""
    if start is not None:
        scaling = Scaling(problem, start, blurs[-1])
        error = scaling.run(min(WARM_ROUNDS, rounds), tolerance, OVER_RELAXATION)
        if error <= tolerance:
            return scaling.plan(error)
    g = torch.zeros_like(problem.weights_y)
    for blur in blurs[:-1]:
        scaling = Scaling(problem, g, blur)
        scaling.run(LEVEL_ROUNDS, tolerance)
        g = scaling.g
    scaling = Scaling(problem, g, blurs[-1])
    return scaling.plan(scaling.run(rounds, tolerance, OVER_RELAXATION))


def annealing(size: float, blur: float) -> list[float]:
    """Blurs that fall from the size of the clouds to the one wanted."""
    steps = max(0, math.ceil(math.log(max(size / blur, 1.0)) / -math.log(ANNEALING)))
    return [blur * ANNEALING**-step for step in range(steps, -1, -1)]
