"""Coarse maps brought to the photo's size."""

from pathlib import Path

import torch

from reparo.files.images import read_mask
from reparo.stages.depth import edges
from reparo.stages.depth.edges import sharpened


def test_a_long_thin_end_is_reached_from_far_away():
    """Only its thick end has coarse pixels inside; means of means would fade on the way."""
    mask = torch.zeros(1, 64, 1024, dtype=torch.bool)
    mask[0, :32, :32] = True
    mask[0, 15, :] = True  # two coarse pixels wide at most, 120 long
    coarse = torch.full((8, 128), 2.0)
    coarse[:, 64:] = 5.0  # what is behind it
    fine = sharpened(coarse, mask)
    torch.testing.assert_close(fine[mask[0]], torch.full_like(fine[mask[0]], 2.0))


def test_edges_lie_where_the_masks_end():
    mask = torch.zeros(1, 32, 32, dtype=torch.bool)
    mask[0, :, :13] = True
    coarse = torch.full((8, 8), 1.0)
    coarse[:, :3] = 3.0
    fine = sharpened(coarse, mask)
    torch.testing.assert_close(fine[mask[0]], torch.full_like(fine[mask[0]], 3.0))
    torch.testing.assert_close(fine[:, 16:], torch.ones(32, 16))


def test_rounding_does_not_keep_a_long_arm_out_of_reach(monkeypatch):
    """In single precision a lifted weight may end just below what counts as known."""
    rounds = 0

    def counted(*given):
        nonlocal rounds
        rounds += 1
        assert rounds < 1000
        return torch.nn.functional.avg_pool2d(*given)

    monkeypatch.setattr(edges, "avg_pool2d", counted)
    mask = read_mask(Path(__file__).with_name("chair_arm.png"), (336, 336), "arm")[None]
    fine = sharpened(torch.full((96, 96), 2.0, dtype=torch.float32), mask)
    torch.testing.assert_close(fine, torch.full_like(fine, 2.0))
