"""`reparo backends` and `reparo doctor`."""

from dataclasses import dataclass, field
from pathlib import Path

from reparo.cli.common import Common
from reparo.errors import MissingExtra


@dataclass(frozen=True, kw_only=True)
class Backends:
    """Which backends are installed, by stage."""

    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Prints a line a stage."""
        from reparo import registry

        for stage in registry.STAGES:
            print(f"{stage:12} {', '.join(registry.names(stage)) or 'none'}")


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """What works on this machine, what is missing, and the one command that brings it."""

    config: Path | None = None
    """A settings file, to look at what it needs, too."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Prints a line a finding; exits 2 if something is missing that nothing works without."""
        from reparo import doctor

        lost = []
        for finding in doctor.examine(self.config):
            mark = "ok     " if finding.works else "MISSING" if finding.needed else "without"
            print(f"{mark} {finding.what:24} {finding.detail}")
            if not finding.works:
                print(f"{'':8}{'':24} -> {finding.remedy}")
                lost += [finding.what] if finding.needed else []
        if lost:
            raise MissingExtra(f"nothing works without {', '.join(lost)}; see the commands above")
