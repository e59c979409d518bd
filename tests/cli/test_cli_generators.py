"""`reparo run` with a program as the generator, which fails on some objects or on all."""

import json
import sys

import numpy as np
import pytest
import trimesh
from PIL import Image

from reparo.files.layout_json import read_layout

GENERATOR = """
import os, shutil, sys, time
cutout, mesh, name = sys.argv[1:]
if name in {broken!r}:
    {fault}
shutil.copy({box!r}, mesh)
"""
FAULTS = {
    "crashes": ("sys.exit('no such layer')", "no such layer"),
    "hangs": ("time.sleep(100)", "was not done after 3 s"),
    "writes rubbish": ("open(mesh, 'wb').write(b'glTF rubbish'); sys.exit()", "cannot be read"),
    "writes nothing": ("sys.exit()", "left no new mesh"),
    "runs out of memory": ("sys.exit('CUDA out of memory')", "CUDA out of memory"),
}


@pytest.fixture
def run(reparo, tmp_path, monkeypatch):
    """`reparo run` on two objects with such a generator; without films, which take longest."""
    monkeypatch.setattr(
        "reparo.api.results.write_turntable", lambda path, *_, **__: path.write_bytes(b"GIF")
    )
    picture = np.full((48, 64, 3), 200, np.uint8)
    (tmp_path / "masks").mkdir()
    for name, left in (("cup", 6), ("lamp", 38)):
        mask = np.zeros((48, 64), np.uint8)
        mask[16:36, left : left + 18] = 255
        picture[mask > 0] = [180, 60, left]
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    Image.fromarray(picture).save(tmp_path / "photo.png")
    trimesh.creation.box((1, 1, 1)).export(tmp_path / "box.glb")

    def run(broken: tuple[str, ...], fault: str, *options):
        script = tmp_path / "generator.py"
        lines = GENERATOR.format(broken=broken, fault=fault, box=str(tmp_path / "box.glb"))
        script.write_text(lines)
        command = f"{sys.executable} -S {script} {{cutout}} {{mesh}} {{name}}"
        steps = [f"align.{step}=false" for step in ("match", "turn", "polish", "settle")]
        generator = [f"{key}={value}" for key, value in (("use", "command"), ("command", command))]
        settings = [f"reconstruct.{one}" for one in (*generator, "seconds=3")] + steps
        said = [word for setting in settings for word in ("--set", setting)]
        masks = ("--preset", "plain", "--masks", tmp_path / "masks")
        return reparo(
            "run", tmp_path / "photo.png", "-o", tmp_path / "out", *masks, *said, *options
        )

    return run


@pytest.mark.parametrize("what", FAULTS)
def test_a_generator_that_fails_on_one_object_costs_that_one_and_the_result_says_so(
    run, tmp_path, what
):
    fault, why = FAULTS[what]
    code, _, error = run(("lamp",), fault, "--quiet")
    assert code == 0
    assert "lamp is left out" in error and why in error
    assert read_layout(tmp_path / "out/layout.json").names == ("cup",)
    (note,) = [
        note
        for note in json.loads((tmp_path / "out/layout.json").read_text())["notes"]
        if "lamp" in note
    ]
    assert note.startswith("lamp is left out, reconstruct failed") and why in note
    assert (tmp_path / "out/logs/lamp.log").exists()
    assert set(trimesh.load_scene(tmp_path / "out/scene.glb").graph.nodes_geometry) == {"cup"}


def test_a_generator_that_fails_on_all_ends_the_run_in_one_sentence(run, tmp_path):
    code, printed, error = run(("cup", "lamp"), "sys.exit('no such layer')", "--quiet")
    assert code == 2 and printed == ""
    assert error.startswith("reparo: no object is left, reconstruct failed for all")
    assert "no such layer" in error and error.count("\n") == 1
    assert not (tmp_path / "out/scene.glb").exists()


def test_mended_the_same_command_brings_the_object_that_was_left_out(run, tmp_path):
    run(("lamp",), "sys.exit(1)")
    code, _, error = run((), "pass")
    assert code == 0 and "left out" not in error
    assert set(read_layout(tmp_path / "out/layout.json").names) == {"cup", "lamp"}


def test_what_no_object_can_do_without_is_refused_once(run):
    code, _, error = run((), "pass", "--set", "reconstruct.command=make {picture}")
    assert code == 2 and "{cutout}" in error and error.count("{cutout}") <= 2
    assert "left out" not in error
