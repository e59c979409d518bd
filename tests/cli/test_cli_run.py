"""`reparo run` on a tiny photo with given masks, through the real backends that need no network."""

import json

import numpy as np
import pytest
import trimesh
from PIL import Image

from reparo.files.layout_json import read_layout
from reparo.files.scene_json import read_scene_folder

QUICK = ("--preset", "plain", "--set", "align.match_rounds=1", "--set", "align.polish_rounds=1")
RESULTS = ("report.html", "scene.glb", "layout.json", "preview.png", "turntable.gif", "scene")


@pytest.fixture
def run(reparo, photo, tmp_path):
    """`reparo run` with given masks and few rounds."""

    def run(*options):
        masks = ("--masks", photo.parent / "masks")
        return reparo("run", photo, "-o", tmp_path / "out", *masks, *QUICK, *options)

    return run


def test_run_leaves_results_that_agree_and_a_second_run_reuses_every_step(run, tmp_path):
    out = tmp_path / "out"
    code, printed, error = run()
    assert code == 0, error
    assert printed.split() == [str(out / name) for name in RESULTS]
    assert "objects: box\n" in error
    layout, scene = read_layout(out / "layout.json"), read_scene_folder(out / "scene")
    assert scene.names == layout.names == ("box",)
    there = scene.camera.world_from_camera.translation
    np.testing.assert_allclose(layout.world_from_camera.translation, there, atol=1e-6)
    lowest = layout.solution.layout[0].apply(scene.meshes[0].vertices)[:, 1].min()
    assert float(lowest) == pytest.approx(0, abs=1e-3)
    placed = trimesh.load_scene(out / "scene.glb")
    assert placed.bounds[0, 1] == pytest.approx(float(lowest), abs=1e-5)
    assert (out / "scene/full_masks/box.png").exists()
    report = (out / "report.html").read_text(encoding="utf-8")
    assert '"step":"match"' in report and "Complete what is hidden" in report
    with Image.open(out / "turntable.gif") as turntable:
        assert turntable.n_frames > 1
    files = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert run()[0] == 0
    assert {path: path.stat().st_mtime_ns for path in files} == files
    (out / "turntable.gif").unlink()
    assert run()[0] == 0
    assert (out / "turntable.gif").exists()


def test_a_known_height_makes_metres_and_options_count_and_quiet_is_quiet(run, tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text("[world]\npitch_deg = 40.0\n")
    options = ("--height", "box=0.9", "--fov", "50", "--quiet", "--config", config)
    code, printed, error = run(*options)
    assert code == 0 and error == ""
    assert len(printed.split()) == len(RESULTS)
    pose = json.loads((tmp_path / "out/layout.json").read_text())["camera"]["camera_to_world"]
    assert pose[1][2] == pytest.approx(np.sin(np.radians(40)), abs=1e-6)
    bounds = trimesh.load_scene(tmp_path / "out/scene.glb").bounds
    assert bounds[1, 1] - bounds[0, 1] == pytest.approx(0.9, abs=1e-3)


def test_own_meshes_and_own_depth_are_used(run, tmp_path):
    (tmp_path / "meshes").mkdir()
    trimesh.creation.icosphere().export(tmp_path / "meshes/box.glb")
    np.save(tmp_path / "z.npy", np.full((6, 8), 2.0, np.float32))
    given = ("--meshes", tmp_path / "meshes", "--depth", tmp_path / "z.npy")
    code, _, error = run(*given, "--depth-kind", "scale", "--fov", "45")
    assert code == 0, error
    scene = read_scene_folder(tmp_path / "out/scene")
    assert len(scene.meshes[0].faces) == len(trimesh.creation.icosphere().faces)
    assert scene.depth is not None and scene.depth.kind == "scale"
    assert scene.camera.fov_y_deg == pytest.approx(45)


@pytest.mark.parametrize(
    "options, words",
    [
        (("--text", "chair"), "masks and text"),
        (("--preset", "best"), "preset"),
        (("--boxes", "boxes.json"), "masks and boxes"),
        (("--set", "align"), "table.key=value"),
        (("--set", "align.sped=1"), "sped"),
        (("--config", "none.toml"), "none.toml"),
        (("--height", "0.9"), "NAME=METRES"),
        (("--height", "box=tall"), "NAME=METRES"),
        (("--height", "chair=1"), "chair"),
        (("--height", "box=-1"), "above 0"),
        (("--fov", "200"), "180"),
        (("--depth", "none.npy"), "none.npy"),
        (("--meshes", "nowhere"), "meshes must be in a folder"),
        (("--seed", "-1"), "--seed"),
        (("--seed", "9" * 30), "--seed"),
    ],
)
def test_wrong_options_are_refused(run, tmp_path, options, words):
    code, printed, error = run(*options)
    assert (code, printed) == (2, "")
    assert words in error.splitlines()[-1]
    assert "Traceback" not in error
    assert not any((tmp_path / "out" / name).exists() for name in RESULTS)


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_photo_that_is_none_is_refused(run, photo, content):
    photo.unlink()
    if content is not None:
        photo.write_bytes(content)
    code, _, error = run()
    assert code == 2 and "photo.png" in error


def test_a_mask_of_another_size_is_refused(run, photo):
    Image.new("L", (10, 10), 255).save(photo.parent / "masks/box.png")
    code, _, error = run()
    assert code == 2 and "box" in error


@pytest.mark.parametrize("name", ["scene.glb", "layout.json", "preview.png"])
def test_a_folder_with_files_of_another_kind_is_left_alone(run, tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("precious")
    code, _, error = run()
    assert code == 2 and name in error
    assert (tmp_path / "out" / name).read_text() == "precious"
    assert not (tmp_path / "out/steps").exists()
