"""Normals: smooth where the surface is, across seams too; flat or none where it is not."""

import torch
import trimesh

from reparo.files.normals import vertex_normals
from reparo.files.scene_glb import write_mesh_glb
from reparo.scene import Mesh


def as_mesh(found):
    return Mesh.plain(torch.from_numpy(found.vertices.copy()), torch.from_numpy(found.faces.copy()))


def torn(mesh):
    """Each face with its own vertices, as if every edge were a texture's seam."""
    corners = mesh.faces.flatten()
    return Mesh.plain(mesh.vertices[corners], torch.arange(len(corners)).view(-1, 3))


def test_a_spheres_normals_point_away_from_its_centre():
    sphere = as_mesh(trimesh.creation.icosphere(subdivisions=3))
    torch.testing.assert_close(vertex_normals(sphere), sphere.vertices, atol=0.01, rtol=0)


def test_a_seam_does_not_show():
    sphere = as_mesh(trimesh.creation.icosphere(subdivisions=3))
    expected = vertex_normals(sphere)[sphere.faces.flatten()]
    torch.testing.assert_close(vertex_normals(torn(sphere)), expected)


def test_a_box_with_vertices_of_its_own_on_each_face_keeps_its_edges():
    box = as_mesh(trimesh.creation.box((10.0, 1.0, 0.1)))
    normals = vertex_normals(torn(box))
    found = trimesh.creation.box((10.0, 1.0, 0.1))
    flat = torch.from_numpy(found.face_normals.copy()).repeat_interleave(3, 0)
    torch.testing.assert_close(normals, flat)


def test_a_welded_box_has_none():
    """Each of its corners would need three."""
    assert vertex_normals(as_mesh(trimesh.creation.box())) is None


def test_triangles_without_area_spoil_nothing():
    """One on the sphere takes its normal, one apart gets some unit normal."""
    sphere = as_mesh(trimesh.creation.icosphere(subdivisions=2))
    first = sphere.vertices[:1]
    vertices = torch.cat([sphere.vertices, first.repeat(3, 1), 3 * first.repeat(3, 1)])
    count = len(sphere.vertices)
    mesh = Mesh.plain(vertices, torch.cat([sphere.faces, count + torch.arange(6).view(2, 3)]))
    normals = vertex_normals(mesh)
    torch.testing.assert_close(
        normals[: count + 3], vertex_normals(sphere)[[*range(count), 0, 0, 0]]
    )
    torch.testing.assert_close(normals.norm(dim=-1), torch.ones(len(vertices)))


def test_normals_are_in_the_file(tmp_path):
    sphere = as_mesh(trimesh.creation.icosphere(subdivisions=2))
    write_mesh_glb(tmp_path / "sphere.glb", sphere)
    found = trimesh.load_mesh(tmp_path / "sphere.glb", process=False)
    torch.testing.assert_close(
        torch.tensor(found.vertex_normals.copy()), vertex_normals(sphere), atol=1e-6, rtol=0
    )
