"""What stands on another object is put on what is under it, and its gap is told truly."""

import math
from dataclasses import replace

import pytest
import torch
from test_solve import box, two_boxes

from reparo.evaluate.shapes import lathe
from reparo.layout.settle import gaps, lowered, settle
from reparo.layout.unknowns import Unknowns
from reparo.scene import Mesh, Problem, Similarity

FREE = ("translation", "scale")
ON_THE_FIRST = (None, 0)


def bowl() -> Mesh:
    """Open above: a rim at 0.5, a floor at 0.1."""
    solid = lathe((0, 0), (0.4, 0), (0.7, 0.5), (0.65, 0.5), (0.35, 0.1), (0, 0.1))
    return Mesh.plain(torch.tensor(solid.vertices), torch.tensor(solid.faces))


def two_on_another(lower: Mesh, height: float, size: float) -> tuple[Problem, Similarity]:
    """A box of some size on or in what stands at y = -1, its foot at a height above that."""
    problem, _ = two_boxes([0.0, 0, 0], [0.0, 0, 0])
    problem = replace(problem, meshes=(lower, box()))
    translation = torch.tensor([[0.0, -1.0, -4.0], [0.02, height + size / 2 - 1, -3.98]])
    wxyz = torch.tensor([[1.0, 0, 0, 0]]).repeat(2, 1)
    return problem, Similarity(wxyz, translation, torch.tensor([1.0, size]))


@pytest.mark.parametrize("height", [0.1, 0.2, 0.05])
def test_what_stands_in_a_bowl_stands_on_its_floor_and_not_on_its_rim(height):
    problem, layout = two_on_another(bowl(), height, 0.25)
    gap = gaps(problem, Unknowns(layout, ground=-1.0), ON_THE_FIRST)
    expected = (height - 0.1) / (0.25 * math.sqrt(3))
    torch.testing.assert_close(gap, torch.tensor([0.0, expected]), atol=0.005, rtol=0)


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1, 1.25])
def test_along_its_rays_of_sight_it_comes_back_onto_its_supporter(factor):
    """Far behind it and below its top, too: what is under it changes on the way."""
    problem, layout = two_on_another(box(), 0.5, 0.3)
    eye = problem.camera.world_from_camera.translation
    off = Similarity(
        layout.wxyz,
        torch.stack([layout.translation[0], eye + factor * (layout.translation[1] - eye)]),
        layout.scale * torch.tensor([1.0, factor]),
    )
    found = settle(problem, Unknowns(off, ground=-1.5), ON_THE_FIRST, FREE)
    torch.testing.assert_close(found.layout.translation, layout.translation, atol=1e-3, rtol=0)
    assert gaps(problem, found, ON_THE_FIRST).abs().max() < 0.001


def test_what_the_rays_do_not_bring_onto_it_is_moved_upright():
    """Seen level with its foot, nothing can be brought nearer to what is under it."""
    problem, layout = two_on_another(box(), 0.5, 0.3)
    level = layout.translation + torch.tensor([0.0, 0.5, 0.0])  # the top is at eye height
    floating = level + torch.tensor([[0.0, 0, 0], [0.0, 0.03, 0]])
    found = Unknowns(replace(layout, translation=floating), ground=-1.0)
    stayed = settle(problem, found, ON_THE_FIRST, FREE)
    torch.testing.assert_close(stayed.layout.translation, floating)
    put = lowered(problem, stayed, ON_THE_FIRST, least=0.005)
    torch.testing.assert_close(put.layout.translation, level, atol=1e-9, rtol=0)
