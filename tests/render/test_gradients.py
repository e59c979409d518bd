"""Surface points move with the pose: gradients against central differences and known answers."""

import math

import pytest
import torch
from render_shapes import quad, sphere

from reparo.render.renderer import TorchRenderer
from reparo.scene import Camera, Scene, Similarity, quaternion_product

CAMERA = Camera.from_fov(50.0, (24, 32))


def pose_from(numbers):
    """Quaternion (not yet unit), translation, scale."""
    wxyz = torch.nn.functional.normalize(numbers[:4], dim=0)
    return Similarity(wxyz[None], numbers[None, 4:7], numbers[None, 7])


START = [0.9, 0.3, -0.2, 0.1, 0.2, -0.1, -4.0, 1.2]


@pytest.mark.parametrize("unknown", range(8))
def test_a_surface_point_moves_as_its_object_does(unknown):
    """Held to its place on the mesh, points move as autograd says."""
    numbers = torch.tensor(START, requires_grad=True)
    mesh = sphere(3)
    (picture,) = TorchRenderer().layers([mesh], pose_from(numbers), CAMERA)
    seen = picture.coverage > 0
    assert seen.sum() > 50
    weights = torch.randn(seen.sum(), 3)
    depth_weights = torch.randn(seen.sum())
    loss = (picture.point[seen] * weights).sum() + (picture.depth[seen] * depth_weights).sum()
    (gradient,) = torch.autograd.grad(loss, numbers)

    own = pose_from(torch.tensor(START))[0].inverse().apply(picture.point[seen].detach())

    def moved(step):
        shifted = torch.tensor(START)
        shifted[unknown] += step
        point = pose_from(shifted)[0].apply(own)
        return (point * weights).sum() - (point[:, 2] * depth_weights).sum()

    difference = (moved(1e-5) - moved(-1e-5)) / 2e-5
    torch.testing.assert_close(gradient[unknown], difference, rtol=1e-6, atol=1e-6)


def test_depth_of_a_plane_grows_as_the_plane_moves_away():
    """Of a plane that faces the camera, every pixel's depth falls by 1 per unit towards it."""
    translation = torch.tensor([[0.0, 0.0, -3.0]], requires_grad=True)
    pose = Similarity(torch.tensor([[1.0, 0, 0, 0]]), translation, torch.ones(1))
    (picture,) = TorchRenderer().layers([quad()], pose, CAMERA)
    seen = picture.coverage > 0
    picture.depth[seen].mean().backward()
    torch.testing.assert_close(translation.grad, torch.tensor([[0.0, 0.0, -1.0]]))


def test_scale_moves_a_point_along_its_own_arm():
    """d point / d scale = R x: about a pivot at the origin the points of the scene itself."""
    scale = torch.ones(1, requires_grad=True)
    half = math.sqrt(0.5)
    pose = Similarity(torch.tensor([[half, 0, half, 0]]), torch.tensor([[0.0, 0.0, -3.0]]), scale)
    (picture,) = TorchRenderer().layers([sphere(3)], pose, CAMERA)
    seen = picture.coverage > 0
    (gradient,) = torch.autograd.grad(picture.point[seen].sum(), scale)
    arm = picture.point[seen].detach() - pose.translation
    torch.testing.assert_close(gradient[0], arm.sum())


def test_the_composite_sends_each_object_its_own_gradient():
    translation = torch.tensor([[-0.5, 0.0, -3.0], [0.5, 0.0, -3.5]], requires_grad=True)
    pose = Similarity(torch.tensor([[1.0, 0, 0, 0]] * 2), translation, torch.ones(2))
    picture = TorchRenderer()(Scene(("a", "b"), (quad(), quad()), pose, CAMERA), samples=2)
    for index in (0, 1):
        own = picture.object_index == index
        assert own.sum() > 10
        (gradient,) = torch.autograd.grad(picture.depth[own].sum(), translation, retain_graph=True)
        expected = torch.zeros(2, 3)
        expected[index, 2] = -float(own.sum())
        torch.testing.assert_close(gradient, expected)


def test_gradients_are_finite_where_pixels_are_empty():
    numbers = torch.tensor(START, requires_grad=True)
    (picture,) = TorchRenderer().layers([sphere(2)], pose_from(numbers), CAMERA, 2)
    loss = picture.depth[picture.coverage > 0].sum() + picture.point.sum()
    loss.backward()
    assert torch.isfinite(numbers.grad).all()


def test_a_turn_of_camera_and_object_together_changes_nothing():
    """The whole world may turn about the camera: the picture is the same."""
    turn = torch.nn.functional.normalize(torch.tensor([0.8, 0.1, -0.5, 0.2]), dim=0)
    world = Similarity(turn, torch.tensor([0.3, -2.0, 0.7]), torch.tensor(1.0))
    pose = pose_from(torch.tensor(START))
    moved = Similarity(
        quaternion_product(turn[None], pose.wxyz), world.apply(pose.translation), pose.scale
    )
    there = Camera.from_fov(50.0, (24, 32), world)
    (before,) = TorchRenderer().layers([sphere(3)], pose, CAMERA)
    (after,) = TorchRenderer().layers([sphere(3)], moved, there)
    torch.testing.assert_close(after.depth, before.depth)
    seen = before.coverage > 0
    torch.testing.assert_close(after.point[seen], world.apply(before.point[seen]))
