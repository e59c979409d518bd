"""Meshes from outside, brought into the object's frame."""

import numpy as np
import pytest
import torch
import trimesh

from reparo.errors import InputError
from reparo.files.meshes import read_mesh
from reparo.files.soundness import open_edges, simplified, sound
from reparo.scene import Cutout, Mesh
from reparo.stages.reconstruct.arrival import arrived, in_unit_box, turned
from reparo.stages.reconstruct.given import GivenReconstructor

OURS = ("+y", "+z")


def nose() -> trimesh.Trimesh:
    """A body 4 high (y), 2 wide (x), 2 deep (z), with a nose far out on its front, in our axes."""
    body = trimesh.creation.box((2, 4, 2))
    return trimesh.util.concatenate(
        [body, trimesh.creation.box((0.2, 0.2, 2)).apply_translation((0.3, 1, 1.5))]
    )


def written(mesh: trimesh.Trimesh, up: str, front: str, path):
    """The mesh as a program with other axes would write it."""
    unit = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1]}
    y, z = (np.array(unit[axis[1]]) * (1 if axis[0] == "+" else -1) for axis in (up, front))
    theirs_from_ours = np.stack([np.cross(y, z), y, z], -1)
    there = mesh.copy()
    there.vertices = mesh.vertices @ theirs_from_ours.T
    there.export(path)
    return path


@pytest.mark.parametrize("suffix", ["glb", "obj", "ply"])
@pytest.mark.parametrize(
    "up, front", [OURS, ("+z", "-y"), ("+z", "+x"), ("-y", "+z"), ("+y", "-z"), ("+x", "+y")]
)
def test_whatever_its_axes_are_the_mesh_arrives_upright_facing_us_in_the_unit_box(
    tmp_path, suffix, up, front
):
    path = written(nose(), up, front, tmp_path / f"a.{suffix}")
    mesh = arrived(path, "a", (up, front), 1000)
    torch.testing.assert_close(mesh.bounds.mean(0), torch.zeros(3), atol=1e-6, rtol=0)
    size = mesh.bounds[1] - mesh.bounds[0]
    torch.testing.assert_close(size, torch.tensor([0.5, 1.0, 0.875]), atol=1e-6, rtol=0)
    tip = mesh.vertices[mesh.vertices[:, 2] > 0.43].mean(0)  # of the nose: right, high, in front
    torch.testing.assert_close(tip[:2], torch.tensor([0.3, 1.0]) / 4, atol=1e-6, rtol=0)
    closed = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy())
    assert closed.volume > 0  # not mirrored: still counter-clockwise from outside


def test_up_and_front_along_one_line_are_refused():
    mesh = Mesh.plain(torch.eye(3), torch.tensor([[0, 1, 2]]))
    with pytest.raises(InputError, match="right angle"):
        turned(mesh, "+y", "-y")


@pytest.mark.parametrize("suffix", ["glb", "obj", "ply"])
def test_given_meshes_with_other_axes_are_turned_and_keep_their_size(tmp_path, suffix):
    written(nose(), "+z", "-y", tmp_path / f"chair.{suffix}")
    cutout = Cutout(torch.ones(4, 4, 4), torch.ones(4, 4, dtype=torch.bool), torch.eye(2, 3))
    mesh = GivenReconstructor(tmp_path, up="+z", front="-y")(cutout, "chair")
    torch.testing.assert_close(
        mesh.bounds, torch.tensor([[-1.0, -2, -1], [1, 2, 2.5]]), atol=1e-6, rtol=0
    )


def test_several_parts_in_several_nodes_are_one_mesh(tmp_path):
    scene = trimesh.Scene()
    for index in range(3):
        moved = trimesh.transformations.translation_matrix((2 * index, 0, 0))
        scene.add_geometry(trimesh.creation.box(), transform=moved)
    scene.export(tmp_path / "a.glb")
    mesh = arrived(tmp_path / "a.glb", "a", OURS, 1000)
    assert len(mesh.faces) == 36
    torch.testing.assert_close(mesh.bounds[1], torch.tensor([0.5, 0.1, 0.1]), atol=1e-6, rtol=0)


def test_open_edges_are_counted_as_if_seams_were_welded(tmp_path):
    box = trimesh.creation.box()
    box.unmerge_vertices()  # as a texture's seams would
    box.export(tmp_path / "closed.ply")
    assert open_edges(read_mesh(tmp_path / "closed.ply")) == 0
    box.update_faces(np.arange(12) > 0)
    box.export(tmp_path / "open.ply")
    assert open_edges(read_mesh(tmp_path / "open.ply")) == 3


def test_triangles_without_area_are_dropped_and_the_rest_is_kept():
    corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0]])
    mesh = sound(Mesh.plain(corners, torch.tensor([[0, 1, 2], [0, 1, 3], [1, 1, 2]])), "it")
    assert mesh.faces.tolist() == [[0, 1, 2]]
    assert len(mesh.vertices) == 3


def textured_ball(subdivisions: int) -> Mesh:
    """Colour and uv tell the place, so that a wrong assignment shows."""
    ball = trimesh.creation.icosphere(subdivisions=subdivisions)
    mesh = Mesh.plain(torch.tensor(ball.vertices), torch.tensor(ball.faces))
    place = (mesh.vertices + 1) / 2
    colours = torch.cat([place, torch.ones(len(place), 1)], 1)
    return Mesh(
        mesh.vertices, mesh.faces, place[:, :2], colours, mesh.materials, mesh.face_material
    )


def test_a_huge_mesh_is_made_smaller_and_stays_closed_and_where_it_was():
    ball = textured_ball(5)
    small = simplified(ball, 2000)
    assert 1000 < len(small.faces) <= 2000 < len(ball.faces)
    assert open_edges(small) == 0
    radius = small.vertices.norm(dim=-1)
    assert 0.95 < float(radius.min()) and float(radius.max()) <= 1 + 1e-9
    shape = trimesh.Trimesh(small.vertices.numpy(), small.faces.numpy())
    assert shape.volume == pytest.approx(4 / 3 * np.pi, rel=0.05)  # outside still outside
    torch.testing.assert_close(small.colours[:, :3], (small.vertices + 1) / 2)
    torch.testing.assert_close(small.uv, small.colours[:, :2])


def test_charts_of_a_texture_are_not_mixed_and_their_seam_stays_closed():
    """Two halves of a ball with doubled vertices where they meet, one black, one white."""
    ball = textured_ball(4)
    upper = (ball.vertices[ball.faces][..., 2].mean(-1) > 0).long()
    number = ball.faces + upper[:, None] * len(ball.vertices)
    white = torch.cat([torch.zeros(len(ball.vertices), 4), torch.ones(len(ball.vertices), 4)])
    twice = torch.cat([ball.vertices, ball.vertices])
    mesh = Mesh(twice, number, white[:, :2], white, ball.materials, ball.face_material)
    small = simplified(sound(mesh, "it"), 1000)
    assert len(small.faces) <= 1000
    assert set(small.colours.flatten().tolist()) == {0.0, 1.0}
    assert open_edges(small) == 0


def test_a_mesh_that_is_small_enough_is_left_as_it_is():
    ball = textured_ball(1)
    assert simplified(ball, len(ball.faces)) is ball


def test_the_unit_box_is_reached_from_any_size_and_place():
    ball = textured_ball(1)
    moved = Mesh.plain(ball.vertices * torch.tensor([1.0, 3, 2]) * 1e4 + 5e6, ball.faces)
    bounds = in_unit_box(moved).bounds
    torch.testing.assert_close(bounds[1], -bounds[0])
    assert float(bounds[1].max()) == pytest.approx(0.5)
