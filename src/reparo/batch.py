"""Many photos, one after the other; what fails is written down and does not stop the rest."""

import json
import logging
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reparo import api
from reparo.contracts import Progress
from reparo.errors import InputError

log = logging.getLogger(__name__)

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic")


def run_all(photos: Path, out: Path, options: Mapping[str, Any], progress: Progress) -> list[Path]:
    """Runs every photo of a folder with the same options; the folders of those that worked.

    `out/batch.jsonl` gets a line a photo and run. A photo that is done is resumed, which costs
    little where nothing has changed.
    """
    if not photos.is_dir():
        raise InputError(f"a folder of photos was wanted, {photos} is none; check the path")
    files = sorted(file for file in photos.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(f"{photos} holds no photo; its files end in {', '.join(SUFFIXES)}")
    stems = Counter(file.stem for file in files)
    out.mkdir(parents=True, exist_ok=True)
    done = []
    for index, file in enumerate(files):
        progress(f"batch: {len(files)} photos", index, len(files))
        folder = out / (file.stem if stems[file.stem] == 1 else file.name)
        line = _one(file, folder, options, progress)
        with (out / "batch.jsonl").open("a") as lines:
            lines.write(json.dumps(line) + "\n")
        done += [folder] if line["done"] else []
    progress(f"batch: {len(files)} photos", len(files), len(files))
    if not done:
        raise InputError(f"none of the {len(files)} photos worked; {out / 'batch.jsonl'} says why")
    return done


def _one(
    file: Path, folder: Path, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    start = time.monotonic()
    line: dict[str, Any] = {"photo": file.name, "folder": folder.name, "done": False}
    try:
        result = api.run(file, folder, progress=progress, **options)
        line |= {"done": True, "objects": list(result.scene.names), "notes": list(result.notes)}
    except Exception as error:  # a fault of ours in one photo is no reason to lose the others
        log.warning("%s failed: %s", file.name, error)
        line |= {"error": f"{type(error).__name__}: {error}"}
    return line | {"seconds": round(time.monotonic() - start, 2)}
