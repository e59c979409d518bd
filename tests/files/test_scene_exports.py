"""Scenes out: what other programs find in scene.glb and scene.obj."""

import json
import math
import struct

import pytest
import torch
import trimesh

from reparo.files.exports import write_scene
from reparo.files.meshes import read_mesh
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


@pytest.fixture
def scene():
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
    pairs = torch.cdist(points, others)
    return max(pairs.amin(0).max().item(), pairs.amin(1).max().item())


def header_of(path):
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
    return json.loads(data[20 : 20 + length])


def test_each_object_is_a_node_of_its_name_in_the_world(tmp_path, scene):
    write_scene(tmp_path / "scene.glb", scene)
    found = trimesh.load_scene(tmp_path / "scene.glb", process=False)
    corners = {name: [] for name in scene.names}
    for node in found.graph.nodes_geometry:
        transform, geometry = found.graph[node]
        points = trimesh.transform_points(found.geometry[geometry].vertices, transform)
        corners[node.split("_")[0]].append(torch.from_numpy(points))  # a node a primitive: NAME_id
    for index, name in enumerate(scene.names):
        assert distance(torch.cat(corners[name]), in_world(scene, index)) < 1e-6
    roots = [node["name"] for node in header_of(tmp_path / "scene.glb")["nodes"]]
    assert roots == ["chair", "camera", "photo_camera"]


@pytest.mark.parametrize("suffix", ["glb", "obj"])
def test_a_scene_read_as_one_mesh_stands_in_the_world(tmp_path, scene, suffix):
    write_scene(tmp_path / f"scene.{suffix}", scene)
    found = read_mesh(tmp_path / f"scene.{suffix}")
    world = torch.cat([in_world(scene, 0), in_world(scene, 1)])
    assert distance(found.vertices, world) < 1e-6
    assert len(found.faces) == 24
    assert sum(material.texture is not None for material in found.materials) == 2
    assert trimesh.Trimesh(found.vertices.numpy(), found.faces.numpy()).is_watertight


def test_the_photos_camera_is_in_the_glb(tmp_path, scene):
    write_scene(tmp_path / "scene.glb", scene)
    header = header_of(tmp_path / "scene.glb")
    (node,) = [node for node in header["nodes"] if "camera" in node]
    lens = header["cameras"][node["camera"]]["perspective"]
    assert lens["yfov"] == pytest.approx(math.radians(40))
    assert lens["aspectRatio"] == pytest.approx(640 / 480)
    x, y, z, w = node["rotation"]
    pose = Similarity(
        torch.tensor([w, x, y, z]), torch.tensor(node["translation"]), torch.tensor(1.0)
    )
    points = torch.randn(5, 3)
    expected = scene.camera.world_from_camera.apply(points)
    torch.testing.assert_close(pose.apply(points), expected)


def test_materials_are_rough_and_seen_from_both_sides(tmp_path, scene):
    write_scene(tmp_path / "scene.glb", scene)
    for material in header_of(tmp_path / "scene.glb")["materials"]:
        assert material["doubleSided"]
        assert material["pbrMetallicRoughness"]["metallicFactor"] == 0
        assert material["pbrMetallicRoughness"]["roughnessFactor"] == 1


def test_an_obj_names_its_objects_and_brings_its_textures(tmp_path, scene):
    write_scene(tmp_path / "scene.obj", scene)
    lines = (tmp_path / "scene.obj").read_text().splitlines()
    assert [line for line in lines if line.startswith("o ")] == ["o chair", "o camera"]
    named = [
        line.split()[1]
        for line in (tmp_path / "scene.mtl").read_text().splitlines()
        if line.startswith("map_Kd")
    ]
    assert len(named) == 2
    assert all((tmp_path / name).is_file() for name in named)
    parts = trimesh.load_scene(
        tmp_path / "scene.obj", process=False, group_material=False, split_objects=True
    )
    assert len(parts.geometry) >= 2
