"""A batch from its start to its end, its work made up; and one with real work."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reparo import api
from reparo.batch import How, drive
from reparo.batch.journal import Journal
from reparo.batch.photos import Task
from reparo.errors import InputError
from reparo.files.layout_json import read_layout


@pytest.fixture
def photos(tmp_path):
    """Makes a folder of photos with these names, each with a content of its own."""

    def make(*names):
        folder = tmp_path / "photos"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / f"{name}.png").write_text(name)
        return folder

    return make


@pytest.fixture
def batch(photos, tmp_path, monkeypatch):
    """Runs a batch of made-up work; the folders of what worked."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(drive, "MAKER", "works:work")
    monkeypatch.setattr(api, "prepare", lambda options, progress: None)

    def run(*names, how=None, **options):
        folder = photos(*names)
        given = {"preset": "plain", **options}
        how = how or How(workers=1)
        done = drive.run_all(folder, tmp_path / "out", given, lambda *_: None, how)
        return [path.name for path in done]

    return run


def lines(out):
    return [json.loads(line) for line in (out / "batch.jsonl").read_text().splitlines()]


def tried(out):
    return (out / "trace.txt").read_text().split()


def test_what_fails_is_written_down_and_the_rest_is_done(batch, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "reparo"):
        assert batch("a", "bad", "dies", "z") == ["a", "z"]
    out = tmp_path / "out"
    assert [line["photo"] for line in lines(out)] == [
        f"{name}.png" for name in ("a", "bad", "dies", "z", "dies")
    ]
    assert "2 of 4 photos failed" in caplog.text
    page = (out / "batch.html").read_text()
    assert "2 of 4 photos" in page and "InputError: bad" in page
    assert 'href="a/report.html"' in page and 'href="z/scene.glb"' in page


def test_what_is_done_is_left_alone_and_what_failed_is_tried_again(batch, tmp_path):
    batch("a", "bad")
    assert batch("a", "bad", "new") == ["a", "new"]
    assert tried(tmp_path / "out") == ["a", "bad", "bad", "new"]


@pytest.mark.parametrize("change", ["photo", "settings", "result", "step", "deleted"])
def test_what_is_no_longer_as_it_was_is_done_again(batch, tmp_path, change):
    batch("a", "b")
    out = tmp_path / "out"
    if change == "photo":
        (tmp_path / "photos/a.png").write_text("another")
    elif change == "result":
        (out / "a/scene.glb").unlink()
    elif change == "step":
        path = out / "a/steps/mask.png"
        path.write_text("by hand")
        os.utime(path, (time.time() + 5, time.time() + 5))
    elif change == "deleted":
        os.utime(out / "a/steps", (time.time() + 5, time.time() + 5))  # as deleting leaves it
    batch(*(["b"] if change == "photo" else ["a", "b"]), seed=int(change == "settings"))
    assert tried(out)[2:] == (["a", "b"] if change == "settings" else ["a"])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_text_stops_nothing(batch, photos, tmp_path, caplog):
    caplog.set_level("INFO")
    (photos() / "old\udcff.png").write_text("x")  # Latin-1 from another machine
    for _ in range(2):
        assert batch("a") == ["a", "old\udcff"]
    assert [line["photo"] for line in lines(tmp_path / "out")] == ["a.png", "old\udcff.png"]
    assert 'href="old%FF/report.html"' in (tmp_path / "out/batch.html").read_text()
    assert "old\\udcff.png: " in caplog.text and caplog.text.encode()


def test_a_photo_that_vanishes_while_a_batch_starts_stops_nothing(batch, photos, tmp_path):
    batch("a", "b")
    (tmp_path / "photos/a.png").unlink()
    left = drive.Batch(
        tmp_path / "out",
        [Task(tmp_path / f"photos/{name}.png", tmp_path / "out" / name) for name in "ab"],
        Journal(tmp_path / "out"),
        lambda *_: None,
    ).left("other settings")
    assert [task.photo.stem for task in left] == ["a", "b"]


def test_where_none_works_the_batch_says_where_to_look(batch):
    with pytest.raises(InputError, match=r"none of the 1 photos.*batch\.jsonl"):
        batch("bad")


