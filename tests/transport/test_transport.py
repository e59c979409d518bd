"""Known answers, twins and laws of the plan."""

import math

import ot
import pytest
import torch

from reparo.errors import InputError
from reparo.transport import Potentials, Solver, transport


def exact(blur, reach=None):
    """A solver for answers to many digits."""
    return Solver(blur, reach, tolerance=1e-9, max_rounds=20000)


def weighted_clouds(n=30, m=22, d=3):
    a, b = torch.rand(n) + 0.2, torch.rand(m) + 0.2
    return torch.rand(n, d), torch.rand(m, d) + 0.3, a / a.sum(), b / b.sum()


def plain_plan(clouds, blur, reach):
    """The twin: the textbook's loop in the logarithmic domain, nothing spared."""
    x, y, a, b = clouds
    eps, cost = blur**2, torch.cdist(x, y).square() / 2
    softness = 1.0 if reach is None else reach**2 / (reach**2 + eps)
    g = torch.zeros(len(y))
    for _ in range(3000):
        f = -softness * eps * torch.logsumexp((g - cost) / eps + b.log(), 1)
        g = -softness * eps * torch.logsumexp((f[:, None] - cost) / eps + a.log()[:, None], 0)
    return a[:, None] * b * ((f[:, None] + g - cost) / eps).exp()


@pytest.mark.parametrize("reach", [None, 0.1, 0.5, 3.0])
def test_the_plan_is_that_of_the_plain_loop(reach):
    x, y, a, b = weighted_clouds()
    b = b if reach is None else 2 * b
    answer = exact(0.15, reach).transport(x, y, (a, b))
    torch.testing.assert_close(
        answer.plan, plain_plan((x, y, a, b), 0.15, reach), atol=1e-8, rtol=1e-4
    )


def test_the_plan_is_that_of_pot():
    x, y, a, b = weighted_clouds()
    cost = (torch.cdist(x, y).square() / 2).numpy()
    theirs = ot.sinkhorn(a.numpy(), b.numpy(), cost, 0.04, numItermax=10000, stopThr=1e-12)
    answer = exact(0.2).transport(x, y, (a, b))
    torch.testing.assert_close(answer.plan, torch.from_numpy(theirs), atol=1e-8, rtol=1e-5)
    torch.testing.assert_close(answer.cost, torch.tensor((theirs * cost).sum()))


def test_the_unbalanced_plan_is_that_of_pot():
    x, y, a, b = weighted_clouds()
    cost = (torch.cdist(x, y).square() / 2).numpy()
    theirs = ot.unbalanced.sinkhorn_unbalanced(
        a.numpy(), b.numpy(), cost, 0.04, 0.09, reg_type="kl", numItermax=10000, stopThr=1e-12
    )
    answer = exact(0.2, 0.3).transport(x, y, (a, b))
    torch.testing.assert_close(answer.plan, torch.from_numpy(theirs), atol=1e-8, rtol=1e-4)
    sent = torch.from_numpy(theirs).sum(1) / a
    torch.testing.assert_close(answer.matched, sent.clamp(max=1), atol=1e-6, rtol=1e-4)


def test_a_small_blur_costs_what_the_best_assignment_costs():
    x, y, _, _ = weighted_clouds(60, 60)
    cost = (torch.cdist(x, y).square() / 2).numpy()
    best = torch.tensor(ot.emd2([], [], cost))
    answer = Solver(0.01, tolerance=1e-3, max_rounds=5000).transport(x, y)
    torch.testing.assert_close(answer.cost, best, rtol=5e-3, atol=0)


@pytest.mark.parametrize("shift", [0.0, 0.3, 10.0, 1e4])
def test_a_moved_cloud_costs_half_the_square_of_the_move(shift):
    x = torch.rand(40, 2)
    move = torch.tensor([shift, 0.0])
    answer = transport(x, x + move, blur=1e-3)
    torch.testing.assert_close(answer.cost, torch.tensor(shift**2 / 2))
    torch.testing.assert_close(answer.target, x + move)


