"""Cameras, start rotations and the final world, against geometry done by hand."""

import math

import pytest
import torch

from reparo.errors import InputError
from reparo.pipeline.world import (
    camera_over_ground,
    facing_rotation,
    in_final_world,
    up_in_cutout,
    upright_rotation,
    usual_camera,
)
from reparo.scene import (
    Camera,
    Cutout,
    Depth,
    Photo,
    Region,
    Similarity,
    axis_angle_to_matrix,
    matrix_to_quaternion,
    pixel_centres,
    quaternion_to_matrix,
)
from reparo.settings import WorldSettings

SIZE = (60, 80)


def camera(pitch_deg: float = 20.0, roll_deg: float = 0.0, height: float = 1.0) -> Camera:
    tilt = axis_angle_to_matrix(torch.tensor([-math.radians(pitch_deg), 0.0, 0.0]))
    roll = axis_angle_to_matrix(torch.tensor([0.0, 0.0, math.radians(roll_deg)]))
    pose = Similarity(
        matrix_to_quaternion(tilt @ roll), torch.tensor([0.0, height, 0.0]), torch.tensor(1.0)
    )
    return Camera.from_fov(45.0, SIZE, pose)


def cutout_at(x: float, y: float) -> Cutout:
    placing = torch.tensor([[1.0, 0.0, x - 5], [0.0, 1.0, y - 5]])
    return Cutout(torch.ones(10, 10, 4), torch.ones(10, 10, dtype=torch.bool), placing)


def test_the_usual_camera_looks_down_from_above_the_ground():
    found, assumed = usual_camera(Photo(torch.zeros(*SIZE, 3), fov_y_deg=30.0), WorldSettings())
    ahead = found.world_from_camera.rotate(torch.tensor([[0.0, 0.0, -1.0]]))[0]
    assert found.fov_y_deg == pytest.approx(30)
    assert ahead[1] == pytest.approx(-math.sin(math.radians(15)))
    assert found.world_from_camera.translation.tolist() == [0, 1, 0]
    assert not assumed


def test_upright_in_a_cutout_is_as_far_above_the_ray_as_the_eye_looks_down():
    ahead = up_in_cutout(camera(20.0), cutout_at(40, 30))
    lower = up_in_cutout(camera(20.0), cutout_at(40, 60))
    off = math.degrees(math.atan(math.tan(math.radians(22.5))))
    assert ahead == pytest.approx((0, math.cos(math.radians(20)), math.sin(math.radians(20))))
    assert math.degrees(math.asin(lower[2])) == pytest.approx(20 + off, abs=1e-3)


def test_a_leaning_camera_sees_upright_leaning():
    x, y, _ = up_in_cutout(camera(0.0, roll_deg=10.0), cutout_at(40, 30))
    assert math.degrees(math.atan2(x, y)) == pytest.approx(10, abs=1e-3)


def test_a_field_of_view_that_nobody_knows_is_said():
    found, assumed = usual_camera(Photo(torch.zeros(*SIZE, 3)), WorldSettings())
    assert found.fov_y_deg == pytest.approx(50)
    assert "field of view" in assumed[0]


def test_on_the_axis_an_object_faces_as_the_camera_does():
    view = camera()
    found = quaternion_to_matrix(facing_rotation(view, cutout_at(40, 30)))
    torch.testing.assert_close(found, view.world_from_camera.matrix)


@pytest.mark.parametrize("x, y", [(5, 50), (70, 10), (40, 55)])
def test_the_front_of_a_reconstructed_object_points_to_the_eye_and_its_x_stays_level(x, y):
    view = camera(roll_deg=7)
    turn = quaternion_to_matrix(facing_rotation(view, cutout_at(x, y)))
    place = view.unproject(torch.tensor([[float(x), float(y)]]), torch.tensor([2.0]))[0]
    to_eye = torch.nn.functional.normalize(view.world_from_camera.translation - place, dim=0)
    torch.testing.assert_close(turn[:, 2], to_eye)
    in_camera = view.camera_from_world.matrix @ turn[:, 0]
    assert in_camera[1] == pytest.approx(0, abs=1e-12)
    assert in_camera[0] > 0


