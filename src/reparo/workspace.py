"""A run's folder: each step's result as files, and a note of what it was made from.

A result holds as long as its note names the same recipe: backend, settings, package version and the
contents of all it was made from. Contents, not times or names: a mask that is painted anew makes
what depends on it run again, and only as far as anything comes out different. A result whose files
are no longer those that were written was changed by hand; it is kept, whatever its recipe.
"""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reparo.files.folder import whole
from reparo.models import noting

log = logging.getLogger(__name__)

NOTE = "made-from.json"
LARGE = 64 << 20  # bytes; more than any result takes


@dataclass(frozen=True)
class Recipe:
    """What a result depends on, apart from the package's version."""

    backend: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]  # name -> digest

    @property
    def fingerprint(self) -> str:
        """Changes when anything that the result depends on does."""
        text = json.dumps(self.as_json(), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """For the note; a path among the settings stands with the contents it has now."""
        settings = {
            key: f"{value} {digest(value)}" if isinstance(value, Path) else value
            for key, value in self.settings.items()
        }
        return {**asdict(self), "settings": settings, "version": version("reparo3d")}


@dataclass(frozen=True)
class Workspace:
    """`OUT/steps`: one folder a result, `1-segment` or `4-reconstruct/chair`."""

    root: Path

    def step(self, place: str, recipe: Recipe, make: Callable[[Path], None]) -> Path:
        """The folder of a result that holds: the one that is there, or a new one by `make(folder)`.

        A new one appears whole or not at all.
        """
        folder = self.root / place
        if _holds(folder, recipe):
            log.debug("%s still holds", place)
            return folder
        with whole(folder, ours=lambda _: True) as fresh:
            begun = time.perf_counter()
            with noting() as used:
                make(fresh)
            note = recipe.as_json() | {
                "models": used,
                "seconds": round(time.perf_counter() - begun, 3),
                "fingerprint": recipe.fingerprint,
                "result": digest(fresh),
            }
            (fresh / NOTE).write_text(json.dumps(note, indent=2, default=str) + "\n")
        return folder

    def models(self) -> dict[str, Any]:
        """The networks that the results here were made with: from where, version and licence."""
        found: dict[str, Any] = {}
        for path in sorted(self.root.glob(f"*-*/**/{NOTE}")):
            used = _note(path.parent).get("models")
            found |= used if isinstance(used, dict) else {}
        return found

    def forget(self, step: str, keep: set[str]) -> None:
        """Removes results of objects that are no longer there, unless they were changed by hand."""
        for folder in sorted((self.root / step).glob("*/")):
            if folder.name not in keep and not _by_hand(folder):
                shutil.rmtree(folder)


def digest(path: Path) -> str:
    """Of a file's bytes, or of all files under a folder; notes and hidden files do not count."""
    total = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        name = file.relative_to(path)
        hidden = any(part.startswith(".") for part in name.parts)
        if file.is_file() and not hidden and file.name != NOTE:
            content = _content(file)
            total.update(f"{name.as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def _content(file: Path) -> str:
    """A file's hash. Of one as large as a network's it is kept while its time and size stay."""
    state = file.stat()
    if state.st_size < LARGE:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return _large_content(file.resolve(), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _large_content(file: Path, _size: int, _changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _holds(folder: Path, recipe: Recipe) -> bool:
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    if _by_hand(folder):
        log.info("%s was changed by hand: used as it is; delete it to have it made anew", folder)
        return True
    return _note(folder).get("fingerprint") == recipe.fingerprint


def _by_hand(folder: Path) -> bool:
    return _note(folder).get("result") != digest(folder)


def _note(folder: Path) -> dict[str, Any]:
    try:
        note = json.loads((folder / NOTE).read_text())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
