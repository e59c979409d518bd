"""Known answers and laws of the plan."""

import pytest
import torch

from reparo.transport import Solver, transport


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


def test_sorted_order_is_the_answer_on_a_line():
    x, y = torch.rand(60, 1), torch.rand(60, 1) * 2 + 1
    answer = Solver(1e-2, tolerance=1e-4, max_rounds=5000).transport(x, y)
    best = (x.sort(0).values - y.sort(0).values).square().mean() / 2
    torch.testing.assert_close(answer.cost, best, rtol=1e-3, atol=0)
