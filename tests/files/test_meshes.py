"""Meshes in and out: what a file shows is what the record holds, and the way back."""

import json
import struct

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from trimesh.visual.material import PBRMaterial

from reparo.errors import InputError
from reparo.files import materials
from reparo.files.colours import linear_from_srgb, srgb_from_linear
from reparo.files.exports import write_mesh
from reparo.files.meshes import read_mesh
from reparo.scene import Material, Mesh

RED, BLUE = (0.8, 0.1, 0.05, 1.0), (0.1, 0.2, 0.9, 1.0)


def box(size=1.0):
    """A closed box of 8 vertices."""
    found = trimesh.creation.box((size,) * 3)
    return torch.from_numpy(found.vertices.copy()), torch.from_numpy(found.faces.copy())


def checkers(alpha=False):
    """A texture [2, 3] of six different colours; half of them see-through if asked."""
    texture = torch.tensor([[0, 51, 102], [153, 204, 255]])[..., None].repeat(1, 1, 4) / 255
    texture[..., 1] = 1 - texture[..., 1]
    texture[..., 3] = 1.0
    if alpha:
        texture[0, :, 3] = 0.2
    return texture


def patchwork(alpha_cutoff=None, coloured=True):
    """A box with all there is: two materials, UVs outside 0..1, vertex colours, base colours."""
    vertices, faces = box()
    return Mesh(
        vertices,
        faces,
        uv=torch.rand(8, 2) * 6 - 3,
        colours=torch.cat([torch.rand(8, 3), torch.ones(8, 1)], 1)
        if coloured
        else torch.ones(8, 4),
        materials=(
            Material(RED, checkers(alpha_cutoff is not None), alpha_cutoff, name="wood"),
            Material(BLUE, None, None, name="steel"),
        ),
        face_material=torch.tensor([0, 1]).repeat(6),
    )


def triangles(mesh):
    """All that shows, a row a triangle, sorted: corners, their colours, base colour, UV, texture.

    It does not matter to it how vertices, faces and materials are numbered.
    """
    rows = []
    for face, index in zip(mesh.faces.tolist(), mesh.face_material.tolist(), strict=True):
        material = mesh.materials[index]
        row = [mesh.vertices[face].flatten(), mesh.colours[face].flatten()]
        row.append(torch.tensor(material.base_colour))
        textured = material.texture is not None
        row.append(mesh.uv[face].flatten() if textured else torch.zeros(6))
        row.append(material.texture.flatten() if textured else torch.zeros(24))
        row.append(torch.tensor([-1.0 if material.alpha_cutoff is None else material.alpha_cutoff]))
        rows.append(torch.cat(row))
    return torch.stack(sorted(rows, key=lambda row: row[:9].round(decimals=4).tolist()))


def watertight(mesh):
    """Welded by position, since seams split vertices."""
    return trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy()).is_watertight


@pytest.mark.parametrize("cutoff", [None, 0.5])
@pytest.mark.parametrize("suffix", ["glb", "obj"])
def test_a_mesh_with_everything_comes_back_as_written(tmp_path, suffix, cutoff):
    mesh = patchwork(cutoff)
    write_mesh(tmp_path / f"box.{suffix}", mesh)
    found = read_mesh(tmp_path / f"box.{suffix}")
    expected, came = triangles(mesh), triangles(found)
    # trimesh keeps base colours in 8 bits; in glTF they count light, and half a step of 1/255 is
    # 0.025 where the sRGB curve is steepest, in black
    steep = {"glb": 0.026, "obj": 1e-6}[suffix]
    torch.testing.assert_close(came[:, 21:25], expected[:, 21:25], atol=steep, rtol=0)
    came[:, 21:25] = expected[:, 21:25]
    torch.testing.assert_close(came, expected, atol=1e-6, rtol=1e-6)
    assert watertight(found)
    names = {"glb": {"wood", "steel"}, "obj": {"box-0", "box-1"}}
    assert {material.name for material in found.materials} == names[suffix]


