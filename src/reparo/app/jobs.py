"""Long work beside the page: one at a time, with progress, and a stop that is heard soon."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from reparo.contracts import Progress
from reparo.errors import ReparoError

log = logging.getLogger(__name__)

WAITING = "waiting for other work on this machine"
HEARD = 0.1  # s between looks at the stop button while waiting

_one_at_a_time = threading.Lock()  # of all sessions: two long works would both take twice as long


class Stopped(KeyboardInterrupt):
    """Someone pressed stop. Not an Exception: no step takes it for one object's failure."""


@dataclass
class Job:
    """One long work."""

    what: str  # in words
    step: str = "starting"
    done: int = 0
    of_how_many: int = 1
    error: str | None = None  # a sentence, where it failed
    ended: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self.ended.is_set()

    @property
    def share(self) -> float | None:
        """How much of the present step is done, 0..1; None where that cannot be said."""
        if self.done == 0 and self.of_how_many == 1:
            return None
        return min(1.0, self.done / max(1, self.of_how_many))

    def stop(self) -> None:
        """Asks it to end; it does at its next sign of progress."""
        self.stopping.set()

    def check(self) -> None:
        """Raises if it was asked to end."""
        if self.stopping.is_set():
            raise Stopped

    def begin(self, work: Callable[[Progress], None], told: Callable[[], None]) -> None:
        """Does the work in a thread; `told` hears of each sign of progress and of the end."""

        def progress(step: str, done: int, of_how_many: int) -> None:
            self.check()
            self.step, self.done, self.of_how_many = step, done, of_how_many
            told()

        def run() -> None:
            try:
                self._wait(progress)
                try:
                    work(progress)
                finally:
                    _one_at_a_time.release()
            except Stopped:
                self.error = f"{self.what}: stopped"
            except ReparoError as error:
                self.error = str(error)
            except Exception as error:
                log.exception("%s failed", self.what)
                self.error = f"{self.what} failed: {type(error).__name__}: {error}"
            finally:
                self.ended.set()
                told()

        threading.Thread(target=run, name=self.what, daemon=True).start()

    def _wait(self, progress: Progress) -> None:
        while not _one_at_a_time.acquire(timeout=HEARD):
            if self.step != WAITING:
                progress(WAITING, 0, 1)
            self.check()
