"""Networks that a hub keeps: list, choose, bring file by file, check, note what came.

A file that is half there stays as half and is gone on with the next time; one that is whole but not
what it should be is deleted.
"""

import errno
import os
import shutil
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from reparo.contracts import Progress
from reparo.errors import InputError, MissingWeights
from reparo.models import hub
from reparo.models.cache import RECORD, Expected, sha256_of, write_record
from reparo.models.known import Model, Repository

PARTS = ".parts"
SPARE = 64 << 20  # bytes that are left free on the disk
FULL = (errno.ENOSPC, errno.EDQUOT)


def pull_repository(model: Model, folder: Path, progress: Progress) -> None:
    """Brings what is wanted of a repository and not there yet."""
    source = model.source
    assert isinstance(source, Repository)
    listing = hub.listing(source.name, source.revision)
    wanted = _wanted(source, listing)
    parts = folder / PARTS
    parts.mkdir(parents=True, exist_ok=True)
    _check_space(folder, wanted)
    done, total = 0, max(1, sum(file.bytes or 0 for file in wanted))
    kept: list[Expected] = []
    try:
        for file in wanted:
            start = done

            def arrived(n: int, start: int = start) -> None:
                progress(f"pull {model.name}", min(start + n, total), total)

            here = source.name_here(file.name)
            kept.append(_one(listing, file, (folder, here), arrived))
            done += kept[-1].bytes
        write_record(folder, listing.commit, kept)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise _full(folder, "less") from error
    shutil.rmtree(parts)
    progress(f"pull {model.name}", total, total)


def _wanted(source: Repository, listing: hub.Listing) -> list[hub.Listed]:
    """The files that the manifest asks for, with its hashes where it has them."""
    names = [file.name for file in listing.files]
    for pattern in source.files:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(
                f"{source.name} at {listing.commit[:12]} should have {pattern}, and has no such "
                "file; its owner may have changed it, fetch it elsewhere and give the folder: "
                'weights = "/path"'
            )
    pinned = dict(source.sha256)
    return [
        hub.Listed(file.name, file.bytes, pinned.get(file.name, file.sha256))
        for file in listing.files
        if _matches(file.name, source.files) and not _matches(file.name, source.without)
    ]


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return name != RECORD and any(fnmatchcase(name, pattern) for pattern in patterns)


def _one(
    listing: hub.Listing, file: hub.Listed, place: tuple[Path, str], arrived: Callable[[int], None]
) -> Expected:
    """One file, whole and checked, in its place: a folder and the name there."""
    folder, here = place
    target = folder / here
    if target.is_file() and file.sha256 is not None and sha256_of(target) == file.sha256:
        arrived(target.stat().st_size)
        return Expected(here, target.stat().st_size, file.sha256)
    # by content or by commit, so that halves of two versions never meet
    part = folder / PARTS / f"{(file.sha256 or listing.commit)[:16]}-{file.name.replace('/', '-')}"
    hub.bring(listing, file, part, arrived)
    found = Expected(here, part.stat().st_size, sha256_of(part))
    if file.sha256 not in (None, found.sha256):
        part.unlink()
        raise InputError(
            f"{file.name} of {listing.repository} should have sha256 {file.sha256}, what came has "
            f"{found.sha256}; it is not kept, pull again, and if that does not help look where "
            "HF_ENDPOINT points"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(part, target)
    return found


def _check_space(folder: Path, wanted: list[hub.Listed]) -> None:
    there = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    missing = sum(file.bytes or 0 for file in wanted) - there
    free = shutil.disk_usage(folder).free
    if missing > 0 and missing + SPARE > free:
        raise _full(folder, f"{free / 1e6:.0f} MB of the {(missing + SPARE) / 1e6:.0f} MB")


def _full(folder: Path, free: str) -> MissingWeights:
    return MissingWeights(
        f"the disk of {folder} is too full: {free} that it takes is free; make room, or choose "
        "another place by REPARO_HOME, and pull again, what has come is kept"
    )
