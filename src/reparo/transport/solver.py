"""Transport between two weighted clouds of points: the plan, what it means, what it costs."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.transport.cost import Centred, negative_cost
from reparo.transport.sinkhorn import Plan, Problem, annealing, solve
from reparo.transport.symmetric import solve_symmetric

Weights = tuple[Float[Tensor, " n"] | None, Float[Tensor, " m"] | None]
SMALLEST_WEIGHT = 1e-20  # share of the largest; stands for 0, whose logarithm is not finite


@dataclass(frozen=True)
class Potentials:
    """Where a solution can be taken up again when the points have moved a little.

    Those of the clouds moved to their own means, so a move of a whole cloud changes nothing.
    """

    g: Float[Tensor, " m"]  # of y against x; x's own follows from it, so x may have other points
    xx: Float[Tensor, " n"] | None = None  # of x against itself; only from a divergence
    yy: Float[Tensor, " m"] | None = None


@dataclass(frozen=True)
class Transport:
    """How x is sent onto y."""

    cost: Float[Tensor, ""]  # sum of P_ij 0.5 |x_i - y_j|²; its gradient holds the plan fixed
    target: Float[Tensor, "n d"]  # mean of the y that a point of x is sent to; no gradient
    matched: Float[Tensor, " n"]  # share of a point's weight that was sent, 0..1; balanced: 1
    matched_y: Float[Tensor, " m"]  # share of a point's weight that was filled, 0..1
    plan: Float[Tensor, "n m"]  # weight sent from x_i to y_j; no gradient
    potentials: Potentials
    marginal_error: float  # sum of |weight got - wanted| over y, as a share of y's weight


@dataclass(frozen=True)
class Divergence:
    """How different two clouds are: OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2."""

    value: Float[Tensor, ""]  # squared units of the points, >= 0; with gradients to x and y
    potentials: Potentials
    marginal_error: float  # as in Transport


@dataclass(frozen=True)
class Solver:
    """Entropic optimal transport at the cost 0.5 |x - y|² by annealed Sinkhorn."""

    blur: float  # units of the points; eps = blur²; detail finer than it is not resolved
    reach: float | None = None  # units of the points; rho = reach²; none: all weight is sent
    tolerance: float = 0.03  # of the marginal error
    max_rounds: int = 1000

    def __post_init__(self) -> None:
        """Refuses lengths that are none."""
        for name, length in (("blur", self.blur), ("reach", self.reach)):
            if length is not None and not (length > 0 and math.isfinite(length)):
                raise InputError(
                    f"{name} is a length above 0 in the units of the points, got {length}; "
                    "try a hundredth of the cloud's size"
                )

    @property
    def stiffness(self) -> float:
        """rho, the price of not sending or not filling weight; infinite if balanced."""
        return math.inf if self.reach is None else self.reach**2

    def transport(
        self,
        x: Float[Tensor, "n d"],
        y: Float[Tensor, "m d"],
        weights: Weights | None = None,
        start: Potentials | None = None,
    ) -> Transport:
        """Sends x onto y."""
        a, b = self._weights(x, y, weights)
        with torch.no_grad():
            centred = Centred.from_clouds(x, y, self.blur)
            plan = self._solve(centred, a, b, start)
            cost, to_y, to_x = _plan_cost(plan, centred)
            target = x - (centred.x - plan.images(centred.y) + centred.apart).to(x.dtype)
            matched, matched_y = torch.ones_like(a), torch.ones_like(b)
            if self.reach is not None:
                matched = (plan.sent.to(x.dtype) / a).clamp(max=1.0)
                matched_y = (plan.got.to(x.dtype) / b).clamp(max=1.0)
        cost = _with_gradient(_with_gradient(cost.to(x.dtype), x, to_y), y, to_x)
        potentials = Potentials(plan.g.to(x.dtype))
        mass = plan.mass.to(x.dtype)
        return Transport(cost, target, matched, matched_y, mass, potentials, plan.marginal_error)

    def divergence(
        self,
        x: Float[Tensor, "n d"],
        y: Float[Tensor, "m d"],
        weights: Weights | None = None,
        start: Potentials | None = None,
    ) -> Divergence:
        """Compares x with y; 0 where they are the same."""
        a, b = self._weights(x, y, weights)
        with torch.no_grad():
            centred = Centred.from_clouds(x, y, self.blur)
            plan = self._solve(centred, a, b, start)
            self_x = self._solve_symmetric(centred.x, a, start and start.xx)
            self_y = self._solve_symmetric(centred.y, b, start and start.yy)
            halves = (self._dual_value(self_x, a, a) + self._dual_value(self_y, b, b)) / 2
            value = self._dual_value(plan, a, b, centred) - halves
            if self.reach is not None:
                value = value + self.blur**2 / 2 * (a.sum() - b.sum()) ** 2
            value = value.to(x.dtype)
            along_x = along_y = None
            if x.requires_grad:
                away = centred.x - plan.images(centred.y) + centred.apart
                own = centred.x - self_x.images(centred.x)
                along_x = self._wanted(plan.f + centred.offset_x, a)[:, None] * away
                along_x = along_x - self._wanted(self_x.f, a)[:, None] * own
            if y.requires_grad:
                away = centred.y - plan.origins(centred.x) - centred.apart
                own = centred.y - self_y.images(centred.y)
                along_y = self._wanted(plan.g + centred.offset_y, b)[:, None] * away
                along_y = along_y - self._wanted(self_y.f, b)[:, None] * own
        value = _with_gradient(_with_gradient(value, x, along_x), y, along_y)
        potentials = Potentials(plan.g.to(x.dtype), self_x.f.to(x.dtype), self_y.f.to(x.dtype))
        return Divergence(value, potentials, plan.marginal_error)

    def _solve(self, centred: Centred, a: Tensor, b: Tensor, start: Potentials | None) -> Plan:
        kind = centred.x.dtype
        problem = Problem(
            negative_cost(centred.x, centred.y),
            a.to(kind),
            b.to(kind),
            centred.offset_x,
            centred.offset_y,
            self.stiffness,
        )
        g = start.g.to(kind) if start is not None and len(start.g) == len(b) else None
        blurs = annealing(centred.size, self.blur)
        return solve(problem, blurs, g, self.tolerance, self.max_rounds)

    def _solve_symmetric(self, x: Tensor, a: Tensor, start: Tensor | None) -> Plan:
        start = start.to(x.dtype) if start is not None and len(start) == len(a) else None
        return solve_symmetric(
            x,
            a.to(x.dtype),
            self.blur,
            self.stiffness,
            start,
            (self.tolerance / 10, self.max_rounds),
        )

    def _wanted(self, potential: Tensor, weights: Tensor) -> Tensor:
        """The weight that each point is to send or get."""
        return weights * (-potential / self.stiffness).exp()

    def _dual_value(
        self, plan: Plan, a: Tensor, b: Tensor, centred: Centred | None = None
    ) -> Tensor:
        """The dual objective, whose error is of second order in the potentials'."""
        f = plan.f if centred is None else plan.f + centred.offset_x
        g = plan.g if centred is None else plan.g + centred.offset_y
        if self.reach is not None:
            f = -self.stiffness * torch.expm1(-f / self.stiffness)
            g = -self.stiffness * torch.expm1(-g / self.stiffness)
        entropy = self.blur**2 * (plan.sent.sum() - a.sum() * b.sum())
        return (a * f).sum() + (b * g).sum() - entropy

    def _weights(self, x: Tensor, y: Tensor, weights: Weights | None) -> tuple[Tensor, Tensor]:
        a, b = weights or (None, None)
        a, b = _checked(x, a, "x"), _checked(y, b, "y")
        if self.reach is None:
            if abs(float(a.sum() / b.sum()) - 1) > 1e-3:
                raise InputError(
                    f"without a reach both clouds weigh the same, got {float(a.sum()):g} and "
                    f"{float(b.sum()):g}; give a reach or divide the weights by their sum"
                )
            b = b * (a.sum() / b.sum())
        return a, b


