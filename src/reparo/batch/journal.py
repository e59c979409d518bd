"""batch.jsonl: a line a photo and try, which outlives whatever happens to the batch."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from reparo.batch.photos import WORK, Line
from reparo.errors import InputError, ReparoError

JOURNAL = "batch.jsonl"
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
        _append(self._at_work, f"-{line['photo']}\n")

    def begin(self, photo: str) -> None:
        """Notes that a photo is at work."""
        _append(self._at_work, f"+{photo}\n")

    def interrupted(self) -> set[str]:
        """The photos that were at work when an earlier batch was killed; they are asked once."""
        found: set[str] = set()
        if self._at_work.exists():
            for text in self._at_work.read_text(encoding="utf-8").splitlines():
                (found.add if text.startswith("+") else found.discard)(text[1:])
            self._at_work.unlink()
        return found

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
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}; choose another") from error
    try:
        held = FileLock(folder / "batch.lock").acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"another batch is at work in {out}; wait for it, or choose another folder"
        ) from error
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
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("photo"), str) else None


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