def test_a_cutoff_is_kept_by_glb_to_the_digit(tmp_path):
    write_mesh(tmp_path / "box.glb", patchwork(0.37))
    cutoffs = {m.name: m.alpha_cutoff for m in read_mesh(tmp_path / "box.glb").materials}
    assert cutoffs == {"wood": 0.37, "steel": None}


@pytest.mark.parametrize("suffix", ["glb", "obj"])
def test_a_plain_mesh_stays_white_and_closed(tmp_path, suffix):
    mesh = Mesh.plain(*box())
    write_mesh(tmp_path / f"my box.{suffix}", mesh)
    found = read_mesh(tmp_path / f"my box.{suffix}")
    torch.testing.assert_close(triangles(found), triangles(mesh))
    assert len(found.vertices) == 8


def test_materials_share_a_texture_there_and_back(tmp_path):
    texture = checkers()
    looks = (Material(RED, texture), Material(BLUE, texture))
    mesh = patchwork()
    mesh = Mesh(mesh.vertices, mesh.faces, mesh.uv, mesh.colours, looks, mesh.face_material)
    write_mesh(tmp_path / "box.glb", mesh)
    one, other = read_mesh(tmp_path / "box.glb").materials
    assert one.texture is other.texture
    assert len(trimesh.load_scene(tmp_path / "box.glb").geometry) == 2
    assert (tmp_path / "box.glb").read_bytes().count(b"IHDR") == 1


def test_a_giant_texture_is_read_smaller_and_it_is_said(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(materials, "MAX_TEXTURE", 2)
    write_mesh(tmp_path / "box.glb", patchwork())
    shapes = [
        m.texture.shape for m in read_mesh(tmp_path / "box.glb").materials if m.texture is not None
    ]
    assert shapes == [(1, 2, 4)]
    assert "3x2" in caplog.text


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.glb, \.obj, got 'box\.fbx'"):
        write_mesh(tmp_path / "box.fbx", Mesh.plain(*box()))


def test_node_transforms_are_applied_nested_and_scaled(tmp_path):
    """x of the mesh file is after the file's own node transforms."""
    scene = trimesh.Scene()
    outer = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3]) @ np.diag([2.0, 2, 2, 1])
    inner = trimesh.transformations.translation_matrix([1, 2, 3]) @ np.diag([1.0, 3, 0.5, 1])
    scene.graph.update("outer", "world", matrix=outer)
    cube = trimesh.creation.box()
    for name, matrix in (("a", inner), ("b", np.eye(4))):  # the same geometry, twice
        scene.add_geometry(cube, node_name=name, geom_name="cube", parent_node_name="outer")
        scene.graph.update(name, "outer", matrix=matrix)
    scene.export(tmp_path / "nested.glb")
    found = read_mesh(tmp_path / "nested.glb")
    expected = np.concatenate([trimesh.transform_points(cube.vertices, outer @ m) for m in
                               (inner, np.eye(4))])  # fmt: skip
    assert len(found.faces) == 24
    distance, _ = trimesh.proximity.cKDTree(expected).query(found.vertices.numpy())
    assert distance.max() < 1e-6
    own = trimesh.Trimesh(found.vertices.numpy(), found.faces.numpy())
    assert own.volume == pytest.approx(8 * 1.5 + 8, rel=1e-6)


def test_a_mirrored_node_keeps_its_outside_outside(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), transform=np.diag([-1.0, 1, 1, 1]))
    scene.export(tmp_path / "mirrored.glb")
    found = read_mesh(tmp_path / "mirrored.glb")
    own = trimesh.Trimesh(found.vertices.numpy(), found.faces.numpy(), process=False)
    assert own.volume == pytest.approx(1, rel=1e-6)


