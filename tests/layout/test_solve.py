"""The solver's parts, by known answers and central differences."""

import math

import pytest
import torch

from reparo.evaluate.made_up import Hints, to_problem
from reparo.layout.contact import penetrations, winding_number
from reparo.layout.depth_map import Relief, fit_depth_map
from reparo.layout.settle import settle
from reparo.layout.unknowns import (
    PER_OBJECT,
    SHARED,
    DepthModel,
    Unknowns,
    motion,
    object_centres,
    picture_motion,
)
from reparo.layout.view import square_pixel_size
from reparo.scene import Camera, Mesh, Observation, Photo, Problem, Region, Similarity, Start


def box(size: float = 1.0) -> Mesh:
    import trimesh

    solid = trimesh.creation.box((size, size, size))
    return Mesh.plain(torch.tensor(solid.vertices), torch.tensor(solid.faces))


def two_boxes(*translations: list[float]) -> tuple[Problem, Similarity]:
    camera = Camera.from_fov(50.0, (60, 80))
    mask = torch.ones(60, 80, dtype=torch.bool)
    regions = tuple(Region(f"box-{k}", mask) for k in range(len(translations)))
    observation = Observation(Photo(torch.zeros(60, 80, 3)), regions, None, "common")
    start = Start(torch.tensor([1.0, 0, 0, 0]))
    names = tuple(region.name for region in regions)
    n = len(translations)
    problem = Problem(names, (box(),) * n, camera, observation, (start,) * n)
    wxyz = torch.tensor([[1.0, 0, 0, 0]]).repeat(n, 1)
    return problem, Similarity(wxyz, torch.tensor(translations), torch.ones(n))


def test_the_motion_of_pixels_agrees_with_central_differences(first_made_up):
    problem = to_problem(*first_made_up, Hints("metric"))
    unknowns = Unknowns(first_made_up[0].layout)
    centres, camera = object_centres(problem), problem.camera
    own = torch.stack([mesh.vertices[5] for mesh in problem.meshes])  # a point of each object

    def seen(state: Unknowns):
        pixels, z = camera.project(state.layout.apply(own[:, None])[:, 0])
        return torch.cat([pixels, z[:, None]], -1)

    points = unknowns.layout.apply(own[:, None])[:, 0]
    anchors = unknowns.layout.apply(centres[:, None])[:, 0]
    moved = motion(points, torch.arange(len(own)), anchors, camera)
    slope = picture_motion(points, moved, camera)
    for k in range(len(own)):
        for i in range(PER_OBJECT):
            step = torch.zeros(len(own) * PER_OBJECT + SHARED)
            step[k * PER_OBJECT + i] = 1e-6
            ahead = seen(unknowns.stepped(step, centres, camera))[k]
            behind = seen(unknowns.stepped(-step, centres, camera))[k]
            torch.testing.assert_close(
                slope[k, :, i], (ahead - behind) / 2e-6, atol=1e-4, rtol=1e-4
            )


@pytest.mark.parametrize("kind", ["metric", "scale", "affine", "disparity"])
def test_distance_undoes_value(kind):
    model = DepthModel(kind, 2.0, 0.5)
    z = torch.linspace(0.5, 9, 7)
    torch.testing.assert_close(model.distance(model.value(z)), z)


@pytest.mark.parametrize("kind", ["affine", "disparity"])
def test_gain_and_offset_are_read_off_the_relief_of_exact_shapes(kind):
    """Two objects at 3 and 5, each a slope: the map alone tells their ratio."""
    relief = torch.linspace(0.8, 1.2, 50).repeat(2)
    owner = torch.arange(2).repeat_interleave(50)
    z = torch.tensor([3.0, 5.0])
    values = DepthModel(kind, 1.7, 0.4).value(z[owner] * relief)
    found, gain, offset = fit_depth_map(
        Relief(kind, owner, relief, values), torch.full((2,), math.nan), torch.tensor([0.2, 0.2])
    )
    assert math.isclose(offset, 0.4, rel_tol=1e-6)
    assert math.isclose((found[1] / found[0]).item(), 5 / 3, rel_tol=1e-6)
    assert gain > 0


def test_a_known_distance_sets_the_gain_of_a_map():
    relief, owner = torch.ones(10), torch.zeros(10, dtype=torch.long)
    values = torch.full((10,), 6.0)
    z, gain, _ = fit_depth_map(
        Relief("scale", owner, relief, values), torch.tensor([3.0]), torch.tensor([0.3])
    )
    assert math.isclose(gain, 2.0)
    torch.testing.assert_close(z, torch.tensor([3.0]))


def test_settling_keeps_the_picture_and_meets_the_ground():
    problem, layout = two_boxes([0.2, -1.0, -5.0])
    before = problem.camera.project(layout.apply(problem.meshes[0].vertices[None])[0])[0]
    settled = settle(
        problem, Unknowns(layout, ground=-1.2), (None,), ("translation", "scale")
    ).layout
    world = settled.apply(problem.meshes[0].vertices[None])[0]
    torch.testing.assert_close(problem.camera.project(world)[0], before)
    assert math.isclose(world[:, 1].min().item(), -1.2, abs_tol=1e-9)


def test_settling_without_free_scale_moves_upright():
    problem, layout = two_boxes([0.2, -1.0, -5.0])
    settled = settle(problem, Unknowns(layout, ground=-1.2), (None,), ("translation",)).layout
    torch.testing.assert_close(settled.translation, torch.tensor([[0.2, -0.7, -5.0]]))


def test_what_hangs_above_the_eye_is_not_pulled_down():
    problem, layout = two_boxes([0.2, 1.0, -5.0])
    settled = settle(problem, Unknowns(layout, ground=-1.2), (None,), ("translation", "scale"))
    torch.testing.assert_close(settled.layout.translation, layout.translation)


def test_winding_numbers_tell_inside_from_outside():
    mesh = box()
    points = torch.tensor([[0.0, 0, 0], [0.4, 0.4, 0.4], [0.6, 0, 0], [5.0, 5.0, 5.0]])
    expected = torch.tensor([1.0, 1.0, 0.0, 0.0])
    found = winding_number(points, mesh.vertices[mesh.faces])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_boxes_a_tenth_in_one_another_say_so():
    problem, layout = two_boxes([0.0, 0, -5], [0.9, 0, -5])
    expected = 0.1 / math.sqrt(3)
    for depth in penetrations(problem, layout, seed=0).tolist():
        assert math.isclose(depth, expected, rel_tol=0.35)  # by samples of the surface


def test_boxes_that_only_touch_are_not_in_one_another():
    problem, layout = two_boxes([0.0, 0, -5], [1.0, 0, -5])
    assert penetrations(problem, layout, seed=0).max() < 0.01


@pytest.mark.parametrize("size", [(512, 512), (683, 1024), (4000, 6000), (37, 5000), (100, 80)])
def test_smaller_sizes_keep_the_shape(size):
    small = square_pixel_size(size, 128)
    assert max(small) <= 128
    if max(size) > 128:
        exact = min(size) / max(size) * max(small)
        assert abs(min(small) - exact) <= 0.25 or min(small) == 1
