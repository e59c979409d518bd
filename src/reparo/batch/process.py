"""A worker as its batch sees it: a process that is given tasks, watched, and killed if need be."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reparo.batch import plan
from reparo.batch.photos import Task

LAST_WORDS = 300  # letters of a worker's log


@dataclass(frozen=True)
class Setup:
    """What all workers are told, and where they leave their traces."""

    work: str  # module:function
    options: Mapping[str, Any]
    folder: Path  # for locks and logs


@dataclass
class Process:
    """One worker. `answers` gets (process, what it said), and (process, None) when it ends."""

    setup: Setup
    slot: int
    environment: Mapping[str, str]
    answers: queue.Queue[tuple["Process", dict[str, Any] | None]]
    ready: bool = False
    task: Task | None = None
    step: str = ""  # that it is at
    begun: float = 0.0  # monotonic, s; when its task was
    peak: int = 0  # bytes, while its task was at work
    killed_for: str = ""  # by us, and why
    _popen: subprocess.Popen[str] = field(init=False, repr=False)
    _listener: threading.Thread = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Starts it."""
        self.setup.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "reparo.batch.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env={**os.environ, **self.environment},
            )
        lock = self.setup.folder / f"worker-{self.slot}.lock"
        setup = {"work": self.setup.work, "options": dict(self.setup.options), "lock": str(lock)}
        self._send(setup)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def log(self) -> Path:
        """What the worker and its libraries say."""
        return self.setup.folder / f"worker-{self.slot}.log"

    @property
    def pid(self) -> int:
        """The process's own number."""
        return self._popen.pid

    def give(self, task: Task) -> None:
        """Begins a task; the worker must be without one."""
        self.task, self.step, self.begun, self.peak = task, "", time.monotonic(), 0
        self._send({"photo": str(task.photo), "folder": str(task.folder)})

    def kill(self, reason: str = "") -> None:
        """Ends it, and all that it started."""
        self.killed_for = self.killed_for or reason
        plan.end(self.pid)

    def close(self) -> None:
        """Ends it and waits until it has."""
        self.kill("closed")
        self._wait()

    def ended(self) -> str:
        """Why it is no more, in words."""
        code = self._wait()
        at = f" in the step {self.step!r}" if self.step else ""
        if self.killed_for:
            return f"{self.killed_for}{at}"
        if code == -getattr(signal, "SIGKILL", 9):
            return f"the worker was killed{at}, most likely for want of memory"
        words = f": {said}" if (said := self.last_words()) else ""
        if code < 0:
            with suppress(ValueError):
                return f"the worker died of {signal.Signals(-code).name}{at}{words}"
        return f"the worker ended with code {code}{at}{words}"

    def last_words(self) -> str:
        """The end of its log."""
        with suppress(OSError):
            lines = self.log.read_text(errors="replace").split("\n")
            said = [line.strip() for line in lines if line.strip()]
            return said[-1][:LAST_WORDS] if said else ""
        return ""

    def _wait(self) -> int:
        """Until it has ended and all it said was heard; the exit code."""
        assert self._popen.stdin is not None
        with suppress(OSError):  # what was not read any more
            self._popen.stdin.close()
        self._listener.join()
        return self._popen.wait()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._popen.stdin is not None
        with suppress(OSError):  # it died just now; `answers` will tell
            self._popen.stdin.write(json.dumps(message, default=str) + "\n")
            self._popen.stdin.flush()

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # cut by its death
                    self.answers.put((self, json.loads(line)))
        self.answers.put((self, None))
