"""The camera's tilt from disparity maps of made-up rooms, whose gain and zero are unknown."""

import math
from dataclasses import replace

import pytest
import torch

from reparo.pipeline.world import camera_from_depth, usual_camera
from reparo.scene import (
    Camera,
    Depth,
    Photo,
    Region,
    Similarity,
    axis_angle_to_matrix,
    matrix_to_quaternion,
    pixel_centres,
)
from reparo.settings import WorldSettings

SIZE = (60, 80)
BOX = torch.zeros(SIZE, dtype=torch.bool)
BOX[20:45, 30:50] = True


def camera(pitch_deg, roll_deg=0.0):
    tilt = axis_angle_to_matrix(torch.tensor([-math.radians(pitch_deg), 0.0, 0.0]))
    roll = axis_angle_to_matrix(torch.tensor([0.0, 0.0, math.radians(roll_deg)]))
    pose = Similarity(
        matrix_to_quaternion(tilt @ roll), torch.tensor([0.0, 1.6, 0.0]), torch.tensor(1.0)
    )
    return Camera.from_fov(50.0, SIZE, pose)


def room(view, wall=True, gain=3.0, zero=0.7, noise=0.0, turned_deg=0.0):
    """A floor, and a wall 6 ahead turned about the vertical; an object in the middle."""
    rays = view.unproject(pixel_centres(SIZE), torch.ones(SIZE))
    rays = rays - view.world_from_camera.translation
    inverse = -rays[..., 1] / 1.6
    if wall:
        angle = math.radians(turned_deg)
        towards = math.sin(angle) * rays[..., 0] - math.cos(angle) * rays[..., 2]
        inverse = torch.maximum(inverse, towards / 6.0)
    seen = inverse > 1e-3
    values = gain * inverse + zero + noise * torch.randn(SIZE)
    values = torch.where(BOX, values.max() * 1.2, values)  # what is on an object must not matter
    return Depth(torch.where(seen | BOX, values, 0), seen | BOX, "disparity")


def found(depth, pitch_deg=15.0):
    usual, _ = usual_camera(Photo(torch.zeros(*SIZE, 3), 50.0), WorldSettings(pitch_deg=pitch_deg))
    return camera_from_depth(usual, depth, [Region("box", BOX)])


def angle_between_ups(one, other):
    ups = [view.camera_from_world.matrix[:, 1] for view in (one, other)]
    return math.degrees(math.acos(min(1.0, float(ups[0] @ ups[1]))))


@pytest.mark.parametrize("pitch, roll", [(5, 0), (12, 0), (25, 5), (28, -8), (3, 2)])
@pytest.mark.parametrize("turned", [0.0, 30.0])
def test_a_floor_and_a_wall_give_roll_and_pitch_whatever_gain_and_zero(pitch, roll, turned):
    truth = camera(pitch, roll)
    view, assumed = found(room(truth, turned_deg=turned))
    assert angle_between_ups(view, truth) < 0.1
    assert assumed == []
    assert float(view.world_from_camera.translation[1]) == pytest.approx(1)


@pytest.mark.parametrize("pitch, roll", [(5, 0), (25, 5), (28, -8)])
def test_a_floor_alone_is_enough_where_the_map_s_maker_knows_what_infinity_has(pitch, roll):
    truth = camera(pitch, roll)
    depth = replace(room(truth, wall=False, zero=0.7), infinity=0.7)
    view, assumed = found(depth)
    assert angle_between_ups(view, truth) < 0.1
    assert assumed == []


def test_infinity_is_never_nearer_than_what_the_map_shows():
    """A maker who is wrong about it does not turn the floor over."""
    truth = camera(12)
    depth = room(truth, wall=False)
    wrong, _ = found(replace(depth, infinity=2.0))
    ups = wrong.camera_from_world.matrix[:, 1]
    assert math.degrees(math.asin(float(ups[2]))) > 0  # still looks down


@pytest.mark.parametrize("pitch", [10, 30])
def test_noise_of_a_hundredth_of_the_map_moves_the_tilt_by_a_few_degrees(pitch):
    truth = camera(pitch, 3)
    clean = room(truth)
    span = float(clean.values[~BOX].max() - clean.values[~BOX].min())
    view, _ = found(room(truth, noise=0.01 * span))
    assert angle_between_ups(view, truth) < 3


def test_without_a_wall_the_roll_is_measured_and_the_pitch_assumed_and_said():
    truth = camera(40, 6)  # so far down that nothing but floor shows
    view, assumed = found(room(truth, wall=False), pitch_deg=35.0)
    up, true = view.camera_from_world.matrix[:, 1], truth.camera_from_world.matrix[:, 1]
    assert float(up[0] / up[1]) == pytest.approx(float(true[0] / true[1]), abs=1e-6)
    assert math.degrees(math.asin(float(up[2]))) == pytest.approx(35)
    assert "35 degrees are assumed" in assumed[0]


def test_the_assumed_pitch_gives_way_where_the_map_shows_less_than_infinity():
    """A floor to nearly its horizon: no pitch so small that infinity were nearer than the floor."""
    truth = camera(20)
    view, assumed = found(room(truth, wall=False), pitch_deg=3.0)
    assert angle_between_ups(view, truth) < 3
    assert assumed


@pytest.mark.parametrize("kind", ["disparity", "affine"])
def test_a_map_without_ground_leaves_the_usual_camera(kind):
    flat = Depth(torch.full(SIZE, 2.0), torch.ones(SIZE, dtype=torch.bool), kind)
    usual, _ = usual_camera(Photo(torch.zeros(*SIZE, 3), 50.0), WorldSettings())
    view, assumed = camera_from_depth(usual, flat, [Region("box", BOX)])
    assert view is usual
    assert "no ground" in assumed[0]


def test_a_wall_that_is_looked_up_at_is_no_ground():
    """It recedes upwards as a floor does, but a strip of floor is below it."""
    view, assumed = found(room(camera(-8)))
    assert view.camera_from_world.matrix[2, 1] == pytest.approx(math.sin(math.radians(15)))
    assert "no ground" in assumed[0]


def test_a_network_s_disparity_sets_the_camera_that_the_objects_are_laid_out_for(bench):
    truth = camera(25, 4)
    bench.fakes.depth = lambda photo, camera, regions: room(truth)
    problem = bench.run().problem
    assert problem.observation.depth.kind == "disparity"
    assert angle_between_ups(problem.camera, truth) < 0.5