def test_one_point_against_one():
    x, y = torch.tensor([[0.0, 1.0]]), torch.tensor([[3.0, 5.0]])
    answer = transport(x, y, blur=0.1)
    torch.testing.assert_close(answer.cost, torch.tensor(12.5))
    torch.testing.assert_close(answer.target, y)
    torch.testing.assert_close(answer.plan, torch.ones(1, 1))


@pytest.mark.parametrize("reach", [0.3, 1.0, 10.0])
def test_two_weighted_points_match_as_much_as_the_closed_form_says(reach):
    """From P = a exp(-f/rho) = b exp(-g/rho) = a b exp((f + g - C)/eps)."""
    a, b, cost, eps, rho = 0.7, 1.9, 0.5, 0.01, reach**2
    mass = (a * b) ** ((eps + rho) / (eps + 2 * rho)) * math.exp(-cost / (eps + 2 * rho))
    x, y = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
    answer = exact(0.1, reach).transport(x, y, (torch.tensor([a]), torch.tensor([b])))
    torch.testing.assert_close(answer.plan, torch.tensor([[mass]]))
    torch.testing.assert_close(answer.matched_y, torch.tensor([min(1.0, mass / b)]))


def test_sorted_order_is_the_answer_on_a_line():
    x, y = torch.rand(60, 1), torch.rand(60, 1) * 2 + 1
    answer = Solver(1e-2, tolerance=1e-4, max_rounds=5000).transport(x, y)
    best = (x.sort(0).values - y.sort(0).values).square().mean() / 2
    torch.testing.assert_close(answer.cost, best, rtol=1e-3, atol=0)


def normal_quantiles(n, mean, deviation):
    levels = (torch.arange(n) + 0.5) / n
    return (mean + deviation * torch.special.ndtri(levels))[:, None]


def test_gaussians_are_sent_as_their_closed_form_says():
    """The plan of two Gaussians is one, with covariance c: c² + eps c = (s1 s2)²."""
    s1, s2, eps = 1.0, 0.6, 0.25
    x, y = normal_quantiles(800, 0.0, s1), normal_quantiles(700, 2.0, s2)
    covariance = math.sqrt(eps**2 / 4 + (s1 * s2) ** 2) - eps / 2
    answer = exact(0.5).transport(x, y)
    middle = x.abs().squeeze() < 2
    expected = 2.0 + covariance / s1**2 * x
    torch.testing.assert_close(answer.target[middle], expected[middle], atol=0.01, rtol=0)


def test_an_outlier_is_left_unmatched_and_the_rest_is_not():
    x = torch.rand(50, 3)
    y = torch.cat([x, torch.tensor([[60.0, 0.0, 0.0]])])
    answer = transport(x, y, blur=0.02, reach=0.3)
    assert answer.matched.min() > 0.9
    assert answer.matched_y[:-1].min() > 0.9
    assert answer.matched_y[-1] < 1e-6
    torch.testing.assert_close(answer.target, x, atol=0.02, rtol=0)


@pytest.mark.parametrize("reach", [None, 0.4])
def test_order_does_not_matter(reach):
    x, y, a, b = weighted_clouds()
    i, j = torch.randperm(len(x)), torch.randperm(len(y))
    straight = exact(0.1, reach).transport(x, y, (a, b))
    mixed = exact(0.1, reach).transport(x[i], y[j], (a[i], b[j]))
    torch.testing.assert_close(mixed.plan, straight.plan[i][:, j], atol=1e-7, rtol=1e-4)
    torch.testing.assert_close(mixed.target, straight.target[i], atol=1e-5, rtol=1e-5)


def test_a_weight_of_two_is_two_points():
    x, y, _, _ = weighted_clouds(20, 20)
    twice = torch.cat([x, x[:1]])
    a = torch.full((20,), 1 / 21)
    a[0] = 2 / 21
    one = exact(0.1).transport(x, y, (a, None))
    two = exact(0.1).transport(twice, y)
    torch.testing.assert_close(one.cost, two.cost, rtol=1e-6, atol=0)


