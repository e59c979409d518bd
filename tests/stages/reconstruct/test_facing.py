"""From which side a picture shows a mesh; the pictures are the renderer's."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from reparo.render.renderer import TorchRenderer
from reparo.scene import Camera, Cutout, Material, Mesh, Similarity
from reparo.stages.reconstruct.facing import facing


def thing() -> Mesh:
    """A box with a box on one end; red, green, blue grow along x, y, z."""
    base = trimesh.creation.box((1.0, 0.4, 0.5))
    head = trimesh.creation.box(
        (0.3, 0.5, 0.3), transform=trimesh.transformations.translation_matrix([0.3, 0.4, 0.05])
    )
    both = trimesh.util.concatenate([base.subdivide(), head.subdivide()])
    vertices = torch.from_numpy(np.array(both.vertices))
    span = vertices.amax(0) - vertices.amin(0)
    colours = torch.cat([(vertices - vertices.amin(0)) / span, torch.ones(len(vertices), 1)], -1)
    faces = torch.from_numpy(np.array(both.faces)).long()
    return Mesh(
        vertices, faces, vertices.new_zeros(len(vertices), 2), colours,
        (Material(name="thing"),), torch.zeros(len(faces), dtype=torch.long),
    )  # fmt: skip


def seen_from(mesh: Mesh, turn: float, raised: float) -> tuple[Cutout, np.ndarray]:
    """The mesh after that rotation, seen from far; and the rotation."""
    rotation = rotated(turn, raised)
    moved = mesh.vertices @ torch.from_numpy(rotation).mT
    camera = Camera.from_fov(6.0, (96, 96), Similarity.identity())
    far = Similarity(torch.tensor([1.0, 0, 0, 0]), torch.tensor([0.0, 0, -15]), torch.tensor(1.0))
    stacked = Similarity(far.wxyz[None], far.translation[None], far.scale[None])
    (drawn,) = TorchRenderer().layers([replace(mesh, vertices=moved)], stacked, camera)
    alpha = (drawn.coverage > 0.5).to(moved)
    rgba = torch.cat([drawn.rgb, alpha[..., None]], -1)
    return Cutout(rgba, alpha > 0.5, torch.eye(2, 3)), rotation


def rotated(turn: float, raised: float) -> np.ndarray:
    about = trimesh.transformations.rotation_matrix(math.radians(turn), [0, 1, 0])
    towards = trimesh.transformations.rotation_matrix(math.radians(raised), [1, 0, 0])
    return (towards @ about)[:3, :3]


@pytest.mark.parametrize(("turn", "raised"), [(0, 0), (73, 0), (180, 15), (-40, 30), (137, 10)])
def test_the_side_that_a_picture_shows_is_found(turn, raised):
    mesh = thing()
    cutout, truth = seen_from(mesh, turn, raised)
    found = facing(mesh.vertices.numpy(), mesh.faces.numpy(), mesh.colours[:, :3].numpy(), cutout)
    angle = math.degrees(math.acos(min(1.0, (np.trace(found.T @ truth) - 1) / 2)))
    assert angle < 16  # steps of 10 and 15 degrees
    assert np.linalg.det(found) == pytest.approx(1)


def test_a_mesh_that_looks_alike_from_everywhere_stays():
    ball = trimesh.creation.icosphere(3)
    grey = np.full((len(ball.vertices), 3), 0.5)
    y, x = np.mgrid[:64, :64]
    alpha = torch.from_numpy((x - 31.5) ** 2 + (y - 31.5) ** 2 < 30**2)
    rgba = torch.cat([torch.full((64, 64, 3), 0.5), alpha[..., None].double()], -1)
    found = facing(ball.vertices, ball.faces, grey, Cutout(rgba, alpha, torch.eye(2, 3)))
    np.testing.assert_array_equal(found, np.eye(3))
