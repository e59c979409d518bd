"""A program that runs for a bounded time, and takes its children with it when it goes."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reparo.errors import InputError

KILLED = -9  # the exit code of what the system killed
GRACE = 2.0  # s between asking to end and making it end


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int  # below 0: by that signal
    in_time: bool


def run_bounded(
    words: Sequence[str], output: Path, seconds: float, directory: Path | None = None
) -> Ended:
    """Runs a program without a shell, all it says into `output`, for so many seconds at most.

    Nothing is read from us, and our environment is handed on as it is. It runs in a group of its
    own, which is ended whole: when its time is over, on Ctrl-C, and when it leaves children.
    """
    with output.open("wb") as log:
        try:
            process = subprocess.Popen(
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=directory,
                **_group(),
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"the program {words[0]!r} cannot be started ({error}); check reconstruct.command"
            ) from error
        try:
            return Ended(process.wait(seconds), in_time=True)
        except subprocess.TimeoutExpired:
            _end(process)
            return Ended(process.wait(), in_time=False)
        finally:
            _end(process)


def _group() -> dict[str, Any]:
    """What makes the program lead a group of its own."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _end(process: "subprocess.Popen[Any]") -> None:
    """Ends the program and all it started: asked first, then made to."""
    if sys.platform == "win32":
        if process.poll() is None:
            tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            subprocess.run(tree, capture_output=True, check=False)
        process.wait()
        return
    gone = suppress(ProcessLookupError, PermissionError)  # nobody of the group is left
    try:
        if process.poll() is None:
            with gone, suppress(subprocess.TimeoutExpired):
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(GRACE)
    finally:  # also on a second Ctrl-C
        with gone:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
