"""Results that are there whole or not at all: written beside their place, then swapped in."""

import errno
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from reparo.errors import InputError
from reparo.files.checks import read_json

LEFT = re.compile(r"\..+-[0-9a-f]{8}(\.\w+)?")  # names by `_sibling`
CUT = re.compile(r"\d+ requested and \d+ written")  # numpy's words for a full disk
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def is_result(folder: Path) -> bool:
    """Whether a folder is what `align` or `run` left: it has their layout.json."""
    return _has_keys(folder / "layout.json", "camera", "objects", "method")


def is_scene(folder: Path) -> bool:
    """Whether a folder is a scene folder: it has a scene.json."""
    return _has_keys(folder / "scene.json", "camera", "objects", "image")


def _has_keys(path: Path, *keys: str) -> bool:
    try:
        found = read_json(path)
    except (InputError, OSError):
        return False
    return isinstance(found, dict) and all(key in found for key in keys)


@contextmanager
def whole(
    path: Path, ours: Callable[[Path], bool] = is_result, inputs: Sequence[Path] = ()
) -> Iterator[Path]:
    """Gives an empty folder to write into, which replaces `path` when the block ends well.

    When it ends by an exception, Ctrl-C included, what was at `path` stays. Replaced whole are only
    empty folders and those that `ours` knows; `inputs` are files and folders that were read, and
    may not lie in what is replaced.
    """
    target = path.resolve()
    _check_replaceable(target, ours, inputs)
    temporary = _sibling(target)
    new = [parent for parent in target.parents if not parent.exists()]
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; choose another") from error
    try:
        yield temporary
        _swap(temporary, target)
    except OSError as error:
        _refuse_full_disk(target, error)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _remove_empty(new)


def sweep(folder: Path) -> None:
    """Removes what writers left that were killed: half of what they wrote, or half of what it
    replaced. Nobody else may be writing there."""
    for path in sorted(folder.rglob(".*")):
        if LEFT.fullmatch(path.name):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a path to write one file to, which replaces `path` when the block ends well."""
    target = path.resolve()
    temporary = _sibling(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(target)
    except OSError as error:
        _refuse_full_disk(target, error)
        if error.filename in map(str, (temporary, *target.parents)):  # not one that was read
            raise InputError(
                f"{path} cannot be written: {error.strerror}; choose another"
            ) from error
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _check_replaceable(target: Path, ours: Callable[[Path], bool], inputs: Sequence[Path]) -> None:
    for read in inputs:
        if read.resolve().is_relative_to(target):
            raise InputError(
                f"{target} would be replaced whole, and {read}, which was read, lies in it; "
                "choose another output folder"
            )
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{target} must be a folder, it is a file; choose another output folder")
    if any(target.iterdir()) and not ours(target):
        raise InputError(
            f"{target} must be empty, new or an earlier result to be replaced, it holds other "
            "things; choose another output folder"
        )


def _remove_empty(folders: Sequence[Path]) -> None:
    """Removes folders, innermost first, up to one that holds something."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _sibling(target: Path) -> Path:
    """A hidden name beside the target, on the same disk, with the same suffix."""
    return target.parent / f".{target.stem}-{uuid4().hex[:8]}{target.suffix}"


def _swap(temporary: Path, target: Path) -> None:
    if not target.exists():
        temporary.rename(target)
        return
    old = _sibling(target)
    target.rename(old)
    try:
        temporary.rename(target)
    except BaseException:
        old.rename(target)
        raise
    finally:
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def _refuse_full_disk(target: Path, error: OSError) -> None:
    if error.errno in FULL or (error.errno is None and CUT.fullmatch(str(error))):
        raise InputError(
            f"the disk is full, {target} could not be written; free some space"
        ) from error
