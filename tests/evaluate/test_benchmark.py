import json

import pytest
import torch

from reparo import registry
from reparo.errors import InputError
from reparo.evaluate import benchmark
from reparo.evaluate.folder import evaluate_folder
from reparo.evaluate.made_up import full_masks, made_up_scene
from reparo.evaluate.truth import Truth, read_truth, write_truth
from reparo.files.layout_json import write_layout
from reparo.files.scene_json import read_scene_folder
from reparo.scene import ObjectReport, Scene, Similarity, Solution


@pytest.fixture
def render():
    return registry.create("render", "torch")


@pytest.fixture
def truth(tmp_path, render):
    scene, seen = made_up_scene(1, render, objects=2, size=(64, 64), light=0.0)
    write_truth(tmp_path / "truth", Truth(scene, seen, (1, 1)), full_masks(scene, render))
    return read_truth(tmp_path / "truth")


def answer(folder, scene, layout=None):
    """Writes a layout.json as `align` does."""
    folder.mkdir(parents=True, exist_ok=True)
    layout = scene.layout if layout is None else layout
    reports = tuple(ObjectReport({}, {}) for _ in scene.names)
    solution = Solution(layout, "given", "nothing was solved", {}, reports)
    write_layout(folder / "layout.json", scene, solution)


def test_a_truth_folder_comes_back_as_it_was(tmp_path, render):
    scene, seen = made_up_scene(1, render, objects=2, size=(64, 64))
    write_truth(tmp_path, Truth(scene, seen, (1, 3)), full_masks(scene, render))
    back = read_truth(tmp_path)
    assert back.scene.names == scene.names and back.yaw_symmetry == (1, 3)
    torch.testing.assert_close(back.scene.layout.translation, scene.layout.translation)
    torch.testing.assert_close(back.scene.layout.wxyz, scene.layout.wxyz)
    assert all(
        torch.equal(a.visible, b.visible)
        for a, b in zip(back.observation.regions, seen.regions, strict=True)
    )


def test_the_truth_as_an_answer_has_no_errors(tmp_path, truth, render):
    answer(tmp_path / "out", truth.scene)
    for score in evaluate_folder(tmp_path / "out", tmp_path / "truth", render):
        assert score.pose.add < 1e-9 and score.pose.reproj < 1e-6
        assert score.picture.mask_iou > 0.99


def test_an_answer_in_another_world_counts_as_seen_from_its_camera(tmp_path, truth, render):
    """`run` chooses its own world; only where objects stand before the camera can be right."""
    moved = Similarity(
        torch.nn.functional.normalize(torch.tensor([1.0, 0.2, -0.5, 0.1]), dim=0),
        torch.tensor([3.0, -1.0, 2.0]),
        torch.tensor(1.0),
    )
    scene = truth.scene
    parts = [moved @ scene.layout[i] for i in range(2)]
    pose = moved @ scene.camera.world_from_camera
    camera = type(scene.camera)(scene.camera.focal, scene.camera.size, pose.inverse())
    other = Scene(scene.names, scene.meshes, Similarity.stack(parts), camera)
    answer(tmp_path / "out", other)
    for score in evaluate_folder(tmp_path / "out", tmp_path / "truth", render):
        assert score.pose.add < 1e-6 and score.pose.turn < 1e-3
        assert score.picture.mask_iou > 0.99


def test_only_a_free_factor_forgives_a_scene_that_is_too_large(tmp_path, truth, render):
    from reparo.evaluate.metrics import grown

    answer(tmp_path / "out", truth.scene, grown(truth.scene.layout, 1.3, truth.scene.camera))
    strict = evaluate_folder(tmp_path / "out", tmp_path / "truth", render)
    free = evaluate_folder(tmp_path / "out", tmp_path / "truth", render, free=True)
    assert all(score.pose.add > 0.1 for score in strict)
    assert all(score.pose.add < 1e-6 for score in free)


def test_what_is_missing_gets_the_worst(tmp_path, truth, render):
    nothing = evaluate_folder(tmp_path / "out", tmp_path / "truth", render)
    assert [score.pose.add for score in nothing] == [1, 1]
    scene = truth.scene
    first = Similarity.stack([scene.layout[0]])
    answer(tmp_path / "out", Scene(scene.names[:1], scene.meshes[:1], first, scene.camera))
    found, missing = evaluate_folder(tmp_path / "out", tmp_path / "truth", render)
    assert found.pose.add < 1e-9
    assert (missing.pose.add, missing.pose.iou, missing.picture.mask_iou) == (1, 0, 0)


def test_a_folder_without_truth_is_refused_by_name(tmp_path, render):
    with pytest.raises(InputError, match=r"no truth\.json in"):
        evaluate_folder(tmp_path, tmp_path, render)


def test_a_benchmark_is_made_run_and_tabled(tmp_path, render, monkeypatch):
    def align(scene, out):
        """Knows the truth, and refuses one whole track."""
        if scene.parent.name == "turned":
            raise InputError("no")
        made = read_truth(tmp_path / "truth" / scene.name)
        assert read_scene_folder(scene).names == made.scene.names
        answer(out, made.scene)

    monkeypatch.setattr(benchmark, "PICTURE", (48, 48))
    assert benchmark.make(tmp_path, 1, 3, render) == ["made-up-0003"]
    told = {track: json.loads(path.read_text()) for track, path in folders(tmp_path).items()}
    assert told["metric"]["depth"]["kind"] == "metric" and "ground" not in told["metric"]
    assert "depth" not in told["nodepth"] and told["nodepth"]["ground"] == "common"
    assert all("translation" not in item for each in told.values() for item in each["objects"])
    assert set(benchmark.run(tmp_path, align)) == {f"{t}/made-up-0003" for t in benchmark.TRACKS}
    rows = {(row["track"], row["object"]): row for row in benchmark.scores(tmp_path, render)}
    for (track, _), row in rows.items():
        assert row["add"] == 1 if track == "turned" else row["add"] < 1e-6
    assert "| metric | median of 2 | 0.0000 |" in benchmark.table(tmp_path, render)


def folders(base):
    return {path.parts[-3]: path for path in (base / "scenes").glob("*/*/scene.json")}


def test_rotations_are_solved_where_they_start_wrong_and_only_there():
    turned = {track for track in benchmark.TRACKS if "rotation" in benchmark.solved(track)}
    assert turned == {"turned"}
    assert benchmark.solved("a-track-of-others") == ("translation", "scale")
