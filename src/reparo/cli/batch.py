"""`reparo batch`."""

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from reparo.cli.common import Common, Consent, Out
from reparo.cli.run import Choosing
from reparo.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Runs all photos of a folder; one that fails does not stop the others. Resumes."""

    photos: tyro.conf.Positional[Path]
    """A folder of pictures."""
    out: Out
    """A folder for a folder a photo, and batch.jsonl with a line a photo."""
    engine: str = "local"
    """Where: local, one photo after the other."""
    choosing: Choosing = field(default_factory=Choosing)
    consent: Consent = field(default_factory=Consent)
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Runs them and prints the folders of those that worked."""
        if self.engine != "local":
            raise InputError(f"the engine is local, got {self.engine!r}; others come later")
        self.common.check()
        with self.common.progress() as progress:
            from reparo import batch

            options = {
                "preset": self.choosing.preset,
                "config": self.choosing.config,
                "overrides": self.choosing.overrides(),
                "accept_licences": self.consent.accept_licence,
                "offline": self.consent.offline,
                "device": self.common.device,
                "seed": self.common.seed,
            }
            done = batch.run_all(self.photos, self.out, options, progress)
        for folder in done:
            print(folder)
