"""Scenes out: what other programs find in scene.glb and scene.obj."""

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from small_scenes import distance, header_of, in_world, two_boxes

from reparo.errors import InputError
from reparo.files.exports import chosen_formats, write_exports
from reparo.files.meshes import read_mesh
from reparo.files.scene_glb import write_scene_glb
from reparo.files.staging import Dress, World, stage
from reparo.scene import Photo, Similarity

VALIDATOR = Path(__file__).parents[2] / ".venv/gltf-validator/node_modules/gltf-validator"
VALIDATE = """
const validator = require(process.argv[1]), fs = require('fs');
(async () => {
  const found = {};
  for (const file of process.argv.slice(2)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));
    found[file] = report.issues.messages.filter((one) => one.severity < 2);
  }
  console.log(JSON.stringify(found));
})();
"""


@pytest.fixture
def scene():
    return two_boxes()


@pytest.fixture
def photo():
    return Photo(torch.rand(480, 640, 3))


def glb(folder, scene, world=None, dress=None):
    write_scene_glb(folder / "scene.glb", stage(scene, world, dress))
    return folder / "scene.glb"


def nodes_of(path):
    return {node["name"]: node for node in header_of(path)["nodes"]}


def pose_of(node):
    x, y, z, w = node["rotation"]
    scale = node.get("scale", [1.0])[0]
    return Similarity(
        torch.tensor([w, x, y, z]), torch.tensor(node["translation"]), torch.tensor(scale)
    )


def test_each_object_is_a_node_of_its_name_in_the_world(tmp_path, scene):
    found = trimesh.load_scene(glb(tmp_path, scene), process=False)
    corners = {name: [] for name in scene.names}
    for node in found.graph.nodes_geometry:
        transform, geometry = found.graph[node]
        points = trimesh.transform_points(found.geometry[geometry].vertices, transform)
        corners[node.split("_")[0]].append(torch.from_numpy(points))  # a node a primitive: NAME_id
    for index, name in enumerate(scene.names):
        assert distance(torch.cat(corners[name]), in_world(scene, index)) < 1e-6
    roots = [node["name"] for node in header_of(tmp_path / "scene.glb")["nodes"]]
    assert roots == ["chair", "camera", "photo_camera"]


def test_a_second_reader_finds_the_same_world(tmp_path, scene):
    pygltflib = pytest.importorskip("pygltflib")
    file = pygltflib.GLTF2().load(glb(tmp_path, scene))
    blob = file.binary_blob()
    for index, name in enumerate(scene.names):
        (node,) = [node for node in file.nodes if node.name == name and node.mesh is not None]
        points = []
        for primitive in file.meshes[node.mesh].primitives:
            accessor = file.accessors[primitive.attributes.POSITION]
            view = file.bufferViews[accessor.bufferView]
            values = np.frombuffer(blob, "<f4", accessor.count * 3, view.byteOffset)
            points.append(torch.from_numpy(values.reshape(-1, 3).astype(float)))
        x, y, z, w = node.rotation
        pose = Similarity(
            torch.tensor([w, x, y, z]), torch.tensor(node.translation), torch.tensor(node.scale[0])
        )
        assert distance(pose.apply(torch.cat(points)), in_world(scene, index)) < 1e-6


def test_an_objects_pivot_is_its_foot(tmp_path, scene):
    nodes = nodes_of(glb(tmp_path, scene))
    for index, name in enumerate(scene.names):
        points = in_world(scene, index)
        middle = (points.amin(0) + points.amax(0)) / 2
        foot = torch.stack([middle[0], points[:, 1].min(), middle[2]])
        torch.testing.assert_close(torch.tensor(nodes[name]["translation"]), foot)


@pytest.mark.parametrize("suffix", ["glb", "obj"])
def test_a_scene_read_as_one_mesh_stands_in_the_world(tmp_path, scene, suffix):
    (path,) = write_exports(tmp_path, [suffix], stage(scene))
    found = read_mesh(path)
    world = torch.cat([in_world(scene, 0), in_world(scene, 1)])
    assert distance(found.vertices, world) < 1e-6
    assert len(found.faces) == 24
    assert sum(material.texture is not None for material in found.materials) == 2
    assert trimesh.Trimesh(found.vertices.numpy(), found.faces.numpy()).is_watertight


def test_the_photos_camera_is_in_the_glb(tmp_path, scene):
    header = header_of(glb(tmp_path, scene))
    (node,) = [node for node in header["nodes"] if "camera" in node]
    lens = header["cameras"][node["camera"]]["perspective"]
    assert lens["yfov"] == pytest.approx(math.radians(40))
    assert lens["aspectRatio"] == pytest.approx(640 / 480)
    assert node["extras"] == {"photo_size": [640, 480]}
    points = torch.randn(5, 3)
    expected = scene.camera.world_from_camera.apply(points)
    torch.testing.assert_close(pose_of(node).apply(points), expected)


