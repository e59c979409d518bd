"""`reparo view`."""

import logging
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from reparo.cli.common import Common
from reparo.errors import InputError

log = logging.getLogger(__name__)

REPORT, SHEET = "report.html", "batch.html"


@dataclass(frozen=True, kw_only=True)
class View:
    """Opens a result's report in the browser. It is a file: nothing is served."""

    out: tyro.conf.Positional[Path]
    """What run, align or batch left."""
    anew: bool = False
    """Make the report anew from the run's files, even if there is one."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Makes the report where it is missing, prints its path and opens it."""
        report, sheet = self.out / REPORT, self.out / SHEET
        with self.common.progress():
            if sheet.is_file() and not report.is_file():
                report = sheet
            elif self.anew or not report.is_file():
                report = self._made()
            print(report)
            if not webbrowser.open(report.resolve().as_uri()):
                log.warning("no browser could be opened; open %s yourself", report)

    def _made(self) -> Path:
        if not self.out.is_dir():
            raise InputError(f"a result's folder was wanted, {self.out} is none; check the path")
        if not (self.out / "scene" / "scene.json").is_file():
            raise InputError(
                f"{self.out} has no {REPORT}, and no scene/ of a run to make one of; `reparo run` "
                "and `reparo align` leave one"
            )
        from reparo.report.page import remake

        return remake(self.out)
