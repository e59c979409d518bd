"""layout.json: the contract's keys, and the way back."""

import json
import math

import pytest
import torch

from reparo.errors import InputError
from reparo.files.layout_json import read_layout, write_layout
from reparo.scene import Camera, Mesh, ObjectReport, Scene, Similarity, Solution


def solved(**report):
    pose = Similarity(
        torch.tensor([0.6, 0.0, 0.8, 0.0]), torch.tensor([0.1, 1.2, 3.0]), torch.tensor(1.0)
    )
    mesh = Mesh.plain(torch.eye(3), torch.tensor([[0, 1, 2]]))
    layout = Similarity(
        torch.tensor([[1.0, 0, 0, 0], [0, 0.6, 0, 0.8]]),
        torch.tensor([[0.1, 0.2, -3.0], [1.0, 2.0, -5.0]]),
        torch.tensor([0.5, 2.0]),
    )
    start = Similarity.identity(2)
    camera = Camera.from_fov(40.0, (480, 640), pose)
    scene = Scene(("chair", "lamp"), (mesh, mesh), start, camera)
    reports = (
        ObjectReport({"pixels": 0.1}, {"match": 0.9}, penetration=0.01, gap=-0.02),
        ObjectReport(**({"losses": {}, "confidence": {}} | report)),
    )
    return scene, Solution(layout, "fast", "it converged", {"place": 0.1, "match": 1.5}, reports)


def test_layout_json_has_the_keys_of_the_contract(tmp_path):
    write_layout(tmp_path / "layout.json", *solved())
    found = json.loads((tmp_path / "layout.json").read_text())
    assert set(found) == {"camera", "method", "stopped", "seconds", "objects"}
    assert set(found["camera"]) == {"fov_y_deg", "camera_to_world"}
    assert found["camera"]["camera_to_world"][1] == pytest.approx([0, 1, 0, 1.2])
    assert found["seconds"] == {"place": 0.1, "match": 1.5}
    assert found["objects"][0] == {
        "name": "chair",
        "translation": pytest.approx([0.1, 0.2, -3.0]),
        "rotation": [1, 0, 0, 0],
        "scale": 0.5,
        "losses": {"pixels": 0.1},
        "confidence": {"match": 0.9},
        "penetration": 0.01,
        "gap": -0.02,
    }


def test_a_layout_comes_back_as_written(tmp_path):
    scene, solution = solved()
    write_layout(tmp_path / "layout.json", scene, solution)
    found = read_layout(tmp_path / "layout.json")
    assert found.names == scene.names
    points = torch.randn(2, 4, 3)
    torch.testing.assert_close(found.solution.layout.apply(points), solution.layout.apply(points))
    assert found.solution.seconds == solution.seconds
    assert found.solution.objects == solution.objects
    camera = found.camera((480, 640))
    torch.testing.assert_close(camera.project(points[0]), scene.camera.project(points[0]))


def test_no_nan_gets_into_the_file(tmp_path):
    report = {"losses": {"depth": math.nan, "pixels": 0.3}, "confidence": {"match": math.inf},
              "penetration": math.nan, "gap": -math.inf}  # fmt: skip
    write_layout(tmp_path / "layout.json", *solved(**report))
    found = read_layout(tmp_path / "layout.json").solution.objects[1]
    assert found == ObjectReport({"pixels": 0.3}, {}, 0.0, 0.0)


def test_a_pose_that_is_not_finite_is_never_written(tmp_path):
    scene, solution = solved()
    solution.layout.translation[0, 0] = math.nan
    with pytest.raises(ValueError, match="JSON"):
        write_layout(tmp_path / "layout.json", scene, solution)
    assert not (tmp_path / "layout.json").exists()


@pytest.mark.parametrize(
    ("where", "value", "named"),
    [
        ("camera", None, "camera"),
        ("camera.fov_y_deg", 200, "fov_y_deg"),
        ("seconds", [1], "seconds"),
        ("seconds.place", {"a": 1}, "seconds.place"),
        ("method", 3, "method"),
        ("objects", [], "objects"),
        ("objects.0.name", "lamp", "lamp"),
        ("objects.0.name", "a/b", "a/b"),
        ("objects.0.scale", 0, "scale"),
        ("objects.0.rotation", [0, 0, 0, 0], "rotation"),
        ("objects.1.losses", {"pixels": "low"}, "losses.pixels"),
        ("objects.1.gap", "none", "gap"),
    ],
)
def test_a_bad_layout_is_refused_by_name(tmp_path, where, value, named):
    path = tmp_path / "layout.json"
    write_layout(path, *solved())
    content = json.loads(path.read_text())
    target = content
    *parents, last = [int(key) if key.isdigit() else key for key in where.split(".")]
    for key in parents:
        target = target[key]
    target[last] = value
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"layout\.json") as caught:
        read_layout(path)
    assert named in str(caught.value)


def test_keys_of_other_programs_are_passed_over(tmp_path):
    path = tmp_path / "layout.json"
    write_layout(path, *solved())
    content = json.loads(path.read_text()) | {"note": "mine"}
    path.write_text(json.dumps(content))
    assert read_layout(path).names == ("chair", "lamp")
