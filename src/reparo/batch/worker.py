"""A worker: reads tasks as JSON lines, answers each with one. `python -m reparo.batch.worker`.

The first line says what the work is. When its input ends the batch is gone, and so is the worker,
at once: what it was at is kept step by step, and the next batch may need the folder.
"""

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock

from reparo.batch.photos import Line, Task

Step = Callable[[str], None]
"""Called with the name of each step that begins."""

Work = Callable[[Task, Step], Line]
"""Does one task, whatever happens: a failure is a line too."""

EXPENDABLE = "500"  # of 1000: where memory runs out, Linux ends a worker before the batch


def main() -> None:
    """Works until there is nothing more to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the batch's business
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(EXPENDABLE)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print goes to the log
    asked: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    setup = json.loads(asked.get())
    with FileLock(setup["lock"]):
        work: Work = named(setup["work"])(setup["options"])
        _say(answers, {"ready": True})
        while True:
            job = json.loads(asked.get())
            task = Task(Path(job["photo"]), Path(job["folder"]))
            line = work(task, lambda step: _say(answers, {"step": step}))
            _say(answers, {"line": line})


def named(place: str) -> Callable[..., Any]:
    """What makes the work of its options, by `module:function`."""
    module, _, function = place.partition(":")
    return getattr(import_module(module), function)


def _listen(asked: queue.Queue[str]) -> None:
    for line in sys.stdin:
        asked.put(line)
    os._exit(1)


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # the batch is gone; `_listen` is about to notice
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