def test_what_is_known_of_the_world_is_said(tmp_path, scene):
    extras = header_of(glb(tmp_path, scene, World(metric=True, ground=0.0)))["asset"]["extras"]
    assert extras == {"unit": "metre", "ground_y": 0.0}
    extras = header_of(glb(tmp_path, scene))["asset"]["extras"]
    assert extras == {"unit": "unknown", "ground_y": None}


def test_materials_are_rough_and_seen_from_both_sides(tmp_path, scene):
    for material in header_of(glb(tmp_path, scene))["materials"]:
        assert material["doubleSided"]
        assert material["pbrMetallicRoughness"]["metallicFactor"] == 0
        assert material["pbrMetallicRoughness"]["roughnessFactor"] == 1
        assert "extensions" not in material


def test_the_backdrop_fills_the_view_behind_everything(tmp_path, scene, photo):
    path = glb(tmp_path, scene, dress=Dress(backdrop=photo, ground_plane=True))
    header, node = header_of(path), nodes_of(path)["backdrop"]
    staged = stage(scene, dress=Dress(backdrop=photo, ground_plane=True))
    *others, screen = staged.pieces
    assert screen.name == "backdrop"
    torch.testing.assert_close(pose_of(node).translation, screen.pose.translation)
    pixels, z = scene.camera.project(screen.in_world)
    corners = torch.tensor([[0.0, 480.0], [640.0, 480.0], [640.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(pixels, corners, atol=1e-6, rtol=0)  # texture's too, in that order
    torch.testing.assert_close(screen.mesh.uv, corners / torch.tensor([640.0, 480.0]))
    farthest = max(scene.camera.project(piece.in_world)[1].max() for piece in others)
    assert (z > farthest).all()
    (primitive,) = header["meshes"][node["mesh"]]["primitives"]
    assert "KHR_materials_unlit" in header["materials"][primitive["material"]]["extensions"]
    assert header["extensionsUsed"] == ["KHR_materials_unlit"]


@pytest.mark.parametrize("ground", [None, -3.0])
def test_the_ground_plane_lies_under_everything(scene, ground):
    *objects, plane = stage(scene, World(ground=ground), Dress(ground_plane=True)).pieces
    points = torch.cat([piece.in_world for piece in objects])
    height = points[:, 1].min() if ground is None else torch.tensor(ground)
    torch.testing.assert_close(plane.in_world[:, 1], height.expand(4))
    assert (plane.in_world[:, [0, 2]].amin(0) < points[:, [0, 2]].amin(0)).all()
    assert (plane.in_world[:, [0, 2]].amax(0) > points[:, [0, 2]].amax(0)).all()
    a, b, c = plane.in_world[plane.mesh.faces[0]]
    assert torch.linalg.cross(b - a, c - a)[1] > 0  # faces up


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run the validator")
@pytest.mark.skipif(not VALIDATOR.is_dir(), reason="`make validator` brings gltf-validator")
def test_the_khronos_validator_has_no_error_and_no_warning(tmp_path, scene, photo):
    dresses = [Dress(), Dress(backdrop=photo, ground_plane=True), Dress(unlit=True)]
    for index, dress in enumerate(dresses):
        (tmp_path / str(index)).mkdir()
        glb(tmp_path / str(index), scene, World(ground=0.0), dress)
    files = sorted(map(str, tmp_path.rglob("scene.glb")))
    command = ["node", "-e", VALIDATE, str(VALIDATOR), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {file: [] for file in files}
    assert len(files) == len(dresses)


def test_an_obj_names_its_objects_and_brings_its_textures(tmp_path, scene):
    (path,) = write_exports(tmp_path, ["obj"], stage(scene))
    lines = path.read_text().splitlines()
    assert [line for line in lines if line.startswith("o ")] == ["o chair", "o camera"]
    named = [
        line.split()[1]
        for line in path.with_suffix(".mtl").read_text().splitlines()
        if line.startswith("map_Kd")
    ]
    assert len(named) == 2
    assert all((path.parent / name).is_file() for name in named)
    parts = trimesh.load_scene(path, process=False, group_material=False, split_objects=True)
    assert len(parts.geometry) >= 2


def test_a_format_that_is_none_and_a_folder_of_others_are_refused(tmp_path, scene):
    with pytest.raises(InputError, match="got 'fbx'"):
        chosen_formats("glb,fbx")
    (tmp_path / "obj").mkdir()
    (tmp_path / "obj" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other"):
        write_exports(tmp_path, ["obj"], stage(scene))
    with pytest.raises(InputError, match="at least 12, got 3"):
        stage(scene, dress=Dress(simplify=3))
