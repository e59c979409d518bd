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
WIDEST = 0.25  # blur of annealing's first level over the size of the clouds
ANNEALING = 0.35  # blur of a level over that of the one before
LEVEL_ROUNDS = 16  # at most, at each level but the last
CHECK_EVERY = 3  # rounds
OVER_RELAXATION = 1.7  # halves the rounds at small blurs; above 2 would diverge
TRIAL_ROUNDS = 4  # for a warm start to show how well it fits
NEAR = 0.15  # marginal error above which a warm start is tried at a wider blur


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
    weighted = scaling * torch.cat([points.mT, points.new_ones(1, len(points))])
    sums = weighted @ kernel.mT  # few rows times a matrix: several times faster than its columns
    return (sums[:-1] / sums[-1].clamp(min=torch.finfo(sums.dtype).tiny)).mT


class Scaling:
    """P_ij = a_i u_i K_ij v_j at one blur; the largest entry of each row of K is 1."""

    def __init__(self, problem: Problem, g: Float[Tensor, " m"], blur: float):
        self.problem, self.eps = problem, blur**2
        self.softness = 1 / (1 + self.eps / problem.stiffness)  # 1: balanced
        self.log_a, self.log_b = problem.weights_x.log(), problem.weights_y.log()
        self.absorb(g)

    def absorb(self, g: Float[Tensor, " m"]) -> None:
        """Makes the kernel anew from the potential of y; x's follows from it."""
        exponent = torch.add(
            g / self.eps + self.log_b, self.problem.negative_cost, alpha=1 / self.eps
        )
        top = exponent.amax(1)
        self.kernel = exponent.sub_(top[:, None]).clamp_(min=LOWEST).exp_()
        self.base_f, self.base_g = -self.eps * top, g
        self.aim_u = -self.softness * self.problem.miss(self.base_f, self.problem.offset_x)
        self.aim_v = self.softness * (self.log_b - self.problem.miss(g, self.problem.offset_y))
        self.log_v, self.v = torch.zeros_like(g), torch.ones_like(g)
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
        sums = (self.kernel @ self.v).log_()
        self.log_u = torch.sub(self.aim_u, sums, alpha=self.softness).clamp_(-LARGEST, LARGEST)
        self.given = self.problem.weights_x * self.log_u.exp()  # a u

    def update_v(self, columns: Float[Tensor, " m"], relaxation: float) -> None:
        """Makes every y get what it should, or overshoots by the relaxation."""
        wanted = torch.sub(self.aim_v, columns.log(), alpha=self.softness)
        self.log_v = torch.lerp(self.log_v, wanted, relaxation).clamp_(-LARGEST, LARGEST)
        self.v = self.log_v.exp()

    def exchange(self) -> None:
        """Adds to f what it takes from g, which leaves P as it is, by the dual's optimum.

        Without it the total mass would converge no faster than 1 - eps / rho a round.
        """
        problem = self.problem
        sent = torch.logsumexp(self.log_a - problem.miss(self.f, problem.offset_x), 0)
        got = torch.logsumexp(self.log_b - problem.miss(self.g, problem.offset_y), 0)
        shift = (sent - got) / 2  # in units of rho
        self.base_f = self.base_f + problem.stiffness * shift
        self.base_g = self.base_g - problem.stiffness * shift
        self.aim_u = self.aim_u - self.softness * shift
        self.aim_v = self.aim_v + self.softness * shift

    def marginal_error(self, columns: Float[Tensor, " m"]) -> float:
        """Sum of |column - wanted| over the sum of the weights."""
        wanted = (self.log_b - self.problem.miss(self.g, self.problem.offset_y)).exp()
        return float((self.v * columns - wanted).abs().sum() / self.problem.weights_y.sum())

    def run(self, rounds: int, tolerance: float) -> float:
        """Alternates until the columns are met or the rounds are used; returns their error."""
        error, relaxation = math.inf, 1.0
        for index in range(rounds + 1):
            columns = self.kernel.mT @ self.given
            check = index % CHECK_EVERY == 0 or index == rounds
            if check:
                if max(float(self.log_v.max()), float(self.log_u.max())) > SAFE:
                    self.absorb(self.g)
                    columns = self.kernel.mT @ self.given
                last, error = error, self.marginal_error(columns)
                if error <= tolerance or index == rounds:
                    break
                if error > last:  # too bold here
                    relaxation = (1 + relaxation) / 2
            self.update_v(columns, relaxation)
            if check and math.isfinite(self.problem.stiffness):
                self.exchange()
            self.update_u()
            relaxation = relaxation if index else OVER_RELAXATION
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
    """Solves at the last of the blurs, coming from wider ones, by way of y's potential."""
    level, scaling = _take_up(problem, blurs, start)
    for blur in blurs[level + 1 :]:
        scaling.run(LEVEL_ROUNDS, tolerance)
        scaling = Scaling(problem, scaling.g, blur)
    return scaling.plan(scaling.run(rounds, tolerance))


def _take_up(
    problem: Problem, blurs: list[float], start: Float[Tensor, " m"] | None
) -> tuple[int, Scaling]:
    """The narrowest blur at which the start is near the solution; without one the widest."""
    if start is not None:
        for level in reversed(range(len(blurs))):
            scaling = Scaling(problem, start, blurs[level])
            if scaling.run(TRIAL_ROUNDS, NEAR) <= NEAR:
                return level, scaling
    return 0, Scaling(problem, torch.zeros_like(problem.weights_y), blurs[0])


def annealing(size: float, blur: float) -> list[float]:
    """Blurs that fall from a share of the clouds' size to the one wanted."""
    steps = math.log(max(WIDEST * size / blur, 1.0)) / -math.log(ANNEALING)
    return [blur * ANNEALING**-step for step in range(math.ceil(steps), -1, -1)]
