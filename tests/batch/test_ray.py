"""The engine on a real Ray that the tests start on this machine."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reparo.files.layout_json import read_layout

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ON_RAY = Path(__file__).parent / "on_ray.py"


@pytest.fixture
def on_ray(tmp_path):
    """Lines, names begun, and what each stage left: (photo, stage, GPUs, process)."""

    def run(*names, gpus=0, cpus=2, seconds=60.0):
        given = {"names": names, "gpus": gpus, "cpus": cpus, "seconds": seconds}
        command = [sys.executable, ON_RAY, json.dumps(given), tmp_path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
        begun = [line["begun"] for line in said if "begun" in line]
        trace = [line.split() for line in (tmp_path / "trace.txt").read_text().splitlines()]
        return [line for line in said if "photo" in line], begun, trace

    return run


def test_without_gpus_a_worker_does_a_photo_whole(on_ray):
    lines, begun, trace = on_ray("a", "b", "c", "d")
    assert sorted(begun) == sorted(line["photo"] for line in lines) == list("abcd")
    assert all(line["done"] for line in lines)
    assert {stage for _, stage, _, _ in trace} == {"layout"}
    assert len({process for *_, process in trace}) <= 2


def test_with_gpus_each_stage_is_where_its_row_says(on_ray):
    """The cluster only claims to have a GPU: what counts is which worker gets one."""
    lines, _, trace = on_ray("a", "b", "c", gpus=1, cpus=4)
    assert all(line["done"] for line in lines)
    stages = ["segment", "depth", "complete", "reconstruct", "layout"]
    for name in "abc":
        assert [stage for one, stage, _, _ in trace if one == name] == stages
    gpus = {stage: {found for _, one, found, _ in trace if one == stage} for stage in stages}
    assert gpus == {stage: {"0" if stage == "layout" else "1"} for stage in stages}
    homes = {stage: {home for _, one, _, home in trace if one == stage} for stage in stages}
    assert all(len(homes[stage]) == 1 for stage in stages[:-1])  # its networks stay in memory
    assert list(lines[0]["stages"]) == stages


def test_what_dies_fails_or_hangs_does_not_stop_the_rest(on_ray):
    lines, begun, _ = on_ray("bad", "dies", "hangs", "ok", gpus=1, cpus=4, seconds=5.0)
    assert sorted(begun) == ["bad", "dies", "dies", "hangs", "ok"]
    by_name = {name: [one for one in lines if one["photo"] == name] for name in set(begun)}
    assert by_name["ok"][0]["done"]
    assert by_name["bad"][0]["error"] == "InputError: bad"
    assert "once more" in by_name["dies"][0]["error"]
    assert "the worker died" in by_name["dies"][1]["error"]
    assert "took longer than 5 s" in by_name["hangs"][0]["error"]
    assert "'depth'" in by_name["hangs"][0]["error"]


def test_the_command_leaves_what_the_local_engine_leaves(tmp_path):
    photos, config = tmp_path / "photos", tmp_path / "given.toml"
    photos.mkdir()
    (tmp_path / "masks").mkdir()
    mask = np.zeros((48, 64), np.uint8)
    mask[16:36, 20:44] = 255
    Image.fromarray(mask).save(tmp_path / "masks/box.png")
    for name, grey in (("a", 200), ("b", 150)):
        picture = np.full((48, 64, 3), grey, np.uint8)
        picture[mask > 0] = [180, 60, 40]
        Image.fromarray(picture).save(photos / f"{name}.png")
    config.write_text(f'[segment]\nuse = "given"\nfolder = "{tmp_path / "masks"}"\n')
    found = {}
    for engine in ("local", "ray"):
        words = ["-o", tmp_path / engine, "--engine", engine, "--workers", "1", "--quiet"]
        words += ["--preset", "plain", "--config", config]
        command = [sys.executable, "-m", "reparo.cli", "batch", photos, *words]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found[engine] = [read_layout(tmp_path / engine / name / "layout.json") for name in "ab"]
        assert "2 photos" in (tmp_path / engine / "batch.html").read_text()
    for local, ray in zip(found["local"], found["ray"], strict=True):
        assert local.names == ray.names
        assert (local.solution.layout.translation == ray.solution.layout.translation).all()
