"""batch.jsonl and the lock, whatever happened to the batch before."""

import json
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from reparo.batch.journal import Journal, alone
from reparo.batch.photos import tasks_in
from reparo.errors import InputError


@pytest.fixture
def journal(tmp_path):
    (tmp_path / ".batch").mkdir()
    return Journal(tmp_path)


def test_the_last_line_of_a_photo_counts(journal):
    journal.add({"photo": "a.jpg", "done": False})
    journal.add({"photo": "b.jpg", "done": True})
    journal.add({"photo": "a.jpg", "done": True})
    assert {name: line["done"] for name, line in journal.last().items()} == {
        "a.jpg": True,
        "b.jpg": True,
    }


@pytest.mark.parametrize("cut", range(1, 30))
def test_wherever_the_last_line_is_cut_the_others_stay(journal, cut):
    journal.add({"photo": "a.jpg", "done": True})
    whole = json.dumps({"photo": "b.jpg", "done": True})
    with journal.path.open("a") as file:
        file.write(whole[:cut])
    journal.mend()
    journal.add({"photo": "c.jpg", "done": True})
    names = [json.loads(line)["photo"] for line in journal.path.read_text().splitlines()]
    assert names == ["a.jpg", "c.jpg"]


def test_a_last_line_that_only_lacks_its_end_is_kept(journal):
    journal.path.write_text(json.dumps({"photo": "a.jpg", "done": True}))
    journal.mend()
    assert journal.last()["a.jpg"]["done"]
    assert journal.path.read_text().endswith("\n")


def test_lines_of_others_do_not_count(journal):
    odd = ('"exports": null', '"objects": 3', '"notes": "n"')
    lines = [f'{{"photo": "a.jpg", "done": true, {one}}}' for one in odd]
    text = "\n".join(["[1]", '{"photo": 3}', "nonsense", "", "[" * 100_000, *lines, ""])
    journal.path.write_text(text)
    journal.mend()
    assert journal.last() == {}


def test_what_was_at_work_when_the_batch_was_killed_is_known_once(journal):
    for name in ("a.jpg", "b.jpg"):
        journal.begin(name)
    journal.add({"photo": "a.jpg", "done": True})
    assert journal.interrupted() == {"b.jpg"}
    assert journal.interrupted() == set()


def test_any_name_of_a_file_can_be_at_work(journal):
    names = {"a\nb.png", "c\u2028.png", "d\udcff.png", '"\\'}
    for name in names:
        journal.begin(name)
    journal.add({"photo": "e.png"})
    with (journal.out / ".batch/at-work.txt").open("ab") as file:
        file.write(b"+\xff\n+3\nx\n")  # of nobody
    assert journal.interrupted() == names


def test_a_second_batch_in_the_folder_is_refused_and_a_killed_one_keeps_nobody_out(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from reparo.batch.journal import alone\n"
        "with alone(Path(sys.argv[1])): print(1, flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline()
    with pytest.raises(InputError, match="another batch"), alone(tmp_path):
        pass
    other.kill()
    other.communicate()
    for _ in range(2):
        with alone(tmp_path):
            pass
        with FileLock(tmp_path / ".batch/batch.lock", timeout=0):
            pass


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / ".batch/batch.lock").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be written"), alone(tmp_path):
        pass


def test_a_batch_waits_for_workers_that_an_earlier_one_left(tmp_path):
    (tmp_path / ".batch").mkdir()
    code = (
        "import sys, time; from filelock import FileLock\n"
        "with FileLock(sys.argv[1]): print(1, flush=True); time.sleep(0.3)"
    )
    lock = tmp_path / ".batch" / "worker-7.lock"
    worker = subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE)
    assert worker.stdout is not None and worker.stdout.readline()
    start = time.monotonic()
    with alone(tmp_path):
        assert time.monotonic() - start > 0.1
    worker.communicate()


def test_folders_have_the_photos_names_and_no_two_the_same(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    own = ("batch.html.png", "Batch-2.html.png", "batch.jsonl.jpg")  # what the batch writes
    for name in ("a.jpg", "b.jpg", "B.png", "c.jpg", "c.jpg.png", "._d.jpg", "e.txt", *own):
        (photos / name).write_bytes(b"x")
    folders = {task.photo.name: task.folder.name for task in tasks_in(photos, tmp_path / "out")}
    assert folders == {
        "a.jpg": "a",
        "b.jpg": "b.jpg",
        "B.png": "B.png",
        "c.jpg": "c",
        "c.jpg.png": "c.jpg.png",
        **{name: name for name in own},
    }
    assert len({name.casefold() for name in folders.values()}) == len(folders)


def test_a_folder_without_photos_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="photo"):
            tasks_in(folder, tmp_path / "out")
