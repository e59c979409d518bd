"""Transport at any cost: against dense loops, geomloss and known answers."""

import math

import pytest
import torch

from reparo.transport.chunked import ChunkedSolver, annealed, half_squared_distance


def norms(x, y):
    """A sum of two norms, as the paper's cost is."""
    return torch.cdist(x[:, :3], y[:, :3]) + 0.5 * torch.cdist(x[:, 3:], y[:, 3:])


def clouds(n=40, m=30, d=5):
    return torch.rand(n, d), torch.rand(m, d) + 0.2


def dense_potentials(cost, epsilons):
    """The same loop, written out with whole matrices."""
    n, m = cost.shape

    def soft(values, eps, axis):
        return -eps * ((values / eps).exp().mean(axis)).log()

    f, g = soft(-cost, epsilons[0], 1), soft(-cost, epsilons[0], 0)
    for eps in epsilons:
        new_f, new_g = soft(g[None] - cost, eps, 1), soft(f[:, None] - cost, eps, 0)
        f, g = (f + new_f) / 2, (g + new_g) / 2
    assert f.shape == (n,) and g.shape == (m,)
    return soft(g[None] - cost, epsilons[-1], 1), soft(f[:, None] - cost, epsilons[-1], 0)


@pytest.mark.parametrize("cost", [norms, half_squared_distance])
@pytest.mark.parametrize("pairs", [1, 97, 10**6])
def test_blocks_of_any_size_give_what_whole_matrices_give(cost, pairs):
    x, y = clouds()
    epsilons = annealed(3.0, 0.1, 0.5)
    solver = ChunkedSolver(cost, epsilons, pairs)
    f, g = solver.potentials(x, y)
    expected = dense_potentials(cost(x, y), epsilons)
    torch.testing.assert_close(f, expected[0])
    torch.testing.assert_close(g, expected[1])


def test_a_cloud_against_itself_has_one_potential():
    x, _ = clouds()
    solver = ChunkedSolver(norms, annealed(3.0, 0.1, 0.5))
    f, g = solver.potentials(x, x)
    torch.testing.assert_close(f, g)
    torch.testing.assert_close(solver.own_potential(x), f)
    assert abs(solver.divergence(x, x)) < 1e-12


def test_geomloss_gives_the_same_value_and_map_for_squared_distances():
    from geomloss import SamplesLoss

    x, y = clouds(60, 60)
    x.requires_grad_()
    diameter, blur = 2.0, 0.05
    loss = SamplesLoss("sinkhorn", p=2, blur=blur, scaling=0.5, diameter=diameter)
    value = loss(x, y)
    (slope,) = torch.autograd.grad(value, x)
    x = x.detach()
    solver = ChunkedSolver(half_squared_distance, annealed(diameter**2, blur**2, 0.25))
    assert math.isclose(solver.divergence(x, y), value.item(), rel_tol=1e-6)
    moved = solver.images(x, y) - solver.own_images(x)
    torch.testing.assert_close(moved, -len(x) * slope, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("pairs", [97, 10**6])
def test_an_image_is_the_mean_by_the_plan(pairs):
    """Enough levels at the last eps, and the plan is the solution, whose columns are exact too."""
    x, y = clouds()
    solver = ChunkedSolver(norms, (3.0, 1.0, *[0.3] * 60), pairs)
    f, g = solver.potentials(x, y)
    plan = ((f[:, None] + g - norms(x, y)) / 0.3).exp() / len(x) / len(y)
    torch.testing.assert_close(plan.sum(0), torch.full((len(y),), 1 / len(y)))
    torch.testing.assert_close(solver.images(x, y), plan @ y * len(x))
    torch.testing.assert_close(solver.images(x, x), solver.own_images(x))


def test_a_moved_cloud_costs_the_length_of_the_move():
    x = torch.rand(50, 5)
    far = x + torch.tensor([4.0, 0, 0, 0, 0])
    solver = ChunkedSolver(norms, annealed(8.0, 0.01, 0.5))
    assert math.isclose(solver.divergence(x, far), 4.0, abs_tol=0.02)


def test_the_annealing_of_the_paper_has_ten_levels():
    """Squared distances, the six-dimensional unit cube, blur 0.01: as geomloss's own schedule."""
    found = annealed(6.0, 1e-4, 0.25)
    assert len(found) == 10
    assert found[0] == found[1] == 6.0
    assert found[-1] == 1e-4
