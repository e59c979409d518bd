"""`reparo align`: its results, and an exit code for each thing that can be wrong."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from reparo.files.layout_json import read_layout


def is_refused(result, out) -> str:
    """Exit 2, one sentence, no traceback, nothing left; the sentence."""
    code, printed, error = result
    assert code == 2
    assert not printed
    assert error.startswith("reparo: ") and error.count("\n") == 1
    assert "Traceback" not in error
    assert not out.exists()
    assert [path for path in out.parent.iterdir() if path.name.startswith(".")] == []
    return error


def test_align_leaves_a_layout_a_scene_and_a_preview_and_replaces_an_earlier_result(
    reparo, scene, tmp_path
):
    out = tmp_path / "out"
    code, printed, _ = reparo("align", scene, "-o", out)
    assert code == 0
    results = ("report.html", "scene.glb", "layout.json", "preview.png", "alignment.gif")
    assert printed.split() == [str(out / name) for name in results]
    first = read_layout(out / "layout.json")
    assert first.names == ("box",)
    assert "box" in trimesh.load_scene(out / "scene.glb").graph.nodes_geometry
    with Image.open(out / "preview.png") as preview:
        assert preview.width > 64
    (out / "old.txt").write_text("")
    assert reparo("align", scene, "-o", out)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(results)
    report = (out / "report.html").read_text(encoding="utf-8")
    assert '"step":"polish"' in report and "Cut out of the photo" in report
    again = read_layout(out / "layout.json")  # the same seed: the same numbers
    assert again.solution.layout.translation.tolist() == first.solution.layout.translation.tolist()


def test_align_does_not_replace_a_folder_that_is_no_result(reparo, scene, tmp_path):
    out = tmp_path / "precious"
    out.mkdir()
    (out / "thesis.txt").write_text("")
    code, _, error = reparo("align", scene, "-o", out)
    assert code == 2 and "precious" in error
    assert (out / "thesis.txt").exists()


def test_align_does_not_replace_its_own_input(reparo, scene):
    before = sorted(path.name for path in scene.rglob("*"))
    assert reparo("align", scene, "-o", scene)[0] == 2
    assert reparo("align", scene, "-o", scene.parent)[0] == 2
    assert sorted(path.name for path in scene.rglob("*")) == before


@pytest.mark.parametrize(
    "changes, of_object",
    [
        ({"image": "no.png"}, {}),
        ({"surprise": 1}, {}),
        ({"camera": None}, {}),
        ({"camera": {"fov_y_deg": 0}}, {}),
        ({"camera": {"fov_y_deg": 180}}, {}),
        ({"camera": {"fov_y_deg": "wide"}}, {}),
        ({"camera": {"fov_y_deg": 40, "camera_to_world": [[1, 0], [0, 1]]}}, {}),
        ({"camera": {"fov_y_deg": 40, "camera_to_world": (2 * np.eye(4)).tolist()}}, {}),
        ({"objects": []}, {}),
        ({"ground": "wet"}, {}),
        ({"depth": {"file": "no.npy", "kind": "metric"}}, {}),
        ({"depth": {"file": "image.png", "kind": "rough"}}, {}),
        ({}, {"name": "a/b"}),
        ({}, {"name": ".."}),
        ({}, {"mesh": "no.glb"}),
        ({}, {"mesh": "image.png"}),
        ({}, {"mesh": "../photo.png"}),
        ({}, {"mask": "masks/no.png"}),
        ({}, {"rotation": [0, 0, 0, 0]}),
        ({}, {"scale": -1}),
        ({}, {"colour": "red"}),
    ],
)
def test_a_wrong_scene_is_refused(reparo, scene, rewrite, tmp_path, changes, of_object):
    rewrite(changes, of_object)
    is_refused(reparo("align", scene, "-o", tmp_path / "out"), tmp_path / "out")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"objects": NaN}'])
def test_a_scene_json_that_is_none_is_refused(reparo, scene, tmp_path, content):
    (scene / "scene.json").write_text(content)
    is_refused(reparo("align", scene, "-o", tmp_path / "out"), tmp_path / "out")


@pytest.mark.parametrize("file", ["scene.json", "image.png", "box.glb", "masks/box.png"])
def test_a_missing_an_empty_and_a_cut_file_are_refused(reparo, scene, tmp_path, file):
    content = (scene / file).read_bytes()
    out = tmp_path / "out"
    for spoilt in (content[: len(content) // 2], b""):
        (scene / file).write_bytes(spoilt)
        is_refused(reparo("align", scene, "-o", out), out)
    (scene / file).unlink()
    assert file.rpartition("/")[2] in is_refused(reparo("align", scene, "-o", out), out)


@pytest.mark.parametrize(
    "mask", [np.full((47, 64), 255, np.uint8), np.full((48, 64), 127, np.uint8)]
)
def test_a_mask_of_another_size_or_without_a_pixel_is_refused(reparo, scene, tmp_path, mask):
    Image.fromarray(mask).save(scene / "masks" / "box.png")
    error = is_refused(reparo("align", scene, "-o", tmp_path / "out"), tmp_path / "out")
    assert "box" in error


@pytest.mark.parametrize(
    "values", [np.full((4, 4), np.nan), np.zeros((4, 4)), np.array([[{}]], dtype=object)]
)
def test_depth_without_a_known_pixel_or_with_objects_is_refused(
    reparo, scene, rewrite, tmp_path, values
):
    np.save(scene / "z.npy", values, allow_pickle=True)
    rewrite({"depth": {"file": "z.npy", "kind": "metric"}})
    is_refused(reparo("align", scene, "-o", tmp_path / "out"), tmp_path / "out")


def test_twin_names_are_refused(reparo, scene, rewrite, tmp_path):
    item = {"name": "box", "mesh": "box.glb", "mask": "masks/box.png"}
    rewrite({"objects": [item, item]})
    is_refused(reparo("align", scene, "-o", tmp_path / "out"), tmp_path / "out")


@pytest.mark.parametrize(
    "option", [("--method", "best"), ("--free", "wings"), ("--free", ""), ("--device", "mps")]
)
def test_what_cannot_be_done_is_refused(reparo, scene, tmp_path, option):
    is_refused(reparo("align", scene, "-o", tmp_path / "out", *option), tmp_path / "out")


def test_usage_errors_exit_2(reparo, scene):
    assert reparo("align", scene)[0] == 2
    assert reparo("align", scene, "-o", "out", "--fast")[0] == 2
    assert reparo("fly")[0] == 2
    assert reparo()[0] == 2
