"""One photo of a batch: its scene, its exports, its small picture; a failure is a line, too."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from reparo import api, models
from reparo.batch.photos import Line, Task, made_from
from reparo.batch.worker import Step, Work
from reparo.contracts import Progress
from reparo.errors import ReparoError
from reparo.files.folder import sweep, whole_file
from reparo.files.images import open_image
from reparo.pipeline.objects import is_out_of_memory
from reparo.report.pictures import boxes

HEIGHT, WIDEST = 200, 360  # px of a small picture's halves
QUALITY = 72  # of WebP
EXPORTS = "export"
FIRST, LAST = "segment", "layout"


def work(options: Mapping[str, Any]) -> Work:
    """What a worker does: `api.run` with `run`'s options, then `export`'s if there are any.

    `keep`: networks stay in memory from photo to photo, all of them.
    """

    def one(task: Task, step: Step) -> Line:
        return _attempt(lambda: _made(task, options, step))

    return one


def in_stages(options: Mapping[str, Any]) -> Callable[[str, Task], Line | None]:
    """The same in stages, each maybe elsewhere; the line comes with the last, or a failure."""

    def one(stage: str, task: Task) -> Line | None:
        if stage == LAST:
            return _attempt(lambda: _made(task, options, lambda _: None))
        with models.keeping(options["keep"]):
            line = _attempt(lambda: _partly(stage, task, options))
        return line if "error" in line else None

    return one


def _attempt(work: Callable[[], Line]) -> Line:
    """What comes of it, whatever that is."""
    start = time.monotonic()
    line: Line = {"done": False, "objects": [], "notes": []}
    try:
        line |= work()
    except Exception as error:  # a fault of ours in one photo is no reason to lose the others
        said = " ".join(str(error).split())
        if not (said and isinstance(error, ReparoError)):  # whose words are for people
            said = f"{type(error).__name__}: {said}"
        line |= {"error": said}
        line |= {"memory": True} if is_out_of_memory(error) else {}
    return line | {"seconds": round(time.monotonic() - start, 2), "at": now()}


def _partly(stage: str, task: Task, options: Mapping[str, Any]) -> Line:
    if stage == FIRST:
        sweep(task.folder)
        small_photo(task)
    api.run_up_to(stage, task.photo, task.folder, options["run"])
    return {}


def now() -> str:
    """The time, for people and programs."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _made(task: Task, options: Mapping[str, Any], step: Step) -> Line:
    fingerprint = made_from(task.photo, options["settings"])
    sweep(task.folder)  # of a run that was killed; nobody else writes here
    small_photo(task)
    with models.keeping(options["keep"]):
        found = api.run(task.photo, task.folder, progress=_steps(step), **options["run"])
    exports = []
    if options["export"]:
        step("export")
        exports = found.export(task.folder / EXPORTS, **options["export"])
    small_pictures(task)
    return {
        "done": True,
        "objects": list(found.scene.names),
        "notes": list(found.notes),
        "exports": [path.relative_to(task.folder).as_posix() for path in exports],
        "made_from": fingerprint,
    }


def small_photo(task: Task) -> None:
    """The photo alone, until there is more to show."""
    if not task.thumbnail.exists():
        _write(task.thumbnail, [open_image(task.photo)])


def small_pictures(task: Task) -> None:
    """The photo and the scene side by side."""
    with Image.open(task.folder / "preview.png") as sheet:
        photo, scene, _ = (sheet.convert("RGB").crop(box) for box in boxes(sheet.size, 3))
    _write(task.thumbnail, [photo, scene])


def _write(path: Path, images: list[Image.Image]) -> None:
    small = []
    for image in images:
        shrunk = image.convert("RGB")
        shrunk.thumbnail((WIDEST, HEIGHT))
        small.append(shrunk)
    sheet = Image.new("RGB", (sum(one.width for one in small), small[0].height))
    left = 0
    for one in small:
        sheet.paste(one, (left, 0))
        left += one.width
    with whole_file(path) as fresh:
        sheet.save(fresh, "WEBP", quality=QUALITY, method=5)


def _steps(step: Step) -> Progress:
    """Tells a step's name when it begins."""
    said = ""

    def progress(what: str, done: int, of_how_many: int) -> None:
        nonlocal said
        if what != said:
            said = what
            step(what)

    return progress