def transport(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"],
    *,
    blur: float,
    reach: float | None = None,
    weights: Weights | None = None,
    start: Potentials | None = None,
) -> Transport:
    """Sends x onto y at least cost; see `Solver` for the lengths, `Transport` for the answer.

    `weights` are those of x and of y, each uniform with sum 1 if none; zeros may be among them.
    """
    return Solver(blur, reach).transport(x, y, weights, start)


def divergence(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"],
    *,
    blur: float,
    reach: float | None = None,
    weights: Weights | None = None,
    start: Potentials | None = None,
) -> Divergence:
    """Compares x with y by debiased transport, differentiably; arguments as for `transport`."""
    return Solver(blur, reach).divergence(x, y, weights, start)


def _checked(points: Tensor, weights: Tensor | None, name: str) -> Tensor:
    """The weights of a cloud, above 0; refuses what no transport exists for."""
    if not len(points) or not bool(points.isfinite().all()):
        raise InputError(
            f"{name} is a cloud of finite points, got {list(points.shape)} with "
            f"{int((~points.isfinite()).sum())} numbers that are not; leave those points out"
        )
    if weights is None:
        return points.new_full((len(points),), 1 / len(points)).detach()
    weights = weights.detach().to(points.dtype)
    if len(weights) != len(points) or not (
        float(weights.min()) >= 0 < float(weights.sum()) < math.inf
    ):
        raise InputError(
            f"weights of {name} are {len(points)} finite numbers from 0 up, not all 0; got "
            f"{len(weights)} from {float(weights.min()):g} to {float(weights.max()):g}"
        )
    return weights.clamp(min=float(weights.max()) * SMALLEST_WEIGHT)


def _plan_cost(plan: Plan, centred: Centred) -> tuple[Tensor, Tensor, Tensor]:
    """Sum of P C, and what it changes by with x and with y at a fixed plan."""
    sent, got = plan.sent[:, None], plan.got[:, None]
    to_y = sent * (centred.x - plan.images(centred.y) + centred.apart)
    to_x = got * (centred.y - plan.origins(centred.x) - centred.apart)
    # Twice the cost is sum of <x - y, P-weighted differences>, as seen from either side.
    cost = ((centred.x + centred.apart) * to_y).sum() + (centred.y * to_x).sum()
    return cost / 2, to_y, to_x


def _with_gradient(value: Tensor, points: Tensor, gradient: Tensor | None) -> Tensor:
    """The value, made to change with the points as the gradient says."""
    if gradient is None or not points.requires_grad:
        return value
    return value + (gradient.to(points.dtype) * (points - points.detach())).sum()
