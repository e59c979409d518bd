"""What all commands share: options, log lines and progress bars, all of which go to stderr."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from reparo.cli.interrupts import stop_if_any
from reparo.errors import InputError

log = logging.getLogger(__name__)

SEEDS = 2**63  # what generators take
WORTH_SAYING = 0.1  # s; what a step took less than is not said
Callback = Callable[[str, int, int], None]  # contracts.Progress, without loading torch
Out = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
Repeated = Annotated[
    tuple[str, ...], tyro.conf.arg(name="set", metavar="KEY=VALUE"), tyro.conf.UseAppendAction
]


@dataclass(frozen=True, kw_only=True)
class Common:
    """Options of every command."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where networks run."""
    seed: int = 0
    """Of everything that is drawn by chance."""
    quiet: bool = False
    """Show no progress, only warnings and results."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much to say."""

    def check(self) -> None:
        """Refuses a seed out of range and a device that is not there."""
        if not 0 <= self.seed < SEEDS:
            raise InputError(f"--seed is a whole number from 0 to 2^63 - 1, got {self.seed}")
        if self.device in ("auto", "cpu"):
            return
        import torch

        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not there[self.device]:
            raise InputError(
                f"--device {self.device} needs a device that torch can use, there is none; "
                "`reparo doctor` says what there is"
            )

    def warn(self, notes: tuple[str, ...]) -> None:
        """Says what was assumed or doubtful."""
        for note in notes:
            log.warning("%s", note)

    @contextmanager
    def progress(self) -> Iterator[Callback]:
        """Bars with the time left on a terminal, a log line a step elsewhere."""
        console = Console(stderr=True)
        bars = console.is_terminal and not self.quiet
        with _logging(self, console):
            if not bars:
                yield Steps()
                return
            with _bars(console) as shown:
                yield Bars(shown)


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What the user allows."""

    accept_licence: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A licence that restricts use and is accepted, such as CC-BY-NC-4.0; may be said several
    times."""
    offline: bool = False
    """Fetch nothing; as REPARO_OFFLINE=1 does."""

    def given(self) -> AbstractContextManager[None]:
        """For as long as it lasts."""
        from reparo import models

        return models.allowing(self.accept_licence, offline=self.offline)


@dataclass
class Bars:
    """One bar a step."""

    shown: Progress
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def __call__(self, what: str, done: int, of_how_many: int) -> None:
        """Moves the step's bar."""
        stop_if_any()
        if what not in self.tasks:
            self.tasks[what] = self.shown.add_task(what, total=None)
        # one indivisible piece has no share that is done: the bar runs to and fro until it is
        total = None if of_how_many == 1 and done == 0 else of_how_many
        self.shown.update(self.tasks[what], completed=done, total=total)


@dataclass
class Steps:
    """A log line at a step's end."""

    started: dict[str, float] = field(default_factory=dict)

    def __call__(self, what: str, done: int, of_how_many: int) -> None:
        """Says how long a step took, once it is done."""
        stop_if_any()
        start = self.started.setdefault(what, time.monotonic())
        if done >= of_how_many:
            del self.started[what]
            if (seconds := time.monotonic() - start) >= WORTH_SAYING:
                log.info("%s: %.1f s", what, seconds)


def _bars(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


class _ConsoleHandler(logging.Handler):
    """Prints above the bars, so that neither spoils the other."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Prints one record, its level where that matters."""
        level = f"{record.levelname.lower()}: " if record.levelno != logging.INFO else ""
        text = level + record.getMessage()
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _logging(options: Common, console: Console) -> Iterator[None]:
    logger = logging.getLogger("reparo")
    level = "warning" if options.quiet and options.log_level == "info" else options.log_level
    handler = _ConsoleHandler(console)
    logger.setLevel(level.upper())
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
