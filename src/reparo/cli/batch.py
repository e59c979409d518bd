"""`reparo batch`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tyro

from reparo.cli.common import Common, Consent, Out
from reparo.cli.export import Exporting
from reparo.cli.run import Choosing, chosen

SHEET = "batch.html"


@dataclass(frozen=True, kw_only=True)
class Working:
    """Where a batch is worked through, and what it may take."""

    engine: Literal["local", "ray"] = "local"
    """Where: local, on this machine; ray, on a Ray cluster."""
    workers: int | None = None
    """How many photos at once; if left out: as many as cores, memory and GPUs allow."""
    memory: str | None = None
    """What all workers together may take, as in 12G; if left out: 80 % of what is free."""
    time_limit: float = 1800.0
    """Seconds after which a photo counts as hanging and is given up."""
    address: str | None = None
    """Of the Ray cluster; if left out: RAY_ADDRESS, else a Ray of its own on this machine."""

    def how(self) -> Any:
        """As the library names it; refuses what cannot be."""
        from reparo.batch import How
        from reparo.batch.plan import as_bytes

        memory = None if self.memory is None else as_bytes(self.memory)
        return How(self.engine, self.workers, memory, self.time_limit, self.address)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Runs all photos of a folder, several at once; one that fails does not stop the others.

    Resumes: what is done is left alone as long as photo, settings and results are as they were.
    """

    photos: tyro.conf.Positional[Path]
    """A folder of pictures."""
    out: Out
    """A folder for a folder a photo, batch.jsonl with a line a photo, and batch.html to look at."""
    working: Working = field(default_factory=Working)
    exporting: Exporting = field(default_factory=Exporting)
    choosing: Choosing = field(default_factory=Choosing)
    consent: Consent = field(default_factory=Consent)
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Runs them; prints the contact sheet and the folders of those that worked."""
        how = self.working.how()
        self.common.check()
        self.exporting.check()
        with self.common.progress() as progress:
            from reparo import batch

            options = chosen(self.choosing, self.consent, self.common)
            export = self.exporting.options()
            done = batch.run_all(self.photos, self.out, options, progress, how, export)
        for path in (self.out / SHEET, *done):
            print(path)