@pytest.mark.parametrize("reach", [None, 0.4])
def test_the_cost_changes_with_the_points_as_its_gradient_says_at_a_fixed_plan(reach):
    x, y, _, _ = weighted_clouds()
    x.requires_grad_(), y.requires_grad_()
    answer = transport(x, y, blur=0.1, reach=reach)
    fixed = (answer.plan * (x[:, None] - y).square().sum(-1)).sum() / 2
    torch.testing.assert_close(answer.cost, fixed)
    for ours, plain in zip(
        torch.autograd.grad(answer.cost, (x, y)), torch.autograd.grad(fixed, (x, y)), strict=True
    ):
        torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize("reach", [None, 0.4])
@pytest.mark.parametrize("amount", [0.0, 0.01, 0.3])
def test_a_warm_start_reaches_the_cold_answer(reach, amount):
    x, y, _, _ = weighted_clouds(60, 50)
    solver = exact(0.1, reach)
    start = solver.transport(x, y).potentials
    moved = x + amount * torch.randn_like(x)
    warm, cold = solver.transport(moved, y, start=start), solver.transport(moved, y)
    torch.testing.assert_close(warm.plan, cold.plan, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize(
    "start", [Potentials(1e3 * torch.ones(50).cumsum(0)), Potentials(torch.zeros(7))]
)
def test_a_start_from_elsewhere_does_no_harm(start):
    x, y, _, _ = weighted_clouds(60, 50)
    astray, cold = transport(x, y, blur=0.1, start=start), transport(x, y, blur=0.1)
    assert astray.marginal_error <= Solver(blur=0.05).tolerance
    torch.testing.assert_close(astray.cost, cold.cost, rtol=0.01, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("reach", [None, 0.2])
def test_the_answer_is_finite_and_its_error_told_at_any_size(size, reach, dtype):
    x = torch.rand(90, 6, dtype=dtype) * size
    y = torch.rand(70, 6, dtype=dtype) * size + 10 * size
    answer = transport(x, y, blur=0.05, reach=reach)
    assert all(
        bool(value.isfinite().all())
        for value in (answer.cost, answer.target, answer.matched, answer.matched_y, answer.plan)
    )
    assert answer.target.dtype == answer.plan.dtype == dtype
    # A blur of 1/50000 of the size is an assignment problem: not met in time, but said so.
    assert answer.marginal_error <= (Solver(blur=0.05).tolerance if size <= 1 else 0.2)
    if reach is None:
        error = (answer.plan.sum(0) - 1 / 70).abs().sum().item()
        assert answer.marginal_error == pytest.approx(error, abs=1e-4)
        torch.testing.assert_close(answer.plan.sum(1), torch.full_like(x[:, 0], 1 / 90))


def test_duplicates_and_weights_of_nothing_are_fine():
    x, y = torch.ones(40, 3), torch.rand(30, 3).repeat(2, 1)
    b = torch.ones(60)
    b[30:] = 0
    answer = transport(x, y, blur=0.05, weights=(None, b / b.sum()))
    torch.testing.assert_close(answer.target, y[:30].mean(0).expand(40, 3), atol=1e-3, rtol=0)
    assert answer.plan[:, 30:].max() < 1e-12


@pytest.mark.parametrize(
    "wrong",
    [
        {"blur": 0.0},
        {"blur": math.nan},
        {"blur": 0.1, "reach": -1.0},
        {"blur": 0.1, "weights": (torch.ones(5), None)},
        {"blur": 0.1, "weights": (-torch.ones(5), -torch.ones(4))},
        {"blur": 0.1, "weights": (torch.zeros(5), torch.ones(4))},
        {"blur": 0.1, "reach": 0.1, "weights": (torch.full((5,), math.nan), None)},
    ],
)
def test_what_cannot_be_transported_is_refused(wrong):
    with pytest.raises(InputError):
        transport(torch.rand(5, 2), torch.rand(4, 2), **wrong)


@pytest.mark.parametrize("bad", [torch.full((5, 2), math.nan), torch.zeros(0, 2)])
def test_points_that_are_none_are_refused(bad):
    with pytest.raises(InputError, match="finite points"):
        transport(bad, torch.rand(4, 2), blur=0.1)
