"""Kills a batch twice at awkward moments, lets it end, and checks that nothing was lost.

    python benchmarks/batch_killed.py PHOTOS -o OUT [--picture SHEET.png] [options of `batch`]

SIGKILL goes to the whole process group: first when a third of the photos is done and a step's
result is half written; then when two thirds are done and a photo's results are half written.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from reparo.batch.photos import WORK, tasks_in
from reparo.files.folder import LEFT
from reparo.files.layout_json import read_layout
from reparo.files.stored import read_result

LARGE = 490_000  # bytes of a picture
LOOK = 0.005  # s; half-written results are there for less than a tenth of a second


def main() -> int:
    """Starts, kills, starts, kills, starts, checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--picture", type=Path, help="a screenshot of batch.html")
    given, more = parser.parse_known_args()
    out, tasks = given.out, tasks_in(given.photos, given.out)
    command = [sys.executable, "-m", "reparo.cli", "batch", given.photos, "-o", out, *more]
    began = time.monotonic()
    kept: dict[str, str] = {}  # of photos that were done before a kill: what they came to
    for share, half in ((1 / 3, in_a_step), (2 / 3, in_the_results)):
        wanted = round(share * len(tasks))
        seen = killed(command, lambda: len(done(out)) >= wanted, lambda: half(out))  # noqa: B023
        names = done(out)
        kept |= {name: content(out / folder) for name, folder in names.items()}
        print(f"killed after {time.monotonic() - began:.0f} s: {len(names)} done, {seen}")
    start = time.monotonic()
    ended = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL)
    print(f"the third start took {time.monotonic() - start:.0f} s, exit code {ended.returncode}")
    print(f"{time.monotonic() - began:.0f} s in all")
    if given.picture:
        picture(out / "batch.html", given.picture)
    return check(out, len(tasks), kept)


def killed(command: list, ready: Callable[[], bool], half: Callable[[], str]) -> str:
    """Starts a batch and kills it, with all its processes, when both say so; what was half done."""
    batch = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, start_new_session=True
    )
    while batch.poll() is None and not ready():
        time.sleep(1)
    while batch.poll() is None:
        if seen := half():
            os.killpg(batch.pid, signal.SIGKILL)
            batch.wait()
            return seen
        time.sleep(LOOK)
    raise SystemExit("the batch ended before it could be killed")


def in_a_step(out: Path) -> str:
    """A step's folder that is being written."""
    return next((str(path.relative_to(out)) for path in half_written(out, "*/steps/**/.*")), "")


def in_the_results(out: Path) -> str:
    """A result that is being written."""
    return next((str(path.relative_to(out)) for path in half_written(out, "*/.*")), "")


def half_written(out: Path, pattern: str) -> list[Path]:
    """Files and folders beside their final places."""
    found = [path for path in out.glob(pattern) if LEFT.fullmatch(path.name)]
    return [path for path in found if WORK not in path.parts]


def lines(out: Path) -> list[dict]:
    """batch.jsonl, without a line that is just being written."""
    path = out / "batch.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def done(out: Path) -> dict[str, str]:
    """The photos that worked, and their folders."""
    return {line["photo"]: line["folder"] for line in lines(out) if line["done"]}


def content(folder: Path) -> str:
    """Of a scene's results."""
    names = ("scene.glb", "layout.json", "report.html")
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in names)).hexdigest()


def check(out: Path, photos: int, kept: dict[str, str]) -> int:
    """Whether each photo has one line, and a scene that can be read, or a reason."""
    worked, last = done(out), {line["photo"]: line for line in lines(out)}
    twice = len([line for line in lines(out) if line["done"]]) - len(worked)
    changed = [name for name, was in kept.items() if content(out / worked[name]) != was]
    left = [*half_written(out, "*/steps/**/.*"), *half_written(out, "*/.*")]
    unreadable = [name for name, folder in worked.items() if not readable(out / folder)]
    failed = {name: line["error"] for name, line in last.items() if not line["done"]}
    seconds = sum(last[name]["seconds"] for name in worked)
    print(f"{photos} photos: {len(worked)} done, {len(failed)} failed, {photos - len(last)} lost")
    print(f"{twice} done twice, {len(changed)} changed after a kill, {len(unreadable)} unreadable")
    print(f"{len(left)} half-written files left, {seconds:.0f} s of work in the last tries")
    for name, error in failed.items():
        print(f"{name}: {error}")
    return int(bool(twice or changed or unreadable or left or len(last) < photos))


def readable(folder: Path) -> bool:
    """Whether another program could go on with it."""
    names = read_layout(folder / "layout.json").names
    return names == read_result(folder).scene.names and (folder / "report.html").is_file()


def picture(page: Path, path: Path) -> None:
    """A screenshot by Chromium; in few colours where it would be large."""
    from PIL import Image
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for word in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,1000"):
        options.add_argument(word)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=service)
    try:
        browser.get(page.resolve().as_uri())
        browser.save_screenshot(str(path))
    finally:
        browser.quit()
    with Image.open(path) as image:
        picture = image.convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > LARGE:
        picture.quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
