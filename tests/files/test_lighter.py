"""Meshes made lighter and closed: shape, looks and what cannot be."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from reparo.errors import InputError
from reparo.files.closing import closed, welded
from reparo.files.lighter import lighter
from reparo.files.soundness import open_edges
from reparo.files.staging import Dress, stage
from reparo.scene import Camera, Material, Mesh, Scene, Similarity


def of_mesh(mesh):
    return Mesh.plain(torch.from_numpy(mesh.vertices.copy()), torch.from_numpy(mesh.faces.copy()))


def ball():
    """Two materials, one for z < 0; a texture coordinate that is x and y, apart for the halves."""
    found = of_mesh(trimesh.creation.icosphere(4))
    below = found.vertices[found.faces].mean(1)[:, 2] < 0
    faces = torch.where(below[:, None], found.faces + len(found.vertices), found.faces)
    vertices = found.vertices.repeat(2, 1)
    uv = vertices[:, :2] / 4 + 0.25
    uv = uv + (torch.arange(len(uv)) >= len(found.vertices))[:, None] * 0.5
    colours = torch.cat([vertices.abs(), torch.ones(len(vertices), 1)], 1).clamp(0, 1)
    looks = (Material(texture=torch.rand(4, 4, 4)), Material((0.5, 0.5, 0.5, 1.0)))
    return Mesh(vertices, faces, uv, colours, looks, below.long())


def body(mesh):
    places = torch.unique(mesh.vertices, dim=0).numpy()
    return trimesh.Trimesh(places, welded(mesh), process=False)


@pytest.mark.parametrize("most", [100, 1000])
def test_a_lighter_mesh_keeps_its_shape_and_its_looks(most):
    pytest.importorskip("fast_simplification", reason="the extra `simplify` is not installed")
    before = ball()
    after = lighter(before, most, "ball")
    assert most / 2 < len(after.faces) <= most
    assert open_edges(before) == open_edges(after) == 0
    radius = after.vertices.norm(dim=-1)
    error = 10 / most  # of a sphere of so many triangles, and the coordinates with it
    assert (radius - 1).abs().max() < error
    lower = torch.zeros(len(after.vertices), dtype=torch.bool)
    lower[after.faces[after.face_material == 1]] = True
    expected = after.vertices[:, :2] / 4 + 0.25 + lower[:, None] * 0.5
    away = (after.uv - expected).norm(dim=-1)
    assert away.max() < 0.1 and away.mean() < error
    assert (after.colours[:, :3] - after.vertices.abs()).abs().mean() < error
    heights = after.vertices[after.faces].mean(1)[:, 2]
    sides = (heights < 0) == (after.face_material == 1)
    assert sides[heights.abs() > 0.2].all()


def test_what_is_light_stays_as_it_is():
    scene = Scene(("ball",), (ball(),), Similarity.identity(1), Camera.from_fov(40.0, (10, 10)))
    (piece,) = stage(scene, dress=Dress(simplify=10**6)).pieces
    assert len(piece.mesh.faces) == len(scene.meshes[0].faces)


def test_many_small_parts_become_few_enough_too():
    pytest.importorskip("fast_simplification", reason="the extra `simplify` is not installed")
    grid = [[x, y, 0.0] for x in range(8) for y in range(8)]
    boxes = [trimesh.creation.box((0.5,) * 3).apply_translation(place) for place in grid]
    many = of_mesh(trimesh.util.concatenate(boxes))
    assert 0 < len(lighter(many, 200, "boxes").faces) <= 200 < len(many.faces)


def test_what_is_made_lighter_and_closed_is_both():
    pytest.importorskip("fast_simplification", reason="the extra `simplify` is not installed")
    knot = of_mesh(trimesh.creation.torus(1.0, 0.3, major_sections=48, minor_sections=24))
    pose = Similarity.identity(1)
    scene = Scene(("ring",), (knot,), pose, Camera.from_fov(40.0, (10, 10)))
    (piece,) = stage(scene, dress=Dress(simplify=300, watertight=True)).pieces
    assert 150 <= len(piece.mesh.faces) <= 300
    assert body(piece.mesh).is_volume and body(piece.mesh).euler_number == 0


def test_a_hole_is_capped_in_the_colours_of_its_rim():
    whole = of_mesh(trimesh.creation.icosphere(2))
    kept = whole.vertices[whole.faces].mean(1)[:, 1] > -0.6
    blue = whole.vertices.new_tensor([0.0, 0, 1, 1]).expand(len(whole.vertices), 4)
    holed = Mesh(
        whole.vertices,
        whole.faces[kept],
        whole.uv,
        blue,
        whole.materials,
        whole.face_material[kept],
    )
    assert open_edges(holed) > 0
    done = closed(holed, "ball")
    assert body(done).is_volume
    assert len(done.faces) == len(holed.faces) + open_edges(holed)
    assert (done.colours == blue[0]).all()
    assert torch.equal(done.faces[: len(holed.faces)], holed.faces)


def test_holes_that_touch_at_a_corner_are_closed_each():
    whole = of_mesh(trimesh.creation.icosphere(2))
    corner = int(whole.faces[0, 0])
    around = [face for face in range(len(whole.faces)) if corner in whole.faces[face]]
    first = around[0]
    shared = [len(set(whole.faces[first].tolist()) & set(whole.faces[k].tolist())) for k in around]
    apart = [first, around[shared.index(1)]]  # two that meet at that corner alone
    kept = torch.tensor([face for face in range(len(whole.faces)) if face not in apart])
    holed = replace(whole, faces=whole.faces[kept], face_material=whole.face_material[kept])
    done = closed(holed, "ball")
    assert body(done).is_volume and len(done.faces) == len(holed.faces) + 6


def test_a_closed_mesh_stays_as_it_is_and_one_inside_out_is_turned():
    whole = ball()
    done = closed(whole, "ball")
    assert torch.equal(done.faces, whole.faces) and torch.equal(done.vertices, whole.vertices)
    turned = Mesh(
        whole.vertices,
        whole.faces.flip(1),
        whole.uv,
        whole.colours,
        whole.materials,
        whole.face_material,
    )
    assert body(closed(turned, "ball")).volume == pytest.approx(body(whole).volume)


def test_a_sheet_is_closed_by_its_back():
    corners, face = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), torch.tensor([[0, 1, 2]])
    assert open_edges(closed(Mesh.plain(corners, face), "sheet")) == 0  # and numpy warns of nothing


def test_what_cannot_be_closed_is_refused():
    fan = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1]], float)
    faces = torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 4]])  # three leaves of a book
    with pytest.raises(InputError, match=r"'book'.* do not join two triangles"):
        closed(Mesh.plain(torch.from_numpy(fan), faces), "book")