def pbr_square(tmp_path, **settings):
    """A textured square written by trimesh with these material settings, read by us."""
    image = Image.fromarray((checkers(alpha=True) * 255).round().to(torch.uint8).numpy())
    look = PBRMaterial(baseColorTexture=image, **settings)
    uv = [[0, 1], [0, 0], [1, 0], [1, 1]]  # trimesh's: from the bottom left
    visual = trimesh.visual.TextureVisuals(uv=uv, material=look)
    square = trimesh.Trimesh(
        [[0, 1, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 1, 2], [0, 2, 3]],
        visual=visual, process=False,
    )  # fmt: skip
    square.export(tmp_path / "square.glb")
    return read_mesh(tmp_path / "square.glb")


def test_uv_counts_from_the_top_left(tmp_path):
    found = pbr_square(tmp_path)
    expected = torch.stack([found.vertices[:, 0], 1 - found.vertices[:, 1]], 1)
    torch.testing.assert_close(found.uv, expected)
    torch.testing.assert_close(found.materials[0].texture, checkers(alpha=True))


@pytest.mark.parametrize(
    ("settings", "cutoff"),
    [
        ({}, None),
        ({"alphaMode": "OPAQUE"}, None),
        ({"alphaMode": "MASK"}, 0.5),
        ({"alphaMode": "MASK", "alphaCutoff": 0.25}, 0.25),
        ({"alphaMode": "BLEND"}, 0.5),
        ({"alphaMode": "BLEND", "baseColorFactor": [1.0, 1.0, 1.0, 0.4]}, 0.2),
    ],
)
def test_alpha_modes_become_cutoffs_and_glass_stays(tmp_path, settings, cutoff):
    found = pbr_square(tmp_path, **settings).materials[0]
    assert found.alpha_cutoff == (None if cutoff is None else pytest.approx(cutoff))
    if cutoff is not None:
        assert found.texture[..., 3].max() * found.base_colour[3] > found.alpha_cutoff


def test_a_base_colour_of_gltf_counts_light(tmp_path):
    found = pbr_square(tmp_path, baseColorFactor=[0.2, 0.6, 1.0, 1.0]).materials[0]
    expected = srgb_from_linear(torch.tensor([0.2, 0.6, 1.0]))
    torch.testing.assert_close(torch.tensor(found.base_colour[:3]), expected, atol=1e-3, rtol=0)


def edit_glb(path, change):
    """Lets `change` edit a GLB's JSON."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    header = json.loads(data[20 : 20 + length])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    total = struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest))
    path.write_bytes(total + struct.pack("<I4s", len(text), b"JSON") + text + rest)


@pytest.mark.parametrize("generator", ["https://github.com/mikedh/trimesh", "Some Other Tool"])
def test_vertex_colours_of_glb_count_light_unless_trimesh_wrote_them(tmp_path, generator):
    """glTF rules linear; trimesh writes its sRGB bytes as they are."""
    bytes_ = np.array([[200, 100, 50, 255]] * 8, np.uint8)
    cube = trimesh.creation.box()
    trimesh.Trimesh(cube.vertices, cube.faces, vertex_colors=bytes_).export(tmp_path / "box.glb")
    edit_glb(tmp_path / "box.glb", lambda header: header["asset"].update(generator=generator))
    expected = torch.tensor([200, 100, 50]) / 255
    if "trimesh" not in generator:
        expected = srgb_from_linear(expected)
    found = read_mesh(tmp_path / "box.glb").colours
    torch.testing.assert_close(found[:, :3], expected.expand(8, 3))


def test_ply_keeps_vertex_colours_and_texture_coordinates(tmp_path):
    cube = trimesh.creation.box()
    colours = np.random.default_rng(0).integers(0, 256, (8, 4), dtype=np.uint8)
    trimesh.Trimesh(cube.vertices, cube.faces, vertex_colors=colours).export(tmp_path / "box.ply")
    found = read_mesh(tmp_path / "box.ply")
    assert watertight(found)
    torch.testing.assert_close(found.vertices, torch.from_numpy(cube.vertices.copy()))
    torch.testing.assert_close(found.colours, torch.from_numpy(colours) / 255)


def test_ply_face_colours_stay_on_their_faces(tmp_path):
    cube = trimesh.creation.box()
    colours = np.random.default_rng(0).integers(0, 256, (12, 4), dtype=np.uint8)
    cube.visual.face_colors = colours
    cube.export(tmp_path / "box.ply")
    found = read_mesh(tmp_path / "box.ply")
    assert watertight(found)
    expected = (torch.from_numpy(colours) / 255)[:, None].expand(12, 3, 4)
    torch.testing.assert_close(found.colours[found.faces], expected)


def test_ply_texture_is_found_beside_it(tmp_path):
    Image.fromarray((checkers() * 255).round().to(torch.uint8).numpy()).save(tmp_path / "wood.png")
    text = """ply
