from functools import cache

import numpy as np
import pytest
import torch
import trimesh

from reparo import registry
from reparo.evaluate.made_up import Hints, full_masks, made_up_scene, to_problem
from reparo.evaluate.shapes import SHAPES, made_up_mesh
from reparo.scene import pixel_centres


@pytest.fixture
def render():
    return registry.create("render", "torch")


@cache
def scene_five():
    return made_up_scene(5, registry.create("render", "torch"), size=(96, 128))


@pytest.fixture
def made_up():
    return scene_five()


@pytest.mark.parametrize("kind", SHAPES)
def test_every_shape_is_closed_and_fills_the_unit_cube(kind):
    mesh = made_up_mesh(kind, np.random.default_rng(0))
    merged = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=True)
    merged.merge_vertices(digits_vertex=9)
    assert merged.is_watertight
    assert merged.volume > 0  # faces are counter-clockwise from outside
    low, high = mesh.bounds
    assert torch.allclose(low, -high)
    assert float((high - low).max()) == pytest.approx(1)


def test_one_seed_makes_one_scene(render):
    first, again = (made_up_scene(3, render, objects=2, size=(64, 64)) for _ in range(2))
    other = made_up_scene(4, render, objects=2, size=(64, 64))
    assert torch.equal(first[1].photo.rgb, again[1].photo.rgb)
    assert torch.equal(first[0].layout.translation, again[0].layout.translation)
    assert not torch.equal(first[1].photo.rgb, other[1].photo.rgb)


def test_depth_inside_a_mask_lies_on_that_objects_surface(made_up):
    scene, observation = made_up
    assert observation.depth is not None
    for i, region in enumerate(observation.regions):
        pixels = pixel_centres(scene.camera.size)[region.visible]
        points = scene.camera.unproject(pixels, observation.depth.values[region.visible])
        local = scene.layout[i].inverse().apply(points)
        mesh = trimesh.Trimesh(scene.meshes[i].vertices.numpy(), scene.meshes[i].faces.numpy())
        for part in local[:: max(1, len(local) // 40)]:
            nearest = trimesh.proximity.closest_point_naive(mesh, part[None].numpy())[1]
            assert float(nearest[0]) < 1e-5


def test_depth_beside_the_masks_lies_on_the_floor_or_the_wall(made_up):
    scene, observation = made_up
    assert observation.depth is not None
    free = ~torch.stack([region.visible for region in observation.regions]).any(0)
    pixels = pixel_centres(scene.camera.size)[free]
    z = observation.depth.values[free]
    height = scene.camera.unproject(pixels, z)[:, 1]
    assert bool(((height.abs() < 1e-9) | torch.isclose(z, z.max())).all())
    assert float((height.abs() < 1e-9).double().mean()) > 0.2


def test_objects_stand_on_the_ground_inside_the_picture_and_can_be_seen(made_up, render):
    scene, observation = made_up
    for i, mesh in enumerate(scene.meshes):
        points = scene.layout[i].apply(mesh.vertices)
        assert float(points[:, 1].min()) == pytest.approx(0, abs=1e-9)
        pixels, z = scene.camera.project(points)
        assert bool((z > 0).all())
        assert bool((pixels > 0).all()) and bool((pixels < torch.tensor([128.0, 96.0])).all())
    for region, full in zip(observation.regions, full_masks(scene, render), strict=True):
        assert bool((full | ~region.visible).all())
        assert region.area > 0.3 * float(full.sum())


def test_a_photo_without_light_shows_the_meshes_own_colours(render):
    scene, observation = made_up_scene(1, render, size=(64, 64), light=0.0)
    plain = render(scene, samples=3)
    whole = plain.coverage == 1
    torch.testing.assert_close(observation.photo.rgb[whole], plain.rgb[whole])


@pytest.mark.parametrize("kind", ["metric", "scale", "affine", "disparity"])
def test_a_problem_tells_depth_up_to_its_kinds_unknowns(made_up, kind):
    scene, observation = made_up
    problem = to_problem(scene, observation, Hints(depth=kind))
    assert observation.depth is not None and problem.observation.depth is not None
    known = observation.depth.known
    z = observation.depth.values[known]
    told = problem.observation.depth.values[known]
    basis = torch.stack([1 / z if kind == "disparity" else z, torch.ones_like(z)], -1)
    fit = torch.linalg.lstsq(basis, told[:, None]).solution[:, 0]
    torch.testing.assert_close(basis @ fit, told)
    assert float(fit[0]) > 0
    if kind in ("metric", "scale"):
        assert float(fit[1]) == pytest.approx(0, abs=1e-9)


def test_a_problem_keeps_the_place_to_itself_and_turns_the_start_as_asked(made_up):
    scene, observation = made_up
    straight = to_problem(scene, observation, Hints(depth=None))
    turned = to_problem(scene, observation, Hints(depth=None, yaw=0.3))
    assert straight.observation.depth is None and straight.observation.ground is None
    for wxyz, right, wrong in zip(scene.layout.wxyz, straight.starts, turned.starts, strict=True):
        assert right.translation is None and right.scale is None
        torch.testing.assert_close(right.wxyz, wxyz)
        angle = 2 * torch.acos((wrong.wxyz @ wxyz).abs().clamp(max=1))
        assert float(angle) == pytest.approx(0.3)
