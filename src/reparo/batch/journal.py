"""batch.jsonl: a line a photo and try, which outlives whatever happens to the batch."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from reparo.batch.photos import WORK, Line
from reparo.errors import InputError, ReparoError

JOURNAL = "batch.jsonl"
LISTS = ("objects", "notes", "exports")
PATIENCE = 60.0  # s; so long a worker may need to notice that its batch is gone


@dataclass(frozen=True)
class Journal:
    """What is known of each photo, and which were at work when the batch was killed."""

    out: Path

    @property
    def path(self) -> Path:
        """For people and programs."""
        return self.out / JOURNAL

    def mend(self) -> None:
        """Ends a last line that was cut; one that is whole is kept."""
        if not self.path.exists():
            return
        with self.path.open("rb+") as file:
            content = file.read()
            whole, newline, rest = content.rpartition(b"\n")
            if not rest:
                return
            if _line(rest) is None:
                file.truncate(len(whole) + len(newline))
            else:
                file.write(b"\n")

    def last(self) -> dict[str, Line]:
        """The last line of each photo, by its file's name; lines that are none do not count."""
        if not self.path.exists():
            return {}
        lines = (_line(text) for text in self.path.read_bytes().splitlines())
        return {line["photo"]: line for line in lines if line is not None}

    def add(self, line: Line) -> None:
        """Appends a line, in one piece."""
        _append(self.path, json.dumps(line) + "\n")
        self._note("-", line["photo"])

    def begin(self, photo: str) -> None:
        """Notes that a photo is at work."""
        self._note("+", photo)

    def interrupted(self) -> set[str]:
        """The photos that were at work when an earlier batch was killed; they are asked once."""
        found: set[str] = set()
        if self._at_work.exists():
            for text in self._at_work.read_bytes().splitlines():
                if isinstance(photo := _json(text[1:]), str):
                    (found.add if text.startswith(b"+") else found.discard)(photo)
            self._at_work.unlink()
        return found

    def _note(self, sign: str, photo: str) -> None:
        """As JSON: a file's name may hold anything, new lines and bytes that are no text too."""
        _append(self._at_work, f"{sign}{json.dumps(photo)}\n")

    @property
    def _at_work(self) -> Path:
        return self.out / WORK / "at-work.txt"


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keeps other batches out of a folder; a killed one keeps nobody out.

    Waits for workers that an earlier batch left, and that have not noticed yet.
    """
    folder = out / WORK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder / "batch.lock").acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"another batch is at work in {out}; wait for it, or choose another folder"
        ) from error
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}; choose another") from error
    with held:
        try:
            for path in sorted(folder.glob("worker-*.lock")):
                with FileLock(path, timeout=PATIENCE):
                    pass
        except Timeout as error:
            raise ReparoError(
                f"a worker of an earlier batch is still at work in {out}; end it, then try again"
            ) from error
        yield


def _line(text: bytes) -> Line | None:
    line = _json(text)
    if not isinstance(line, dict) or not isinstance(line.get("photo"), str):
        return None
    return line if all(isinstance(line.get(key, []), list) for key in LISTS) else None


def _json(text: bytes) -> Any:
    """What it says; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _append(path: Path, text: str) -> None:
    """One write to the end of a file: there is all of it afterwards, or nothing."""
    content = text.encode()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags, 0o666)
    try:
        written = os.write(file, content)
        if written < len(content):  # the disk is full; `mend` takes the piece away
            raise InputError(f"the disk is full, {path} could not be written; free some space")
    finally:
        os.close(file)
