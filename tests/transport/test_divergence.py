"""Known answers and laws of the debiased divergence."""

import math

import pytest
import torch
from geomloss import SamplesLoss

from reparo.transport import Solver, divergence


def exact(blur, reach=None):
    """A solver for answers to many digits."""
    return Solver(blur, reach, tolerance=1e-9, max_rounds=20000)


def clouds(n=25, m=20):
    return torch.rand(n, 3), torch.rand(m, 3) * 0.8 + 0.3


def plain_cost(x, y, blur, reach):
    """The twin: the textbook's loop, and the dual objective at its end."""
    eps, cost = blur**2, torch.cdist(x, y).square() / 2
    rho = math.inf if reach is None else reach**2
    log_a, log_b = -math.log(len(x)), -math.log(len(y))
    g = torch.zeros(len(y))
    for _ in range(3000):
        f = -eps / (1 + eps / rho) * torch.logsumexp((g - cost) / eps + log_b, 1)
        g = -eps / (1 + eps / rho) * torch.logsumexp((f[:, None] - cost) / eps + log_a, 0)
    if reach is None:
        return f.mean() + g.mean()
    mass = ((f[:, None] + g - cost) / eps + log_a + log_b).exp().sum()
    return rho * (2 - (-f / rho).exp().mean() - (-g / rho).exp().mean()) - eps * (mass - 1)


def theirs(blur, reach):
    return SamplesLoss("sinkhorn", p=2, blur=blur, reach=reach, scaling=0.999, backend="tensorized")


@pytest.mark.parametrize("reach", [None, 0.3, 2.0])
def test_the_value_is_that_of_the_plain_loop(reach):
    x, y = clouds()
    own = (plain_cost(x, x, 0.2, reach) + plain_cost(y, y, 0.2, reach)) / 2
    value = exact(0.2, reach).divergence(x, y).value
    torch.testing.assert_close(value, plain_cost(x, y, 0.2, reach) - own, rtol=1e-6, atol=0)


@pytest.mark.parametrize("reach", [None, 0.3, 2.0])
def test_the_value_is_geomlosss(reach):
    x, y = clouds()
    ours = exact(0.2, reach).divergence(x, y).value
    torch.testing.assert_close(ours, theirs(0.2, reach)(x, y), rtol=2e-4, atol=0)


def test_the_gradients_are_geomlosss():
    x, y = (points.requires_grad_() for points in clouds())
    ours = torch.autograd.grad(exact(0.2).divergence(x, y).value, (x, y))
    for mine, other in zip(ours, torch.autograd.grad(theirs(0.2, None)(x, y), (x, y)), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-2, atol=5e-5)


@pytest.mark.parametrize("reach", [None, 0.3])
@pytest.mark.parametrize("side", [0, 1])
def test_the_gradient_is_that_of_central_differences(reach, side):
    points = list(clouds(12, 9))
    a, b = torch.rand(12) + 0.5, torch.rand(9) + 0.5
    weights = (a / a.sum(), b / b.sum() * (1.0 if reach is None else 1.4))
    solver = exact(0.2, reach)
    points[side].requires_grad_()
    (gradient,) = torch.autograd.grad(solver.divergence(*points, weights).value, points[side])
    step, way = 1e-4, torch.randn_like(gradient)
    values = []
    for sign in (1, -1):
        moved = [p.detach() for p in points]
        moved[side] = moved[side] + sign * step * way
        values.append(solver.divergence(*moved, weights).value)
    slope = (values[0] - values[1]) / (2 * step)
    torch.testing.assert_close((gradient * way).sum(), slope, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("reach", [None, 0.3])
def test_a_cloud_differs_from_itself_by_nothing(reach):
    x, _ = clouds()
    mixed = x[torch.randperm(len(x))].requires_grad_()
    answer = exact(0.1, reach).divergence(mixed, x)
    torch.testing.assert_close(answer.value, torch.tensor(0.0), atol=1e-9, rtol=0)
    (gradient,) = torch.autograd.grad(answer.value, mixed)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-7, rtol=0)


@pytest.mark.parametrize("reach", [None, 0.3])
def test_it_is_positive_and_symmetric(reach):
    x, y = clouds()
    there, back = exact(0.1, reach).divergence(x, y), exact(0.1, reach).divergence(y, x)
    assert there.value > 0
    torch.testing.assert_close(there.value, back.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shift", [0.1, 10.0])
def test_a_move_counts_half_its_square_at_any_blur(shift, dtype):
    """Debiasing takes away all that the blur adds."""
    x = torch.rand(50, 3, dtype=dtype)
    for blur in (0.02, 0.3, 5.0):
        solver = Solver(blur, tolerance=1e-4, max_rounds=5000)
        value = solver.divergence(x, x + shift).value
        expected = torch.tensor(1.5 * shift**2, dtype=dtype)
        torch.testing.assert_close(value, expected, rtol=1e-3, atol=1e-6)


def test_gaussians_differ_as_their_closed_form_says():
    """OT = (d² + s1² + s2² - 2 c - eps log(1 - (c / s1 s2)²)) / 2 with c² + eps c = (s1 s2)²."""

    def closed_form(s1, s2, distance, eps):
        c = math.sqrt(eps**2 / 4 + (s1 * s2) ** 2) - eps / 2
        spread = s1**2 + s2**2 - 2 * c
        return (distance**2 + spread - eps * math.log(1 - (c / s1 / s2) ** 2)) / 2

    levels = (torch.arange(800) + 0.5) / 800
    quantiles = torch.special.ndtri(levels)[:, None]
    value = exact(0.5).divergence(quantiles, 2 + 0.6 * quantiles).value.item()
    own = (closed_form(1, 1, 0, 0.25) + closed_form(0.6, 0.6, 0, 0.25)) / 2
    assert value == pytest.approx(closed_form(1, 0.6, 2, 0.25) - own, rel=5e-3)


@pytest.mark.parametrize("reach", [None, 0.3])
def test_a_warm_start_reaches_the_cold_answer(reach):
    x, y = clouds(60, 50)
    solver = exact(0.05, reach)
    start = solver.divergence(x, y).potentials
    x, y = x + 0.02 * torch.randn_like(x), y + 0.02 * torch.randn_like(y)
    warm, cold = solver.divergence(x, y, start=start), solver.divergence(x, y)
    torch.testing.assert_close(warm.value, cold.value, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("reach", [None, 0.1])
def test_value_and_gradients_are_finite_at_any_size(size, reach, dtype):
    x = (torch.rand(60, 6, dtype=dtype) * size).requires_grad_()
    y = (torch.rand(40, 6, dtype=dtype) * size + 10 * size).requires_grad_()
    value = divergence(x, y, blur=0.05, reach=reach).value
    assert bool(value.isfinite()) and value.dtype == dtype
    assert all(bool(g.isfinite().all()) for g in torch.autograd.grad(value, (x, y)))
