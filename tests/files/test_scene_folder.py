"""scene.json: what is read, and what is refused with a sentence naming file and key."""

import json
import math
import re
import shutil

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from reparo.errors import InputError
from reparo.files.scene_json import SceneFile, SceneObject, read_scene_folder, write_scene_folder
from reparo.scene import Camera, Depth, Mesh, Photo, Region, Similarity

HEIGHT, WIDTH = 6, 8


@pytest.fixture
def folder(tmp_path):
    """A sound scene of two objects in a folder that the test may spoil."""
    folder = tmp_path / "scene"
    for name in ("objects", "masks"):
        (folder / name).mkdir(parents=True)
    Image.new("RGB", (WIDTH, HEIGHT), (10, 20, 30)).save(folder / "image.png")
    for index, name in enumerate(("chair", "lamp_2.b")):
        trimesh.creation.box().export(folder / "objects" / f"{name}.glb")
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[:, index * 4 : index * 4 + 3] = 255
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
    np.save(folder / "depth.npy", np.full((3, 4), 2, np.float32))
    (folder / "scene.json").write_text(json.dumps(sound()))
    return folder


def sound():
    def entry(name):
        return {"name": name, "mesh": f"objects/{name}.glb", "mask": f"masks/{name}.png"}

    return {
        "image": "image.png",
        "camera": {"fov_y_deg": 40.0, "camera_to_world": np.eye(4).tolist()},
        "depth": {"file": "depth.npy", "kind": "metric"},
        "ground": "common",
        "objects": [entry("chair"), entry("lamp_2.b")],
    }


def refusal(folder, change):
    """The sentence for scene.json after `change`."""
    content = sound()
    change(content)
    (folder / "scene.json").write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        read_scene_folder(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_scene_is_read_whole(folder):
    content = sound()
    content["camera"]["camera_to_world"][1][3] = 1.5
    content["objects"][0] |= {"rotation": [0, 0, 3, 0], "translation": [1, 2, 3], "scale": 0.5}
    (folder / "scene.json").write_text(json.dumps(content))
    scene = read_scene_folder(folder)
    assert scene.names == ("chair", "lamp_2.b")
    assert scene.photo.size == scene.camera.size == (HEIGHT, WIDTH)
    assert scene.camera.fov_y_deg == pytest.approx(40)
    assert scene.camera.world_from_camera.translation.tolist() == [0, 1.5, 0]
    assert scene.rotations.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]  # made units; identity
    assert scene.objects[0].translation.tolist() == [1, 2, 3]
    assert (scene.objects[0].scale, scene.objects[1].scale) == (0.5, None)
    assert scene.objects[1].translation is None
    assert scene.objects[1].mesh_path == folder / "objects" / "lamp_2.b.glb"
    assert [int(region.visible.sum()) for region in scene.regions] == [18, 18]
    assert (scene.depth.kind, scene.ground) == ("metric", "common")
    assert scene.observation.regions[1].name == "lamp_2.b"


def test_what_is_optional_may_be_left_out(folder):
    content = sound()
    del content["depth"], content["ground"], content["camera"]["camera_to_world"]
    (folder / "scene.json").write_text(json.dumps(content))
    scene = read_scene_folder(folder)
    assert scene.depth is None
    assert scene.ground is None
    assert scene.camera.world_from_camera.matrix.tolist() == np.eye(3).tolist()


def test_a_pose_with_rounded_digits_is_made_a_rotation(folder):
    content = sound()
    c, s = math.cos(0.3), math.sin(0.3)
    turn = [[round(c, 4), 0, round(s, 4), 0], [0, 1, 0, 0], [round(-s, 4), 0, round(c, 4), 0]]
    content["camera"]["camera_to_world"] = [*turn, [0, 0, 0, 1]]
    (folder / "scene.json").write_text(json.dumps(content))
    found = read_scene_folder(folder).camera.world_from_camera.matrix
    torch.testing.assert_close(found @ found.T, torch.eye(3))
    assert found[0, 2].item() == pytest.approx(s, abs=1e-4)


def test_a_results_folder_is_told_where_its_scene_folder_is(tmp_path, folder):
    with pytest.raises(InputError, match=re.escape(f"in this result is {folder}")):
        read_scene_folder(tmp_path)


