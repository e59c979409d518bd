"""Real processes, made-up work: what dies, hangs or grows costs one photo, never the batch."""

import os
import queue
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reparo.batch import local
from reparo.batch.local import LocalEngine
from reparo.batch.photos import Limits, Task
from reparo.batch.plan import GIB, Plan
from reparo.batch.process import Process, Setup
from reparo.errors import ReparoError


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine of made-up work, and what comes of photos with these names."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(local, "LOOK", 0.05)

    def made(*names, workers=1, seconds=20.0, memory=4 * GIB, **options):
        setup = Setup("works:work", options, tmp_path / ".batch")
        plan = Plan(workers, memory, GIB, 1)
        tasks = [Task(tmp_path / f"{name}.png", tmp_path / name) for name in names]
        begun = []
        engine = LocalEngine(setup, plan, Limits(seconds, memory))
        lines = [(task.photo.stem, line) for task, line in engine(tasks, begun.append)]
        return lines, [task.photo.stem for task in begun]

    return made


def test_each_photo_gives_a_line_and_a_worker_does_many(engine):
    lines, begun = engine("a", "bad", "b")
    assert [name for name, _ in lines] == begun == ["a", "bad", "b"]
    assert [line["done"] for _, line in lines] == [True, False, True]
    assert lines[0][1]["objects"][1] == lines[2][1]["objects"][1]  # one process


def test_two_workers_share_the_work(engine):
    lines, _ = engine("slow1", "slow2", "slow3", "slow4", workers=2)
    assert len({line["objects"][1] for _, line in lines}) == 2


def test_a_worker_that_dies_is_written_down_and_its_photo_tried_once_more_at_the_end(engine):
    lines, begun = engine("dies", "trips", "ok")
    assert begun == ["dies", "trips", "ok", "dies", "trips"]
    by_name = {name: [line for one, line in lines if one == name] for name in begun}
    assert [line["done"] for line in by_name["trips"]] == [False, True]
    assert "SIGABRT" in by_name["trips"][0]["error"]
    assert [line["done"] for line in by_name["dies"]] == [False, False]
    assert "killed in the step 'segment'" in by_name["dies"][0]["error"]
    assert "once more" in by_name["dies"][0]["error"]
    assert "once more" not in by_name["dies"][1]["error"]


def test_a_photo_that_hangs_is_given_up_at_its_time_limit(engine):
    lines, begun = engine("hangs", "ok", seconds=0.3)
    assert begun == ["hangs", "ok"]
    assert "took longer than 0.3 s (--time-limit)" in lines[0][1]["error"]
    assert lines[1][1]["done"]


def test_a_photo_beyond_the_budget_of_memory_is_given_up(engine):
    lines, begun = engine("big", "ok", memory=GIB // 4)
    assert begun == ["big", "ok", "big"]  # the second time alone
    assert "needed more memory than the 256 MiB" in lines[-1][1]["error"]
    assert lines[-1][1]["peak_mib"] >= 256  # whole MiB: the first look beyond the budget ends it
    assert dict(lines)["ok"]["done"]


def test_workers_that_cannot_start_end_the_batch_with_their_reason(engine):
    with pytest.raises(ReparoError, match="no such thing here"):
        engine("a", broken=True)


def test_a_worker_ends_at_once_when_its_batch_is_gone(tmp_path, monkeypatch):
    """The batch is killed, its worker is not: it must not go on writing where the next one does."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    code = (
        "import sys, time, queue; from pathlib import Path\n"
        "from reparo.batch.process import Process, Setup; from reparo.batch.photos import Task\n"
        "said = queue.Queue(); folder = Path(sys.argv[1])\n"
        "one = Process(Setup('works:work', {}, folder), 0, {}, said)\n"
        "one.give(Task(folder / 'hangs.png', folder / 'x'))\n"
        "said.get(), said.get(); print(one.pid, flush=True); time.sleep(60)\n"
    )
    batch = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert batch.stdout is not None
    worker = int(batch.stdout.readline())
    batch.kill()
    batch.communicate()
    until = time.monotonic() + 10
    while alive(worker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(worker)


def alive(pid: int) -> bool:
    """Whether it runs; one that ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_is_told_its_share_of_cores_and_its_gpu(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    told = Plan(4, GIB, GIB, 2, gpus=2).environment(3)
    assert told["OMP_NUM_THREADS"] == "2" and told["CUDA_VISIBLE_DEVICES"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the user knows better
    assert "OMP_NUM_THREADS" not in Plan(4, GIB, GIB, 2).environment(0)


def test_what_a_worker_starts_ends_with_it(tmp_path):
    said: queue.Queue = queue.Queue()
    process = Process(Setup("subprocess:Popen", {}, tmp_path), 0, {}, said)
    process.close()
    assert not alive(process.pid)
    assert os.path.exists(process.log)
