"""Meshes and poses that the tests of this room share."""

import torch
import trimesh

from reparo.render.renderer import TorchRenderer
from reparo.scene import (
    Camera,
    Material,
    Mesh,
    Scene,
    Similarity,
    axis_angle_to_matrix,
    matrix_to_quaternion,
)


def pose_at(translation, turn=(0.0, 0.0, 0.0), scale=1.0):
    """A batch of one object."""
    wxyz = matrix_to_quaternion(axis_angle_to_matrix(torch.tensor([turn])))
    return Similarity(wxyz, torch.tensor([translation]), torch.tensor([scale]))


def draw(mesh, pose, camera, samples=1):
    (picture,) = TorchRenderer().layers([mesh], pose, camera, samples)
    return picture


def quad(half=1.0, **looks):
    """A square in the plane z = 0; uv (0, 0) is its upper left corner."""
    vertices = torch.tensor([[-1.0, 1, 0], [-1, -1, 0], [1, -1, 0], [1, 1, 0]]) * half
    mesh = Mesh.plain(vertices, torch.tensor([[0, 1, 2], [0, 2, 3]]))
    fields = {
        "uv": torch.tensor([[0.0, 0], [0, 1], [1, 1], [1, 0]]),
        "colours": mesh.colours,
        "materials": mesh.materials,
    } | looks
    return Mesh(vertices, mesh.faces, face_material=mesh.face_material, **fields)


def sphere(subdivisions=5):
    ball = trimesh.creation.icosphere(subdivisions=subdivisions)
    return Mesh.plain(torch.tensor(ball.vertices), torch.tensor(ball.faces))


def unit_box():
    """A unit cube; its vertices are those of its faces, four a face, as files have them."""
    box = trimesh.creation.box()
    return Mesh.plain(
        torch.tensor(box.vertices)[box.faces.reshape(-1)], torch.arange(36).view(-1, 3)
    )


def assert_empty(picture):
    assert (picture.rgb == 0).all()
    assert (picture.coverage == 0).all()
    assert (picture.depth == torch.inf).all()
    assert (picture.object_index == -1).all()
    assert (picture.point == 0).all()


def holed_scene():
    """A tilted square with holes, a ball behind it, a floor that runs behind the camera."""
    texture = torch.rand(6, 6, 4)
    front = quad(materials=(Material(texture=texture, alpha_cutoff=0.5),))
    poses = [
        pose_at([0.2, 0.1, -2.5], (0.3, 0.5, 0.1)),
        pose_at([0.0, 0.0, -5.0]),
        pose_at([0.0, -1.0, 0.0], (-1.5, 0.1, 0.0), 30.0),
    ]
    layout = Similarity.stack([pose[0] for pose in poses])
    camera = Camera.from_fov(50.0, (60, 80))
    return Scene(("front", "ball", "floor"), (front, sphere(3), quad()), layout, camera)