@pytest.mark.parametrize("x, y", [(5, 50), (70, 10)])
def test_an_upright_mesh_turns_to_the_eye_about_the_vertical_only(x, y):
    view = camera()
    turn = quaternion_to_matrix(upright_rotation(view, cutout_at(x, y)))
    place = view.unproject(torch.tensor([[float(x), float(y)]]), torch.tensor([2.0]))[0]
    level = (view.world_from_camera.translation - place) * torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(turn[:, 1], torch.tensor([0.0, 1.0, 0.0]))
    torch.testing.assert_close(turn[:, 2], torch.nn.functional.normalize(level, dim=0))


def depth_of_ground(view: Camera, kind: str, factor: float) -> Depth:
    ahead = view.unproject(pixel_centres(SIZE), torch.ones(SIZE))
    rays = ahead - view.world_from_camera.translation
    z = view.world_from_camera.translation[1] / -rays[..., 1]
    known = (z > 0) & (z < 50)
    return Depth(torch.where(known, z * factor, 0), known, kind)


@pytest.mark.parametrize("kind, factor, height", [("metric", 1.0, 1.6), ("scale", 3.0, 1.0)])
def test_the_pose_above_the_ground_is_read_from_a_depth_map(kind, factor, height):
    truth = camera(pitch_deg=25, roll_deg=4, height=1.6)
    nothing = [Region("a", torch.zeros(SIZE, dtype=torch.bool))]
    blind = Camera.from_fov(45.0, SIZE)
    found = camera_over_ground(blind, depth_of_ground(truth, kind, factor), nothing)
    assert found is not None
    down_true = truth.camera_from_world.matrix[:, 1]
    torch.testing.assert_close(found.camera_from_world.matrix[:, 1], down_true, atol=1e-3, rtol=0)
    assert float(found.world_from_camera.translation[1]) == pytest.approx(height, rel=1e-2)


def test_a_wall_is_no_ground():
    wall = Depth(torch.full(SIZE, 2.0), torch.ones(SIZE, dtype=torch.bool), "metric")
    nothing = [Region("a", torch.zeros(SIZE, dtype=torch.bool))]
    assert camera_over_ground(Camera.from_fov(45.0, SIZE), wall, nothing) is None


def test_the_final_world_shows_the_same_picture_with_its_ground_at_zero(bench):
    outcome = bench.run()
    bench.world = WorldSettings(height=("big", 0.5))
    metres = bench.run()
    for found in (outcome, metres):
        problem, layout = found.problem, found.solution.layout
        points = torch.cat(
            [layout[index].apply(mesh.vertices) for index, mesh in enumerate(problem.meshes)]
        )
        assert float(points[:, 1].min()) == pytest.approx(0, abs=1e-5)
        found.__dict__["pixels"] = problem.camera.project(points)[0]
    torch.testing.assert_close(
        metres.__dict__["pixels"], outcome.__dict__["pixels"], atol=1e-4, rtol=1e-4
    )


def test_a_known_height_sets_the_unit(bench):
    bench.world = WorldSettings(height=("small", 0.9))
    outcome = bench.run()
    index = outcome.problem.names.index("small")
    world = outcome.solution.layout[index].apply(outcome.problem.meshes[index].vertices)
    assert float(world[:, 1].max() - world[:, 1].min()) == pytest.approx(0.9)


def test_metric_depth_goes_with_the_unit(bench):
    problem, solution = (lambda found: (found.problem, found.solution))(bench.run())
    z = Depth(torch.full(SIZE, 2.0), torch.ones(SIZE, dtype=torch.bool), "metric")
    from dataclasses import replace

    problem = replace(problem, observation=replace(problem.observation, depth=z))
    before = solution.layout.scale[0]
    placed, moved = in_final_world(problem, solution, ("big", 0.5))
    factor = float(moved.layout.scale[0] / before)
    assert placed.observation.depth is not None
    assert float(placed.observation.depth.values[0, 0]) == pytest.approx(2 * factor)


def test_the_height_of_an_unknown_object_is_refused(bench):
    bench.world = WorldSettings(height=("chair", 0.9))
    with pytest.raises(InputError, match="chair"):
        bench.run()
