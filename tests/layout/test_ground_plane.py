"""The ground found among points."""

import math

import pytest
import torch

from reparo.errors import InputError
from reparo.layout.ground_plane import fit_ground


def ground_seen_by(pitch_deg: float, height: float, count: int = 400) -> torch.Tensor:
    """Ground points in the frame of a camera pitched down, `height` above the ground."""
    pitch = math.radians(pitch_deg)
    up = torch.tensor([0.0, math.cos(pitch), math.sin(pitch)])
    ahead = torch.tensor([0.0, math.sin(pitch), -math.cos(pitch)])
    right = torch.tensor([1.0, 0.0, 0.0])
    sideways, away = torch.rand(count, 1) * 4 - 2, torch.rand(count, 1) * 4 + 1
    return sideways * right + away * ahead - height * up


@pytest.mark.parametrize("pitch_deg", [0.0, 15.0, 50.0])
def test_pitch_and_height_are_found_beneath_a_third_of_clutter(pitch_deg):
    clutter = torch.rand(200, 3) * 3 + torch.tensor([-1.5, -0.5, -4.0])
    points = torch.cat([ground_seen_by(pitch_deg, 1.3), clutter])
    normal, offset, share = fit_ground(points)
    pitch = math.radians(pitch_deg)
    expected = torch.tensor([0.0, math.cos(pitch), math.sin(pitch)])
    torch.testing.assert_close(normal, expected, atol=0.02, rtol=0)
    assert offset == pytest.approx(-1.3, abs=0.03)
    assert 0.6 < share < 0.85


def test_a_wall_is_no_ground():
    wall = torch.cat([torch.rand(300, 2) * 2 - 1, torch.full((300, 1), -3.0)], -1)
    with pytest.raises(InputError, match="no plane"):
        fit_ground(wall)


def test_two_points_are_too_few():
    with pytest.raises(InputError, match="3 points"):
        fit_ground(torch.rand(2, 3))
