"""Which photos there are, and what is to be done with each."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from reparo.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic")
WORK = ".batch"  # in a batch's folder: what only the batch itself reads
OWN = re.compile(r"batch(-\d+)?\.html|batch\.jsonl")  # and what people read there

Line = dict[str, Any]
"""What came of one photo: a line of batch.jsonl."""


@dataclass(frozen=True)
class Task:
    """One photo, and the folder for its scene."""

    photo: Path
    folder: Path

    @property
    def thumbnail(self) -> Path:
        """Its small picture for the contact sheet."""
        return self.folder.parent / WORK / "thumbnails" / f"{self.folder.name}.webp"


@dataclass(frozen=True)
class Limits:
    """What one photo may cost."""

    seconds: float  # after which it counts as hanging
    memory: int  # bytes, of all workers together


@runtime_checkable
class Engine(Protocol):
    """Does tasks in any order; each gives one line or, where it is tried again, more.

    `begun` is called when a task is begun.
    """

    def __call__(
        self, tasks: Sequence[Task], begun: Callable[[Task], None]
    ) -> Iterator[tuple[Task, Line]]: ...


def tasks_in(photos: Path, out: Path) -> list[Task]:
    """Every photo of a folder, by name; its scene gets the photo's name, whole where it must."""
    if not photos.is_dir():
        raise InputError(f"a folder of photos was wanted, {photos} is none; check the path")
    files = sorted(
        file
        for file in photos.iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
    )
    if not files:
        raise InputError(f"{photos} holds no photo; its files end in {', '.join(SUFFIXES)}")
    # some disks take Room and room for one name, and a.jpg.png has the stem a.jpg
    taken = Counter(name.casefold() for file in files for name in {file.stem, file.name})
    free = {stem for stem, count in taken.items() if count == 1 and not OWN.fullmatch(stem)}
    return [
        Task(file, out / (file.stem if file.stem.casefold() in free else file.name))
        for file in files
    ]


def made_from(photo: Path, settings: str) -> str:
    """A fingerprint of a photo's bytes and of all that is set."""
    with photo.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    return hashlib.sha256(f"{content} {settings}".encode()).hexdigest()