def test_wrong_settings_are_refused_before_the_work(batch, tmp_path):
    with pytest.raises(InputError, match="no preset"):
        batch("a", preset="nice")
    assert not (tmp_path / "out").exists()


def test_a_batch_that_is_killed_goes_on_where_it_was(photos, tmp_path):
    """SIGKILL to all its processes, twice; what was at work comes last, nothing is done twice."""
    folder = photos("slow1", "slow2", "slow3", "slow4", "slow5", "slow6")
    out = tmp_path / "out"
    code = (  # without torch, which takes seconds to load
        "import sys; from pathlib import Path; from types import SimpleNamespace as Stub\n"
        "sys.modules['reparo.api'] = Stub(prepare=lambda *_: None)\n"
        "sys.modules['reparo.batch.settings'] = Stub(fingerprint=lambda *_: 'settings')\n"
        "sys.modules['reparo.batch.sheet'] = Stub(write_sheet=lambda *_: None)\n"
        "from reparo.batch import How, drive; drive.MAKER = 'works:work'\n"
        "folders = map(Path, sys.argv[1:])\n"
        "drive.run_all(*folders, {'device': 'cpu'}, lambda *_: None, How(workers=1))"
    )
    command = [sys.executable, "-c", code, folder, out]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    for wanted in (1, 3):
        killed = subprocess.Popen(command, env=environment, start_new_session=True)
        until(lambda wanted=wanted: (out / "batch.jsonl").exists() and len(lines(out)) >= wanted)
        until(lambda: at_work(out))
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    with (out / "batch.jsonl").open("a") as file:
        file.write('{"photo": "slow')
    subprocess.run(command, env=environment, check=True)
    done = [line["photo"] for line in lines(out) if line["done"]]
    assert sorted(done) == sorted(path.name for path in folder.iterdir())
    assert len(set(done)) == len(done) == 6
    assert len(tried(out)) <= 8  # only the two that were interrupted may be tried twice
    assert not at_work(out)


def at_work(out):
    marks = (out / ".batch/at-work.txt").read_text().split()
    return len(marks) % 2 == 1


def until(what):
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_real_work_gives_scenes_exports_and_small_pictures(tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    mask = np.zeros((48, 64), np.uint8)
    mask[16:36, 20:44] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks/box.png")
    picture = np.full((48, 64, 3), 200, np.uint8)
    picture[mask > 0] = [180, 60, 40]
    Image.fromarray(picture).save(photos / "room.png")
    (photos / "broken.jpg").write_bytes(b"no picture")
    config = tmp_path / "given.toml"
    config.write_text(f'[segment]\nuse = "given"\nfolder = "{tmp_path / "masks"}"\n')
    words = ["-o", out, "--preset", "plain", "--config", config, "--export", "obj", "--quiet"]
    command = [sys.executable, "-m", "reparo.cli", "batch", photos, *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out / "batch.html"), str(out / "room")]
    failed, worked = lines(out)
    assert failed["photo"] == "broken.jpg" and failed["error"].split()[0].endswith("broken.jpg")
    assert worked["objects"] == ["box"] and worked["exports"] == ["export/obj/scene.obj"]
    assert worked["peak_mib"] >= 0 and worked["notes"]
    assert (out / "room/export/obj/scene.obj").is_file()
    assert read_layout(out / "room/layout.json").names == ("box",)
    with Image.open(out / ".batch/thumbnails/room.webp") as small:
        assert small.width > 1.9 * small.height * 64 / 48 * 0.9


def test_what_a_killed_writer_left_is_swept_away(tmp_path):
    from reparo.files.folder import sweep, whole, whole_file

    with whole(tmp_path / "room") as half:
        shutil.copytree(half, tmp_path / "copy" / half.name)
    with whole_file(tmp_path / "scene.glb") as file:
        file.write_text("half")
        shutil.copy(file, tmp_path / "copy" / file.name)
    mine = [tmp_path / "copy" / name for name in (".hidden", ".my-notes.txt", "a-0123abcd.txt")]
    for path in mine:
        path.write_text("mine")
    sweep(tmp_path / "copy")
    assert sorted((tmp_path / "copy").iterdir()) == sorted(mine)