def scaled():
    return (np.diag([2.0, 2, 2, 1])).tolist()


def mirrored():
    return np.diag([-1.0, 1, 1, 1]).tolist()


def with_last_row():
    return [*np.eye(4)[:3].tolist(), [0, 0, 1, 1]]


BAD_VALUES = [  # where, what is put there, what the sentence must name
    ("image", 5, "image"),
    ("image", "", "image"),
    ("image", "missing.png", "missing.png"),
    ("image", "scene.json", "scene.json"),
    ("camera", [], "camera"),
    ("camera.fov_y_deg", 0, "fov_y_deg"),
    ("camera.fov_y_deg", 180, "fov_y_deg"),
    ("camera.fov_y_deg", -40.0, "fov_y_deg"),
    ("camera.fov_y_deg", math.nan, "NaN"),
    ("camera.fov_y_deg", True, "fov_y_deg"),
    ("camera.fov_y_deg", "40", "fov_y_deg"),
    ("camera.fov_y_deg", None, "fov_y_deg"),
    ("camera.fov_y_deg", 10**400, "fov_y_deg"),
    ("camera.camera_to_world", scaled(), "camera_to_world"),
    ("camera.camera_to_world", mirrored(), "camera_to_world"),
    ("camera.camera_to_world", with_last_row(), "camera_to_world"),
    ("camera.camera_to_world", np.eye(3).tolist(), "camera_to_world"),
    ("camera.camera_to_world", [[1, 0, 0, "x"]] * 4, "camera_to_world"),
    ("camera.camera_to_world", None, "camera_to_world"),
    ("camera.roll", 3, "roll"),
    ("depth.kind", "meters", "meters"),
    ("depth.kind", ["metric"], "kind"),
    ("depth.file", "missing.npy", "missing.npy"),
    ("depth.unit", "m", "unit"),
    ("depth", "depth.npy", "depth"),
    ("ground", "flat", "flat"),
    ("ground", None, "ground"),
    ("lights", [], "lights"),
    ("objects", [], "objects"),
    ("objects", {}, "objects"),
    ("objects", ["chair"], r"objects[0]"),
    ("objects.0.name", "lamp_2.b", "lamp_2.b"),
    ("objects.0.name", "", "name"),
    ("objects.0.name", 3, "name"),
    ("objects.0.name", ".", "name"),
    ("objects.0.name", "..", "name"),
    ("objects.0.name", "a/b", "a/b"),
    ("objects.0.name", "a b", "a b"),
    ("objects.0.name", "chair\n", "name"),
    ("objects.0.name", "stühl", "stühl"),
    ("objects.0.name", "x" * 300, "name"),
    ("objects.0.mesh", "objects/missing.glb", "missing.glb"),
    ("objects.0.mesh", "image.png", "image.png"),
    ("objects.0.mesh", "../chair.glb", "../chair.glb"),
    ("objects.0.mesh", "objects/../../scene2/chair.glb", "scene2"),
    ("objects.0.mesh", "/etc/passwd", "/etc/passwd"),
    ("objects.0.mesh", "C:\\chair.glb", "chair.glb"),
    ("objects.0.mesh", "\\\\server\\chair.glb", "chair.glb"),
    ("objects.0.mesh", "a\0b", "mesh"),
    ("objects.0.mesh", "x" * 5000, "mesh"),
    ("objects.0.mask", "masks/missing.png", "missing.png"),
    ("objects.0.mask", "objects/chair.glb", "chair.glb"),
    ("objects.0.rotation", [0, 0, 0, 0], "rotation"),
    ("objects.0.rotation", [1, 0, 0], "rotation"),
    ("objects.0.rotation", [1, 0, 0, math.inf], "Infinity"),
    ("objects.0.rotation", [1, 0, 0, False], "rotation"),
    ("objects.0.translation", [1, 2], "translation"),
    ("objects.0.translation", [1, 2, 1e999], "Infinity"),
    ("objects.0.scale", 0, "scale"),
    ("objects.0.scale", -1, "scale"),
    ("objects.0.scale", 1e300, "scale"),
    ("objects.0.scale", 1e-300, "scale"),
    ("objects.0.translation", [1, 2, 1e300], "translation"),
    ("camera.camera_to_world", np.diag([1e308, 1, 1, 1]).tolist(), "camera_to_world"),
    ("objects.0.scale", [1], "scale"),
    ("objects.0.colour", "red", "colour"),
]


