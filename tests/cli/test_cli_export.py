"""`reparo export`, and what `align --export` leaves, on a tiny scene."""

import json
import struct

import pytest
import torch
import trimesh

from reparo.files.layout_json import read_layout
from reparo.files.meshes import read_mesh
from reparo.files.stored import read_result

QUICK = ("--set", "align.match_rounds=1", "--set", "align.polish_rounds=1", "--quiet")


def header_of(path):
    data = path.read_bytes()
    return json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])


def corners(path):
    return torch.tensor(trimesh.load_scene(path).bounds)


def test_a_result_is_exported_at_once_and_later_and_stands_in_the_same_place(
    reparo, scene, tmp_path
):
    out = tmp_path / "out"
    code, printed, error = reparo("align", scene, "-o", out, "--export", "glb,obj", *QUICK)
    assert code == 0, error
    files = [out / "export" / name for name in ("scene.glb", "obj/scene.obj")]
    assert printed.split()[-2:] == [str(file) for file in files]
    world = corners(out / "scene.glb")
    for file in files:
        torch.testing.assert_close(corners(file), world, atol=1e-5, rtol=0)

    assert header_of(out / "scene.glb")["asset"]["extras"] == {"unit": "unknown", "ground_y": None}
    found = read_result(out)  # `align` keeps no meshes but those in scene.glb
    pose, own = found.scene.layout[0], read_mesh(scene / "box.glb")
    expected = read_layout(out / "layout.json").solution.layout[0].apply(own.vertices)
    there = pose.apply(found.scene.meshes[0].vertices)
    assert torch.cdist(expected.to(there), there).amin(1).max() < 1e-5
    assert found.scene.camera.size == (48, 64) and found.photo is None

    code, _, error = reparo("export", out, "--backdrop")
    assert code == 2 and "--photo" in error
    beside = tmp_path / "beside"
    code, printed, error = reparo(
        *("export", out, "-o", beside, "--backdrop", "--photo", scene / "image.png", "--quiet")
    )
    assert code == 0, error
    assert printed.split() == [str(beside / "scene.glb")]
    assert "backdrop" in trimesh.load_scene(beside / "scene.glb").graph.nodes
    code, _, error = reparo("export", out, "-o", out)
    assert code == 2 and "part of a result" in error

    (tmp_path / "batch.html").write_text("")  # as `scenes/*` has it after a batch
    code, printed, error = reparo("export", tmp_path / "batch.html", out, "--to", "obj")
    assert code == 0 and "left out: " in error and "batch.html is none" in error
    assert printed.split() == [str(out / "export/obj/scene.obj")]
    code, _, error = reparo("export", tmp_path / "batch.html", tmp_path / "none")
    assert code == 2 and "none of these 2" in error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--export", "glb,fbx"), "got 'fbx'"),
        (("--simplify", "500"), "add --export glb"),
        (("--export", "glb", "--simplify", "3"), "at least 12, got 3"),
    ],
)
def test_an_export_that_cannot_be_is_refused_before_the_work(
    reparo, scene, tmp_path, options, words
):
    code, _, error = reparo("align", scene, "-o", tmp_path / "out", *options)
    assert code == 2 and words in error
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_result_is_refused(reparo, tmp_path):
    code, _, error = reparo("export", tmp_path)
    assert code == 2 and "reparo run" in error
