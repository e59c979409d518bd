"""A run whose network is brought on the way, from a hub on this machine, and is written down."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fake_hub import COMMIT, FakeHub, serving
from PIL import Image
from tiny_triposr import write_ellipsoid

import reparo
from reparo import cli, models
from reparo.api import results
from reparo.errors import LicenceNotAccepted, MissingWeights
from reparo.models import known

SOURCE = models.Repository("owner/net", ("config.yaml", "vit/config.json", "model.ckpt"))
NET = models.Model("triposr", "reconstruct: a test", "paper", "MIT", SOURCE)
BOUND = replace(NET, licence="CC-BY-NC-4.0", restricted="which allows non-commercial use alone")
SMALL = {
    "reconstruct": {"use": "triposr", "resolution": 16},
    "align": {"match_rounds": 1, "polish": False},
}


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    folder = write_ellipsoid(tmp_path / "weights")
    inside = [file for file in folder.rglob("*") if file.is_file()]
    files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in inside}
    for name in ("REPARO_OFFLINE", "HF_HUB_OFFLINE", "REPARO_ACCEPT_LICENCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REPARO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(results, "write_turntable", lambda path, *_, **__: path.write_bytes(b""))
    monkeypatch.setattr(known, "_read", lambda: (NET,))
    with serving(FakeHub(files, large=("model.ckpt",))) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def given(tmp_path):
    """A photo of a red square on grey, its mask, and how far everything is."""
    pixels = np.full((48, 64, 3), 128, np.uint8)
    mask = np.zeros((48, 64), np.uint8)
    pixels[16:36, 20:40], mask[16:36, 20:40] = (200, 30, 30), 255
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks/box.png")
    np.save(tmp_path / "depth.npy", np.full((48, 64), 3, np.float32))
    return {"masks": tmp_path / "masks", "depth": tmp_path / "depth.npy", "overrides": [SMALL]}


def used(out):
    return json.loads((out / "steps/made-from.json").read_text())["models"]


def test_a_missing_network_is_brought_and_the_run_says_which_it_was(hub, given, tmp_path):
    out = tmp_path / "out"
    note = {"triposr": {"from": "hub owner/net main", "version": COMMIT, "licence": "MIT"}}
    reparo.run(tmp_path / "photo.png", out, **given)
    assert used(out) == note
    asked = len(hub.asked)
    reparo.run(tmp_path / "photo.png", out, offline=True, **given)  # all of it still holds
    assert used(out) == note and len(hub.asked) == asked


def test_offline_a_missing_network_is_told_and_not_brought(hub, given, tmp_path):
    with pytest.raises(MissingWeights, match=r"`reparo models pull triposr`.*switched off"):
        reparo.run(tmp_path / "photo.png", tmp_path / "out", offline=True, **given)
    assert not hub.asked


def test_a_restricted_licence_stops_the_run_until_it_is_accepted(hub, given, tmp_path, monkeypatch):
    monkeypatch.setattr(known, "_read", lambda: (BOUND,))
    out = tmp_path / "out"
    with pytest.raises(LicenceNotAccepted, match=r"--accept-licence CC-BY-NC-4\.0"):
        reparo.run(tmp_path / "photo.png", out, **given)
    assert not hub.asked
    given["overrides"] = [SMALL, {"licences": {"accept": ["cc-by-nc-4.0"]}}]
    reparo.run(tmp_path / "photo.png", out, **given)
    assert used(out)["triposr"]["licence"] == "CC-BY-NC-4.0"


@pytest.mark.parametrize("accepted", [False, True])
def test_the_command_line_takes_the_licence(given, tmp_path, monkeypatch, capsys, accepted):
    monkeypatch.setattr(known, "_read", lambda: (BOUND,))
    words = ["run", str(tmp_path / "photo.png"), "-o", str(tmp_path / "out")]
    words += ["--masks", str(given["masks"]), "--depth", str(given["depth"])]
    words += ["--set", "reconstruct.use=triposr", "--set", "reconstruct.resolution=16"]
    words += ["--set", "align.match_rounds=1"]
    words += ["--accept-licence", "CC-BY-NC-4.0"] if accepted else []
    code, said = cli.main(words), capsys.readouterr().err
    assert code == (0 if accepted else 2), said
    assert accepted or "--accept-licence CC-BY-NC-4.0" in said