@pytest.mark.parametrize(("where", "value", "named"), BAD_VALUES)
def test_a_bad_value_is_refused_by_name(folder, where, value, named):
    def change(content):
        *parents, last = [int(key) if key.isdigit() else key for key in where.split(".")]
        for key in parents:
            content = content[key]
        content[last] = value

    message = refusal(folder, change)
    assert named in message
    assert len(message) < 700


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_a_quaternion_of_any_length_is_normalised(folder, size):
    path = folder / "scene.json"
    content = json.loads(path.read_text())
    content["objects"][0]["rotation"] = [size, 0, 0, size]
    path.write_text(json.dumps(content))
    half = math.sqrt(0.5)
    torch.testing.assert_close(
        read_scene_folder(folder).objects[0].rotation, torch.tensor([half, 0, 0, half])
    )


@pytest.mark.parametrize(
    "where", ["image", "camera", "objects", "camera.fov_y_deg", "depth.file", "depth.kind"]
    + [f"objects.0.{key}" for key in ("name", "mesh", "mask")],
)  # fmt: skip
def test_a_missing_key_is_refused_by_name(folder, where):
    def change(content):
        *parents, last = [int(key) if key.isdigit() else key for key in where.split(".")]
        for key in parents:
            content = content[key]
        del content[last]

    assert f"lacks the key {where.split('.')[-1]!r}" in refusal(folder, change)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        '"scene"',
        "{",
        '{"image": NaN}',
        '{"image": "a", "image": "b"}',
        "[" * 100_000,
        "\ud800",
    ],
)
def test_what_is_no_scene_json_is_refused(folder, text):
    (folder / "scene.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match=r"scene\.json"):
        read_scene_folder(folder)


@pytest.mark.parametrize("missing", ["scene.json", "folder"])
def test_a_missing_scene_is_refused(folder, missing):
    if missing == "folder":
        shutil.rmtree(folder)
    else:
        (folder / "scene.json").unlink()
    with pytest.raises(InputError, match="scene"):
        read_scene_folder(folder)


def test_a_link_that_leaves_the_folder_is_refused(folder, tmp_path):
    shutil.move(folder / "objects" / "chair.glb", tmp_path / "chair.glb")
    (folder / "objects" / "chair.glb").symlink_to(tmp_path / "chair.glb")
    assert "stays in" in refusal(folder, lambda content: None)


def test_a_link_that_stays_in_the_folder_is_followed(folder):
    (folder / "objects" / "chair.glb").unlink()
    (folder / "objects" / "chair.glb").symlink_to("lamp_2.b.glb")
    assert len(read_scene_folder(folder).meshes[0].faces) == 12


def test_a_link_in_a_circle_is_refused(folder):
    (folder / "objects" / "chair.glb").unlink()
    (folder / "objects" / "chair.glb").symlink_to("chair.glb")
    assert "chair.glb" in refusal(folder, lambda content: None)


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (WIDTH * 2, HEIGHT * 2)])
def test_a_mask_without_a_pixel_at_128_or_of_another_size_is_refused(folder, size):
    Image.new("L", size, 127).save(folder / "masks" / "chair.png")
    assert "'chair'" in refusal(folder, lambda content: None)


class Trap:
    """Would be made by unpickling."""

    def __reduce__(self):
        raise AssertionError("the pickle was opened")


@pytest.mark.parametrize(
    "values",
    [
        np.full((3, 4), np.nan, np.float32),
        np.full((3, 4), np.inf, np.float32),
        np.full((3, 4), np.finfo(np.float32).max),  # some write it where nothing is
        np.full((3, 4), -1, np.float32),  # metric depth is above 0
        np.ones((3, 4, 1), np.float32),
        np.ones((0, 4), np.float32),
        np.ones((3, 4), np.complex64),
        np.full((3, 4), "1"),
        np.array([[{}]], dtype=object),
        b"",
        b"not an array",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (9, 9)}",
    ],
)
def test_depth_without_known_numbers_is_refused(folder, values):
    path = folder / "depth.npy"
    if isinstance(values, bytes):
        path.write_bytes(values)
    else:
        np.save(path, values, allow_pickle=True)
    assert "depth.npy" in refusal(folder, lambda content: None)


