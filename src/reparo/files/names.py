"""Names of objects, and paths that stay in their folder."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from reparo.errors import InputError

SAFE = re.compile(r"[A-Za-z0-9._-]{1,100}")


def check_name(name: str, where: str) -> str:
    """A name that can be a file's on any system."""
    if not SAFE.fullmatch(name) or name in (".", ".."):
        raise InputError(
            f"{where} must be 1 to 100 letters, digits, '-', '_' or '.', got {name[:100]!r}; "
            "rename it"
        )
    return name


def check_unique(names: Sequence[str], where: str) -> None:
    """No name stands twice."""
    for name in names:
        if list(names).count(name) > 1:
            raise InputError(
                f"{where} must have different names, {name!r} stands twice; rename one"
            )


def inside(folder: Path, relative: str, where: str) -> Path:
    """The file that a relative path means, which must lie in `folder`, links followed."""
    windows = PureWindowsPath(relative)
    absolute = windows.drive or windows.root or PurePosixPath(relative).is_absolute()
    if not absolute and "\0" not in relative:
        try:
            path = (folder / relative).resolve()
            path.exists()  # raises where the name is longer than the disk takes
            if path.is_relative_to(folder.resolve()):
                return path
        except (OSError, RuntimeError):  # that, or a link that points at itself
            pass
    raise InputError(
        f"{where} must be a relative path that stays in {folder}, got {relative[:100]!r}; "
        "copy the file into the folder"
    )
