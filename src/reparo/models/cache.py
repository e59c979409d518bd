"""Where the networks' files lie on this machine, and whether they are what they should be."""

import hashlib
import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path

from reparo.errors import MissingWeights
from reparo.models.known import Model, WeightFile, find_model, manifest


class State(StrEnum):
    """What is known of a network's files."""

    READY = "ready"
    MISSING = "missing"
    DAMAGED = "damaged"


def home() -> Path:
    """The per-user folder: REPARO_HOME, else the system's place for what can be fetched again."""
    if chosen := os.environ.get("REPARO_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "reparo"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "reparo"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reparo"


def folder_of(model: Model) -> Path:
    """Where a network's files belong; its version is in the name, so an update never mixes."""
    return home() / "models" / f"{model.name}-{model.version}"


def path(name: str) -> Path:
    """The folder with a network's files; all there, not hashed again."""
    model = find_model(name)
    folder = folder_of(model)
    if not all(_has_right_size(folder, file) for file in model.files):
        raise MissingWeights(
            f"the network {name!r} ({model.purpose.split(':')[0]}) is not on this machine; "
            f"`reparo models pull {model.group}` brings it ({model.download_bytes / 1e6:.0f} MB)"
        )
    return folder


def located(weights: str | Path) -> Path:
    """The folder that a backend's `weights` mean: a network's, by its name, else the folder itself.

    Nothing is fetched here. A folder that is called like a network is given by its absolute path.
    """
    if str(weights) in {model.name for model in manifest()}:
        return path(str(weights))
    folder = Path(weights).expanduser()
    if not folder.is_dir():
        raise MissingWeights(
            f"weights were wanted in {str(weights)!r}, which is neither a folder nor the name of "
            "a network; `reparo models list` has the names, and a folder of yours is given by "
            'weights = "/path"'
        )
    return folder


def verify(name: str) -> State:
    """Hashes a network's files."""
    model = find_model(name)
    folder = folder_of(model)
    if not all((folder / file.name).is_file() for file in model.files):
        return State.MISSING
    for file in model.files:
        with (folder / file.name).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file.sha256:
                return State.DAMAGED
    return State.READY


def remove(name: str) -> bool:
    """Deletes a network's files; says whether there were any."""
    model = find_model(name)
    there = folder_of(model).is_dir()
    if there:
        shutil.rmtree(folder_of(model))
    return there


def _has_right_size(folder: Path, file: WeightFile) -> bool:
    found = folder / file.name
    return found.is_file() and found.stat().st_size == file.bytes
