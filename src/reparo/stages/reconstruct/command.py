"""Any program that makes a mesh of a picture, started once an object.

The program gets the cut-out as a PNG with alpha and leaves a mesh. No shell is involved, its
environment is ours untouched, and it ends, children included, when its time is over.
"""

import logging
import re
import shlex
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path

from reparo.errors import BackendFailed, InputError, OutOfMemory
from reparo.files.cutouts import write_rgba
from reparo.scene import Cutout, Mesh
from reparo.stages.reconstruct.arrival import Axis, arrived
from reparo.stages.reconstruct.process import KILLED, Ended, run_bounded

log = logging.getLogger(__name__)

PLACES = ("cutout", "mesh", "folder", "name")
CLOCKS = 2_000_000_000  # ns that a file's time may lag behind
SHOWN, SEARCHED = 200, 4000  # characters of a program's last words: in a message, for reasons
NO_MEMORY = ("out of memory", "outofmemory", "cannot allocate memory", "memoryerror")


@dataclass(frozen=True)
class CommandReconstructor:
    """Runs `command` with {cutout}, {mesh}, {folder} and {name} filled in."""

    command: str | tuple[str, ...]  # a text is split at its spaces, quotes respected
    mesh: str = "{folder}/{name}.glb"  # where the program leaves it: a path, * for any part
    directory: str | None = None  # where the program is started; None: where we are
    seconds: float = 1800.0  # time limit for one object
    smaller_command: str | tuple[str, ...] | None = None  # tried once where memory runs out
    up: Axis = "+y"  # which of the mesh's own axes points up
    front: Axis = "+z"  # and which to the viewer of the cut-out
    upright: bool = False  # stands as in life, rather than tilted as the cut-out shows it
    most_faces: int = 300_000  # more are merged
    logs: Path | None = None  # the folder for NAME.log; a run's own if it is not said

    def __post_init__(self) -> None:
        """Finds slips before the first object is tried."""
        words = _words(self.command)
        if not words or not any("{cutout}" in word or "{folder}" in word for word in words):
            raise InputError(
                "reconstruct.command is a program and its arguments, {cutout} among them, as in "
                f'["python", "make.py", "{{cutout}}", "{{mesh}}"], got {self.command!r}'
            )
        for word in (*words, *_words(self.smaller_command or ()), self.mesh):
            if unknown := [name for name in re.findall(r"\{(\w+)\}", word) if name not in PLACES]:
                known = ", ".join(f"{{{name}}}" for name in PLACES)
                raise InputError(f"a command knows {known}, and not {{{unknown[0]}}}; mend {word}")
        if not self.seconds > 0 or self.most_faces < 4:
            raise InputError("a command needs more than 0 seconds, and a mesh 4 faces; raise them")
        if self.directory is not None and not Path(self.directory).is_dir():
            raise InputError(f"reconstruct.directory is a folder, {self.directory} is none")

    def smaller(self) -> "CommandReconstructor | None":
        """With the command that needs less memory."""
        if self.smaller_command is None:
            return None
        return replace(self, command=self.smaller_command, smaller_command=None)

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Writes the cut-out, runs the program, reads the mesh it left."""
        with tempfile.TemporaryDirectory(prefix="reparo-", ignore_cleanup_errors=True) as temporary:
            folder = Path(temporary).resolve()
            write_rgba(folder / "cutout.png", cutout)
            (folder / "out").mkdir()
            places = {
                "cutout": str(folder / "cutout.png"),
                "mesh": str(folder / "out" / f"{name}.glb"),
                "folder": str(folder / "out"),
                "name": name,
            }
            began = time.time_ns() - CLOCKS
            self._run([_filled(word, places) for word in _words(self.command)], name, folder)
            try:
                mesh = self._found(_filled(self.mesh, places), name, began)
                return arrived(mesh, name, (self.up, self.front), self.most_faces)
            except InputError as error:
                reason = str(error).replace(str(folder / "out") + "/", "")  # it is gone by then
                raise BackendFailed(
                    f"the command for {name!r} left no mesh that can be used: {reason}"
                    f"{self._more(name)}"
                ) from error

    def _run(self, words: list[str], name: str, folder: Path) -> None:
        """Runs it, its output into a log file; raises where it did not end well."""
        output = folder / "output.log"
        if self.logs is not None:
            self.logs.mkdir(parents=True, exist_ok=True)
            output = self.logs / f"{name}.log"
        log.debug("%s: %s", name, shlex.join(words))
        home = None if self.directory is None else Path(self.directory)
        ended = run_bounded(_with_path(words), output, self.seconds, home)
        if ended.code == 0:
            return
        said = _last_words(output)
        what = f"the command for {name!r} {_how(ended, self.seconds)}"
        message = f"{what}; its last words: {said[-SHOWN:] or 'none'}{self._more(name)}"
        if not ended.in_time:
            raise BackendFailed(message)
        lacked = ended.code == KILLED or any(sign in said.lower() for sign in NO_MEMORY)
        raise OutOfMemory(message) if lacked else BackendFailed(message)

    def _more(self, name: str) -> str:
        """Where the program's whole output is."""
        return "" if self.logs is None else f"; {self.logs / f'{name}.log'} has all of its output"

    def _found(self, pattern: str, name: str, began: int) -> Path:
        """The newest file where the mesh should be; none that was there before we began."""
        path = Path(self.directory or "") / pattern
        fitting = [Path(file) for file in glob(str(path))]
        fitting = [file for file in fitting if file.is_file() and file.stat().st_mtime_ns >= began]
        if not fitting:
            raise BackendFailed(
                f"the command for {name!r} ended well, but left no new mesh at {path.name!r}; say "
                "where it leaves it: reconstruct.mesh"
            )
        return max(fitting, key=lambda file: file.stat().st_mtime_ns)


def _words(command: str | tuple[str, ...]) -> list[str]:
    try:
        return shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError as error:
        raise InputError(f"the command {command!r} has an open quote; close it") from error


def _filled(word: str, places: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: places[found[1]], word)


def _with_path(words: list[str]) -> list[str]:
    """The program's whole path, as the search path has it."""
    found = shutil.which(words[0])
    return [found or words[0], *words[1:]]


def _how(ended: Ended, seconds: float) -> str:
    if not ended.in_time:
        return f"was not done after {seconds:g} s and was stopped"
    if ended.code < 0:
        hint = ", most likely for want of memory" if ended.code == KILLED else ""
        return f"was ended by signal {-ended.code}{hint}"
    return f"failed with exit code {ended.code}"


def _last_words(output: Path) -> str:
    """The end of a log in one line."""
    with output.open("rb") as file:
        file.seek(max(0, output.stat().st_size - SEARCHED))
        text = file.read().decode("utf-8", "replace")
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.split())
