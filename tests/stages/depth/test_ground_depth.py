"""Depth from where things stand."""

import math

import numpy as np
import pytest
import torch

from reparo.errors import InputError
from reparo.scene import Camera, Photo, Region, Similarity, pixel_centres
from reparo.stages.depth.given import GivenDepth
from reparo.stages.depth.ground import GroundDepth

SIZE = (60, 80)


def camera_above_ground(pitch_deg: float = 20.0, height: float = 1.5) -> Camera:
    half = -math.radians(pitch_deg) / 2
    pose = Similarity(
        torch.tensor([math.cos(half), math.sin(half), 0.0, 0.0]),
        torch.tensor([0.3, height, 2.0]),
        torch.tensor(1.0),
    )
    return Camera.from_fov(50.0, SIZE, pose)


def photo() -> Photo:
    return Photo(torch.rand(*SIZE, 3))


def box(top: int, bottom: int, left: int, right: int, name: str = "box") -> Region:
    mask = torch.zeros(SIZE, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return Region(name, mask)


def test_known_ground_pixels_lie_on_the_ground():
    camera = camera_above_ground()
    depth = GroundDepth()(photo(), camera, [])
    points = camera.unproject(pixel_centres(SIZE), depth.values)
    torch.testing.assert_close(points[depth.known][:, 1], torch.zeros(int(depth.known.sum())))
    assert depth.kind == "scale"
    assert not depth.known[0].any()  # above the horizon


def test_an_object_is_an_upright_screen_on_the_ground_at_its_foot():
    camera = camera_above_ground()
    region = box(20, 45, 30, 50)
    depth = GroundDepth()(photo(), camera, [region])
    points = camera.unproject(pixel_centres(SIZE), depth.values)[region.visible]
    foot = camera.unproject(torch.tensor([40.0, 45.0]), torch.tensor(1.0))
    origin = camera.world_from_camera.translation
    foot = origin + (foot - origin) * origin[1] / (origin[1] - foot[1])
    torch.testing.assert_close(points[:, 2], foot[2].expand(len(points)), atol=1e-6, rtol=1e-6)


def test_what_stands_lower_in_the_picture_is_nearer():
    near, far = box(30, 55, 5, 20, "near"), box(20, 40, 50, 60, "far")
    depth = GroundDepth()(photo(), camera_above_ground(), [far, near])
    assert depth.values[near.visible].max() < depth.values[far.visible].min()


def test_an_object_whose_foot_is_hidden_is_behind_the_hider_but_before_its_lowest_pixel():
    hider, hidden = box(30, 50, 30, 50, "hider"), box(15, 30, 32, 48, "hidden")
    free = GroundDepth()(photo(), camera_above_ground(), [hidden])
    both = GroundDepth()(photo(), camera_above_ground(), [hider, hidden])
    at = (29, 40)
    assert both.values[hider.visible].max() < both.values[at] < free.values[at]


def test_an_object_cut_by_the_lower_edge_is_nearer_than_the_ground_there():
    region = box(30, 60, 30, 50)
    camera = camera_above_ground()
    depth = GroundDepth()(photo(), camera, [region])
    ground = GroundDepth()(photo(), camera, [])
    assert depth.values[59, 40] < ground.values[59, 40]


def test_a_camera_that_sees_only_sky_still_gets_a_known_depth():
    depth = GroundDepth()(photo(), camera_above_ground(-60.0), [])
    assert depth.known.all()


def test_a_camera_below_the_ground_is_refused():
    with pytest.raises(InputError, match="above"):
        GroundDepth()(photo(), camera_above_ground(height=-1.0), [])


def test_given_depth_is_the_file(tmp_path):
    values = np.random.default_rng(0).random((6, 8)).astype(np.float32) + 1
    np.save(tmp_path / "depth.npy", values)
    depth = GivenDepth(tmp_path / "depth.npy", "affine")(photo(), camera_above_ground(), [])
    np.testing.assert_array_equal(depth.values.numpy(), values.astype(np.float64))
    assert depth.kind == "affine"