format ascii 1.0
comment TextureFile wood.png
element vertex 3
property float x
property float y
property float z
property float s
property float t
element face 1
property list uchar int vertex_indices
end_header
0 0 0 0 0
1 0 0 2.5 0
0 1 0 0 -1.5
3 0 1 2
"""
    (tmp_path / "triangle.ply").write_text(text)
    found = read_mesh(tmp_path / "triangle.ply")
    torch.testing.assert_close(found.materials[0].texture, checkers())
    expected = torch.tensor([[0.0, 1.0], [2.5, 1.0], [0.0, 2.5]])
    torch.testing.assert_close(found.uv[found.faces[0]], expected)


def obj_triangle(tmp_path, mtl):
    Image.fromarray((checkers(True) * 255).round().to(torch.uint8).numpy()).save(
        tmp_path / "a b.png"
    )
    (tmp_path / "a.mtl").write_text(mtl)
    text = "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 2 0\nvt 0 3\nusemtl m\n"
    (tmp_path / "a.obj").write_text(text + "f 1/1 2/2 3/3\n")
    return read_mesh(tmp_path / "a.obj")


@pytest.mark.parametrize(
    ("mtl", "colour"),
    [
        ("newmtl m\nKd 0.5 0.25 0.125\n", (0.5, 0.25, 0.125, 1.0)),
        ("newmtl m\nmap_Kd a b.png\n", (1.0, 1.0, 1.0, 1.0)),
        ("newmtl m\nKd 0 0 0\nmap_Kd a b.png\n", (1.0, 1.0, 1.0, 1.0)),
        ("newmtl m\nKd 0 0 0\n", (0.0, 0.0, 0.0, 1.0)),
        ("newmtl other\nKd 0.5 0.5 0.5\n", (1.0, 1.0, 1.0, 1.0)),
    ],
)
def test_mtl_colours_are_taken_as_programs_take_them(tmp_path, mtl, colour):
    found = obj_triangle(tmp_path, mtl).materials[0]
    assert found.base_colour == colour
    assert (found.texture is not None) == ("map_Kd" in mtl)


def test_only_map_d_makes_an_mtl_texture_a_cut_out(tmp_path):
    opaque = obj_triangle(tmp_path, "newmtl m\nmap_Kd a b.png\n")
    cut = obj_triangle(tmp_path, "newmtl m\nmap_Kd a b.png\nmap_d a b.png\n")
    assert opaque.materials[0].alpha_cutoff is None
    assert cut.materials[0].alpha_cutoff == 0.5


def test_an_obj_of_quads_without_materials_is_read_white(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 9 9 9\nf 1 2 3 4\n"
    (tmp_path / "quad.obj").write_text(text)
    found = read_mesh(tmp_path / "quad.obj")
    assert len(found.faces) == 2
    assert found.bounds.tolist() == [[0, 0, 0], [1, 1, 0]]  # the unused vertex is left out
    assert (found.colours == 1).all()


def test_gltf_with_its_buffers_beside_it_is_read(tmp_path):
    for name, data in trimesh.exchange.gltf.export_gltf(
        trimesh.Scene(trimesh.creation.box())
    ).items():
        (tmp_path / name).write_bytes(data)
    assert watertight(read_mesh(tmp_path / "model.gltf"))


OBJ = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
PLY_POINTS = "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\n\
property float z\nend_header\n0 0 0\n"


def box_glb():
    return trimesh.Scene(trimesh.creation.box()).export(file_type="glb")


BROKEN = {
    "empty.glb": b"",
    "empty.obj": b"",
    "text.glb": b"This is not a mesh at all, it is a sentence.",
    "text.obj": b"This is not a mesh at all, it is a sentence.",
    "text.ply": b"This is not a mesh at all, it is a sentence.",
    "text.gltf": b"[1, 2",
    "list.gltf": b"[1, 2]",
    "cut.glb": box_glb()[:-100],
    "cut-early.glb": box_glb()[:200],
    "no-faces.obj": OBJ.encode(),
    "points.ply": PLY_POINTS.encode(),
    "reach.obj": (OBJ + "f 1 2 9\n").encode(),
    "nan.obj": b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    "infinite.obj": b"v inf 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    "one-point.obj": b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n",
    "far.obj": b"v 0 0 0\nv 1e30 0 0\nv 0 1e30 0\nf 1 2 3\n",
    "mote.obj": b"v 0 0 0\nv 1e-30 0 0\nv 0 1e-30 0\nf 1 2 3\n",
    "mesh.fbx": b"Kaydara FBX Binary",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_mesh_is_refused_in_a_sentence_that_names_it(tmp_path, name):
    (tmp_path / name).write_bytes(BROKEN[name])
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_mesh(tmp_path / name)


def test_a_missing_mesh_is_refused(tmp_path):
    with pytest.raises(InputError, match="no mesh at"):
        read_mesh(tmp_path / "chair.glb")


def test_glb_faces_that_reach_beyond_the_vertices_are_refused(tmp_path):
    (tmp_path / "box.glb").write_bytes(box_glb())

    def shorten(header):
        position = header["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
        header["accessors"][position]["count"] = 3

    edit_glb(tmp_path / "box.glb", shorten)
    with pytest.raises(InputError, match=r"box\.glb must use vertices 0 to 2, they reach"):
        read_mesh(tmp_path / "box.glb")


def test_a_compressed_glb_is_refused_by_the_name_of_its_extension(tmp_path):
    (tmp_path / "box.glb").write_bytes(box_glb())
    extension = "KHR_draco_mesh_compression"
    edit_glb(tmp_path / "box.glb", lambda header: header.update(extensionsRequired=[extension]))
    with pytest.raises(InputError, match=extension):
        read_mesh(tmp_path / "box.glb")


def test_the_srgb_curve_goes_there_and_back():
    """Known values of the standard: 0.5 of sRGB is 0.21404 of light."""
    levels = torch.linspace(0, 1, 256)
    torch.testing.assert_close(srgb_from_linear(linear_from_srgb(levels)), levels)
    torch.testing.assert_close(
        linear_from_srgb(torch.tensor([0.5, 1.0])),
        torch.tensor([0.2140411, 1.0]),
        atol=1e-7,
        rtol=0,
    )


def test_an_obj_and_its_mtl_need_not_be_utf_8(tmp_path):
    (tmp_path / "a.mtl").write_bytes("# Höhe\nnewmtl m\nKd 0.5 0.25 0\n".encode("latin-1"))
    text = "# Höhe\nmtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl m\nf 1 2 3\n"
    (tmp_path / "a.obj").write_bytes(text.encode("latin-1"))
    assert read_mesh(tmp_path / "a.obj").materials[0].base_colour == (0.5, 0.25, 0.0, 1.0)


def test_a_texture_transform_that_is_left_out_is_said(tmp_path, caplog):
    (tmp_path / "box.glb").write_bytes(box_glb())
    extension = "KHR_texture_transform"
    edit_glb(tmp_path / "box.glb", lambda header: header.update(extensionsUsed=[extension]))
    assert len(read_mesh(tmp_path / "box.glb").faces) == 12
    assert extension in caplog.text
