"""Small scenes whose places are known."""

import json
import struct

import torch
import trimesh

from reparo.scene import Camera, Material, Mesh, Scene, Similarity, axis_angle_to_matrix
from reparo.scene import matrix_to_quaternion as quaternion


def textured_box(extents):
    found = trimesh.creation.box(extents)
    texture = torch.ones(2, 2, 4)
    texture[0, 0, :3] = 0.2
    mesh = Mesh.plain(torch.from_numpy(found.vertices.copy()), torch.from_numpy(found.faces.copy()))
    half = torch.tensor([0, 1]).repeat(6)
    looks = (Material(texture=texture), Material((0.5, 0.5, 0.5, 1.0)))
    return Mesh(mesh.vertices, mesh.faces, torch.rand(8, 2), mesh.colours, looks, half)


def turn(*vector):
    return quaternion(axis_angle_to_matrix(torch.tensor(vector)))


def two_boxes():
    layout = Similarity(
        torch.stack([turn(0.1, 0.5, -0.3), turn(-1.0, 2.0, 0.4)]),
        torch.tensor([[0.3, 0.1, -2.0], [-1.0, 0.5, -4.0]]),
        torch.tensor([0.7, 2.5]),
    )
    pose = Similarity(turn(-0.4, 0.2, 0.0), torch.tensor([0.1, 1.5, 2.0]), torch.tensor(1.0))
    return Scene(
        ("chair", "camera"),  # an object may be called that
        (textured_box((1.0, 0.5, 0.3)), textured_box((0.2, 1.0, 0.6))),
        layout,
        Camera.from_fov(40.0, (480, 640), pose),
    )


def in_world(scene, index):
    return scene.layout[index].apply(scene.meshes[index].vertices)


def distance(points, others):
    """The farthest that a point of either set is from the other set."""
    pairs = torch.cdist(torch.as_tensor(points), torch.as_tensor(others))
    return max(pairs.amin(0).max().item(), pairs.amin(1).max().item())


def header_of(path):
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
    return json.loads(data[20 : 20 + length])
