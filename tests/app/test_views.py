"""Geometry of the two views: what a click on the canvas means."""

import numpy as np
import pytest
import torch

pytest.importorskip("viser", reason="the extra `app` is not installed")
from reparo.app.scene_view import entered
from reparo.app.shown import placed, pose_of

BOX = np.array([[-1.0, -1, -1], [1, 1, 1]])


@pytest.mark.parametrize(
    ("origin", "direction", "away"),
    [
        ((0, 0, 5), (0, 0, -1), 4.0),
        ((0, 0, 5), (0, 0, -2), 2.0),  # in directions, not in units
        ((0, 0, 5), (0, 0, 1), None),  # behind
        ((0, 3, 5), (0, 0, -1), None),  # beside
        ((0, 0, 0), (1, 0, 0), 0.0),  # from within
        ((1, 0, 5), (0, 0, -1), 4.0),  # along a side
    ],
)
def test_a_ray_enters_a_box(origin, direction, away):
    found = entered(BOX, np.array(origin, float), np.array(direction, float))
    assert found == (away if away is None else pytest.approx(away))


def test_eight_numbers_are_a_place_and_back():
    pose = (1.0, 2.0, 3.0, 0.5, 0.5, -0.5, 0.5, 2.0)
    assert pose_of(placed(pose)) == pytest.approx(pose)
    there = placed(pose).apply(torch.zeros(1, 3))
    torch.testing.assert_close(there, torch.tensor([[1.0, 2.0, 3.0]]))