def test_a_depth_archive_is_refused(folder):
    np.savez(folder / "depth.npz", z=np.ones((3, 4)))
    (folder / "depth.npz").rename(folder / "depth.npy")
    assert ".npz" in refusal(folder, lambda content: None)


@pytest.mark.parametrize("kind", ["f4", "f8", ">f4", "f2", "u2", "i4"])
def test_depth_of_any_number_type_is_read(folder, kind):
    values = np.array([[1, 2], [3, 4]]).astype(kind)
    np.save(folder / "depth.npy", values)
    assert read_scene_folder(folder).depth.values.tolist() == [[1, 2], [3, 4]]


def some_scene():
    cube = trimesh.creation.box()
    mesh = Mesh.plain(torch.from_numpy(cube.vertices.copy()), torch.from_numpy(cube.faces.copy()))
    values = np.array([[1.5, np.nan], [2.5, np.inf]], np.float32)
    pose = Similarity(
        torch.tensor([0.6, 0.0, 0.8, 0.0]), torch.tensor([0.1, 1.2, 3.0]), torch.tensor(1.0)
    )
    masks = [torch.rand(HEIGHT, WIDTH) > 0.5 for _ in range(2)]
    return SceneFile(
        Photo(torch.randint(0, 256, (HEIGHT, WIDTH, 3)) / 255),
        Camera.from_fov(33.0, (HEIGHT, WIDTH), pose),
        (
            SceneObject("chair", mesh, Region("chair", masks[0]), torch.tensor([1.0, 0, 0, 0])),
            SceneObject(
                "lamp", mesh, Region("lamp", masks[1]), torch.tensor([0.6, 0.8, 0, 0]),
                translation=torch.tensor([1.0, 2, 3]), scale=0.25,
            ),
        ),
        Depth.from_array(values, "scale"),
        "supported",
    )  # fmt: skip


def test_a_written_scene_reads_back_the_same(tmp_path):
    scene = some_scene()
    whole = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    write_scene_folder(tmp_path / "out", scene, {"lamp": whole})
    found = read_scene_folder(tmp_path / "out")
    torch.testing.assert_close(found.photo.rgb, scene.photo.rgb)
    assert found.camera.fov_y_deg == pytest.approx(33.0)
    points = torch.randn(4, 3)
    torch.testing.assert_close(
        found.camera.world_from_camera.apply(points), scene.camera.world_from_camera.apply(points)
    )
    assert found.depth.known.tolist() == scene.depth.known.tolist()
    assert found.depth.values.tolist() == scene.depth.values.tolist()
    assert (found.depth.kind, found.ground) == ("scale", "supported")
    for one, other in zip(found.objects, scene.objects, strict=True):
        assert one.name == other.name
        assert torch.equal(one.region.visible, other.region.visible)
        torch.testing.assert_close(one.rotation, other.rotation)
        assert torch.equal(one.mesh.vertices[one.mesh.faces], other.mesh.vertices[other.mesh.faces])
    assert found.objects[1].translation.tolist() == [1, 2, 3]
    assert [item.scale for item in found.objects] == [None, 0.25]
    completed = {name: np.asarray(Image.open(tmp_path / "out" / "full_masks" / f"{name}.png")) > 0
                 for name in scene.names}  # fmt: skip
    assert completed["lamp"].all()
    assert (completed["chair"] == scene.regions[0].visible.numpy()).all()


def test_a_scene_without_depth_writes_neither_depth_nor_full_masks(tmp_path):
    scene = some_scene()
    bare = SceneFile(scene.photo, scene.camera, scene.objects)
    write_scene_folder(tmp_path / "out", bare)
    assert read_scene_folder(tmp_path / "out").depth is None
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "image.png", "masks", "objects", "scene.json",
    ]  # fmt: skip
