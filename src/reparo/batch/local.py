"""The engine for one machine: a few processes, each with its networks, within a budget of memory.

A photo whose worker dies, or needs more memory than there is, is tried once more when all others
are done: alone, with all the memory. One that hangs is given up.
"""

import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from reparo.batch.photos import Limits, Line, Task
from reparo.batch.plan import Plan, in_words, spent
from reparo.batch.process import Process, Setup
from reparo.errors import ReparoError

log = logging.getLogger(__name__)

LOOK = 0.5  # s between looks at clocks and memory
HUNG, FULL = "took longer than", "needed more memory than"
AGAIN = "it is tried once more, alone, at the end"


@dataclass
class LocalEngine:
    """Processes on this machine."""

    setup: Setup
    plan: Plan
    limits: Limits
    _answers: queue.Queue[tuple[Process, dict[str, Any] | None]] = field(
        default_factory=queue.Queue, repr=False
    )
    _processes: dict[int, Process] = field(default_factory=dict, repr=False)  # by slot
    _waiting: deque[Task] = field(default_factory=deque, repr=False)
    _alone: deque[Task] = field(default_factory=deque, repr=False)  # second tries
    _tried: set[Task] = field(default_factory=set, repr=False)
    _slots: int = 0
    _looked: float = 0.0  # monotonic, s

    def __call__(
        self, tasks: Sequence[Task], begun: Callable[[Task], None]
    ) -> Iterator[tuple[Task, Line]]:
        """Does them all."""
        self._slots = self.plan.workers
        self._waiting.extend(tasks)
        try:
            while self._waiting or self._alone or self._busy():
                self._fill(begun)
                yield from self._next()
                self._watch()
        finally:
            for process in self._processes.values():
                process.close()
            self._processes.clear()

    def _busy(self) -> list[Process]:
        return [process for process in self._processes.values() if process.task is not None]

    def _fill(self, begun: Callable[[Task], None]) -> None:
        """Gives idle workers something to do."""
        if not self._waiting and self._alone and not self._busy():
            self._let_go(keep=1)  # a second try has the memory to itself
            self._give(0, self._alone.popleft(), begun)
        for slot in range(self._slots):
            process = self._processes.get(slot)
            if self._waiting and (process is None or process.task is None):
                self._give(slot, self._waiting.popleft(), begun)

    def _give(self, slot: int, task: Task, begun: Callable[[Task], None]) -> None:
        if slot not in self._processes:
            environment = self.plan.environment(slot)
            self._processes[slot] = Process(self.setup, slot, environment, self._answers)
        begun(task)
        self._processes[slot].give(task)

    def _let_go(self, keep: int) -> None:
        """Ends idle workers beyond so many."""
        for slot in [slot for slot in self._processes if slot >= keep]:
            if self._processes[slot].task is None:
                self._processes.pop(slot).close()

    def _next(self) -> Iterator[tuple[Task, Line]]:
        """Waits a little for an answer; the line, if it brought one."""
        try:
            process, answer = self._answers.get(timeout=LOOK)
        except queue.Empty:
            return
        if self._processes.get(process.slot) is not process:
            return  # of a worker that was let go
        if answer is None:
            yield from self._lost(process)
        elif "line" in answer:
            yield from self._done(process, answer["line"])
        elif "step" in answer:
            process.step = answer["step"]
        else:
            process.ready, process.begun = True, time.monotonic()

    def _done(self, process: Process, line: Line) -> Iterator[tuple[Task, Line]]:
        task, process.task = process.task, None
        assert task is not None
        again = line.pop("memory", False) and self._once_more(task)
        more = {"error": f"{line['error']}; {AGAIN}"} if again else {}
        yield task, line | more | _peak(process)
        if len(self._processes) > 1 and sum(spent([process.pid]).values()) > self._share():
            log.info("worker %d has grown, it is started anew", process.slot)
            self._processes.pop(process.slot).close()

    def _lost(self, process: Process) -> Iterator[tuple[Task, Line]]:
        """A worker ended, and with it what it was at."""
        del self._processes[process.slot]
        reason = process.ended()
        task = process.task
        if not process.ready:
            raise ReparoError(f"a worker could not start, {reason}; {process.log} has more")
        if task is None:
            return
        again = not process.killed_for.startswith(HUNG) and self._once_more(task)
        line = {
            "done": False,
            "error": f"{reason}; {AGAIN}" if again else reason,
            "seconds": round(time.monotonic() - process.begun, 2),
        }
        yield task, line | _peak(process)

    def _once_more(self, task: Task) -> bool:
        if task in self._tried:
            return False
        self._tried.add(task)
        self._alone.append(task)
        return True

    def _watch(self) -> None:
        """Kills what hangs, and the largest where all together take too much."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        for process in self._busy():
            if process.ready and time.monotonic() - process.begun > self.limits.seconds:
                process.kill(f"{HUNG} {self.limits.seconds:g} s (--time-limit)")
        workers = {process.pid: process for process in self._processes.values()}
        held = spent(list(workers))
        for pid, process in workers.items():
            process.peak = max(process.peak, held[pid])
        busy = [process for process in self._busy() if not process.killed_for]
        if sum(held.values()) > self.limits.memory and busy:
            largest = max(busy, key=lambda process: held[process.pid])
            largest.kill(f"{FULL} the {in_words(self.limits.memory)} there are (--memory)")
            self._slots = max(1, self._slots - 1)
            log.warning("memory is short: from here on %d at once", self._slots)

    def _share(self) -> float:
        return self.limits.memory / max(1, self._slots)


def _peak(process: Process) -> dict[str, int]:
    return {"peak_mib": round(process.peak / (1 << 20))}
