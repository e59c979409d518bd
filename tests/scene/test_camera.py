"""The camera's conventions, by known answers."""

import math

import torch

from reparo.scene import Camera, Similarity, axis_angle_to_matrix, matrix_to_quaternion


def pitched_camera() -> Camera:
    turn = matrix_to_quaternion(axis_angle_to_matrix(torch.tensor([-0.3, 0.2, 0.1])))
    pose = Similarity(turn, torch.tensor([1.0, 2.0, 3.0]), torch.tensor(1.0))
    return Camera.from_fov(40.0, (120, 160), pose)


def test_a_point_on_the_axis_is_in_the_centre():
    pixel, z = Camera.from_fov(60.0, (100, 200)).project(torch.tensor([0.0, 0.0, -5.0]))
    torch.testing.assert_close(pixel, torch.tensor([100.0, 50.0]))
    torch.testing.assert_close(z, torch.tensor(5.0))


def test_up_in_the_world_is_up_in_the_picture_and_fov_reaches_the_edge():
    top = torch.tensor([0.0, math.tan(math.radians(30)), -1.0])
    pixel, _ = Camera.from_fov(60.0, (100, 200)).project(top)
    torch.testing.assert_close(pixel, torch.tensor([100.0, 0.0]))


def test_unproject_undoes_project():
    camera = pitched_camera()
    pixels, z = torch.rand(9, 2) * 100, torch.rand(9) + 1
    back, depth = camera.project(camera.unproject(pixels, z))
    torch.testing.assert_close(back, pixels)
    torch.testing.assert_close(depth, z)


def test_fov_survives():
    assert math.isclose(pitched_camera().fov_y_deg, 40.0)
    assert math.isclose(pitched_camera().resized((60, 80)).fov_y_deg, 40.0)
