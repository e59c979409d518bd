"""Where the networks' files lie on this machine, and whether they are what they should be."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from reparo.errors import MissingWeights
from reparo.models import consent
from reparo.models.known import Model, Package, find_model, manifest

RECORD = "pulled.json"  # beside a hub's files: which commit, which files


class State(StrEnum):
    """What is known of a network's files."""

    READY = "ready"
    MISSING = "missing"
    DAMAGED = "damaged"  # or not all there yet


@dataclass(frozen=True)
class Expected:
    """A file as it should be."""

    name: str
    bytes: int
    sha256: str


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
    version = model.source.version.replace("/", "-")[:12]
    return home() / "models" / f"{model.name}-{version}"


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
    facts = {"from": f"the folder {folder}", "version": "unknown", "licence": "unknown"}
    consent.note(str(weights), facts)
    return folder


def path(name: str) -> Path:
    """The folder with a network's files for use: its licence in order, all there, not hashed again.

    Its use is noted where `noting` collects.
    """
    model = find_model(name)
    consent.check(model)
    folder = folder_of(model)
    if look(name) is not State.READY:
        offline = consent.offline(hub=not isinstance(model.source, Package))
        size = "" if model.bytes is None else f" ({model.size})"
        where = " where there is a network (here it is switched off)" if offline else ""
        raise MissingWeights(
            f"the network {name!r} ({model.purpose.split(':')[0]}) is not on this machine; "
            f"`reparo models pull {name}`{where} brings it{size}, or give a folder of yours: "
            'weights = "/path"',
            name,
        )
    version = _read_record(folder).get("commit", model.source.version)
    facts = {"from": model.source.where, "version": str(version), "licence": model.licence}
    consent.note(name, facts)
    return folder


def look(name: str) -> State:
    """Whether a network's files are there, by their sizes; cheap."""
    return _state(name, lambda folder, file: (folder / file.name).stat().st_size == file.bytes)


def verify(name: str) -> State:
    """Hashes a network's files."""
    return _state(name, lambda folder, file: sha256_of(folder / file.name) == file.sha256)


def remove(name: str) -> bool:
    """Deletes a network's files; says whether there were any."""
    model = find_model(name)
    there = folder_of(model).is_dir()
    if there:
        shutil.rmtree(folder_of(model))
    return there


def sha256_of(file: Path) -> str:
    """Of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_record(folder: Path, commit: str, files: list[Expected]) -> None:
    """Notes what was pulled; without this note a folder does not count as whole."""
    entries = {file.name: {"bytes": file.bytes, "sha256": file.sha256} for file in files}
    fresh = folder / f".{RECORD}"
    fresh.write_text(json.dumps({"commit": commit, "files": entries}, indent=1) + "\n")
    os.replace(fresh, folder / RECORD)


def _state(name: str, right: Callable[[Path, Expected], bool]) -> State:
    model = find_model(name)
    folder = folder_of(model)
    if not folder.is_dir() or not any(folder.iterdir()):
        return State.MISSING
    if isinstance(model.source, Package):
        expected = [Expected(file.name, file.bytes, file.sha256) for file in model.source.files]
        if not all((folder / file.name).is_file() for file in expected):
            return State.MISSING
    else:
        expected = _recorded(folder)
    whole = all((folder / file.name).is_file() and right(folder, file) for file in expected)
    return State.READY if expected and whole else State.DAMAGED


def _recorded(folder: Path) -> list[Expected]:
    """What a pull from a hub wrote down, or nothing."""
    try:
        files = _read_record(folder)["files"].items()
        return [Expected(name, facts["bytes"], facts["sha256"]) for name, facts in files]
    except (AttributeError, KeyError, TypeError):
        return []


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
