"""A batch from its start to its end: what is left to do, who does it, what came of it."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reparo.batch import plan
from reparo.batch.journal import JOURNAL, Journal, alone
from reparo.batch.local import LocalEngine
from reparo.batch.photos import WORK, Engine, Limits, Line, Task, made_from, tasks_in
from reparo.batch.process import Setup
from reparo.errors import InputError

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]  # contracts.Progress, without loading torch

ENGINES = ("local", "ray")
MAKER = "reparo.batch.one:work"
SLACK = 1.0  # s that writing a run's last note may take
SHEET_EVERY = 30.0  # s between contact sheets, and 20 times as long as one takes


@dataclass(frozen=True)
class How:
    """How a batch is worked through; none of it changes a result."""

    engine: str = "local"
    workers: int | None = None  # None: as many as fit
    memory: int | None = None  # bytes, of all workers together; None: most of what is free
    time_limit: float = 1800.0  # s a photo
    address: str | None = None  # of a Ray cluster; None: a local one, or RAY_ADDRESS

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise InputError(f"the engine is {' or '.join(ENGINES)}, got {self.engine!r}")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"--workers is 1 or more, got {self.workers}")
        if not self.time_limit > 0:
            raise InputError(f"--time-limit is a number of seconds above 0, got {self.time_limit}")


@dataclass
class Batch:
    """All photos of a folder, and what is known of each."""

    out: Path
    tasks: Sequence[Task]
    journal: Journal
    progress: Progress
    lines: dict[str, Line] = field(default_factory=dict)  # the last, by the photo's name
    began: float = field(default_factory=time.monotonic)
    _sheet_at: float = 0.0  # monotonic, s; when the next contact sheet is due

    def left(self, settings: str) -> list[Task]:
        """What is to be done; what was at work when an earlier batch was killed comes last."""
        self.journal.mend()
        self.lines = self.journal.last()
        interrupted = self.journal.interrupted()
        left = []
        for index, task in enumerate(self.tasks):
            self.progress("look what is done", index, len(self.tasks))
            line = self.lines.get(task.photo.name, {})
            if not (
                line.get("done")
                and untouched(task.folder, line)
                and line.get("made_from") == _now_made_from(task.photo, settings)
            ):
                left.append(task)
        self.progress("look what is done", len(self.tasks), len(self.tasks))
        return sorted(left, key=lambda task: task.photo.name in interrupted)

    def go(self, engine: Engine, left: Sequence[Task]) -> None:
        """Does what is left, and writes down what comes of it."""
        what = f"batch: {len(self.tasks)} photos"
        done = len(self.tasks) - len(left)
        self.progress(what, done, len(self.tasks))
        seen: set[Task] = set()
        for task, line in engine(left, lambda task: self.journal.begin(task.photo.name)):
            line = {"photo": task.photo.name, "folder": task.folder.name} | line
            self.journal.add(line)
            self.lines[task.photo.name] = line
            seen.add(task)
            self._say(line, done + len(seen))
            self.progress(what, done + len(seen), len(self.tasks))
            if time.monotonic() > self._sheet_at:
                self.write_sheet()

    def write_sheet(self) -> None:
        """`batch.html` as of now."""
        from reparo.batch.sheet import write_sheet

        start = time.monotonic()
        write_sheet(self.out, [(task, self.lines.get(task.photo.name)) for task in self.tasks])
        took = time.monotonic() - start
        self._sheet_at = time.monotonic() + max(SHEET_EVERY, 20 * took)

    def done(self) -> list[Path]:
        """The folders of those that worked."""
        lines = ((task, self.lines.get(task.photo.name, {})) for task in self.tasks)
        return [task.folder for task, line in lines if line.get("done")]

    def _say(self, line: Line, count: int) -> None:
        place = f"{count}/{len(self.tasks)} {_printable(line['photo'])}"
        if line["done"]:
            count = len(line["objects"])
            found = "1 object" if count == 1 else f"{count} objects"
            log.info("%s: %s, %.1f s", place, found, line["seconds"])
        else:
            log.warning("%s failed: %s", place, _printable(line["error"]))


def _printable(words: str) -> str:
    """With bytes of file names that are no text as a log can have them."""
    return words.encode(errors="backslashreplace").decode()


def run_all(
    photos: Path,
    out: Path,
    options: Mapping[str, Any],
    progress: Progress,
    how: How | None = None,
    export: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Runs every photo of a folder with the same options; the folders of those that worked.

    `options` are `api.run`'s, `export` those of `Reconstruction.export`. `out/batch.jsonl` gets a
    line a photo and try, `out/batch.html` shows them. What is done is left alone as long as photo,
    settings and results are as they were.
    """
    from reparo import api
    from reparo.batch.settings import fingerprint

    how = how or How()
    tasks = tasks_in(photos, out)
    settings = fingerprint(options, export)
    with alone(out):
        batch = Batch(out, tasks, Journal(out), progress)
        left = batch.left(settings)
        if left:
            api.prepare(options, progress)
            told = {"run": dict(options), "export": dict(export or {}), "settings": settings}
            need = plan.need_of(options.get("preset", "embedded"), _peaks(batch.lines))
            engine = _engine(how, out, told, need, len(left))
            try:
                batch.go(engine, left)
            finally:
                batch.write_sheet()
        else:
            batch.write_sheet()
    done = batch.done()
    if not done:
        raise InputError(f"none of the {len(tasks)} photos worked; {out / JOURNAL} says why")
    if len(done) < len(tasks):
        log.warning("%d of %d photos failed", len(tasks) - len(done), len(tasks))
    return done


def untouched(folder: Path, line: Line) -> bool:
    """Whether a scene is there as its run left it, its steps not changed by hand since."""
    results = [folder / name for name in ("scene.glb", "layout.json", *line.get("exports", []))]
    note = folder / "steps" / "made-from.json"
    if not all(path.is_file() for path in (note, *results)):
        return False
    written = note.stat().st_mtime + SLACK  # a folder's time tells that something was deleted
    return all(path.stat().st_mtime <= written for path in (note.parent, *note.parent.rglob("*")))


def _now_made_from(photo: Path, settings: str) -> str | None:
    """None where the photo cannot be read: its worker will say so, and the others go on."""
    try:
        return made_from(photo, settings)
    except OSError:
        return None


def _peaks(lines: Mapping[str, Line]) -> list[float]:
    """What workers were seen to need, MiB."""
    peaks = (line.get("peak_mib") for line in lines.values() if line.get("done"))
    return [float(peak) for peak in peaks if isinstance(peak, int | float) and peak > 0]


def _engine(how: How, out: Path, told: dict[str, Any], need: int, photos: int) -> Engine:
    """`told`: options of the work; `need`: bytes a worker; `photos`: how many there are to do."""
    if how.engine == "ray":
        from reparo.batch.ray_engine import RayEngine

        return RayEngine({**told, "keep": True}, how, need)
    machine = plan.machine(told["run"].get("device", "auto"))
    chosen = plan.planned(machine, need, photos, how.workers, how.memory)
    count = "1 worker" if chosen.workers == 1 else f"{chosen.workers} workers"
    log.info("%s, %s of memory in all", count, plan.in_words(chosen.memory))
    share = chosen.memory // chosen.workers
    if share < need:
        words = tuple(map(plan.in_words, (need, share)))
        log.warning("a worker is expected to need %s and may take %s", *words)
    keep = told["run"].get("preset") not in plan.BIG or share >= plan.BIG_NEED
    limits = Limits(how.time_limit, chosen.memory)
    return LocalEngine(Setup(MAKER, {**told, "keep": keep}, out / WORK), chosen, limits)
