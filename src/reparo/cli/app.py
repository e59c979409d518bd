"""`reparo app`."""

import logging
import threading
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from reparo.cli.common import Common, Consent
from reparo.cli.run import Choosing, chosen
from reparo.errors import InputError, MissingExtra

log = logging.getLogger(__name__)

PORTS = 65535


@dataclass(frozen=True, kw_only=True)
class App:
    """Opens a page in the browser to make scenes by hand: click objects, watch, drag, save."""

    photo: tyro.conf.Positional[Path | None] = None
    """A picture to begin with; others can be dropped on the page."""
    workspace: Path = Path("~/reparo")
    """The folder in which every session keeps a folder of its own."""
    port: int = 0
    """Where the page is served, on this machine alone; 0: wherever there is room."""
    no_browser: bool = False
    """Only print the address. Its long part is the key: whoever has it, on this machine, is in."""
    choosing: Choosing = field(default_factory=Choosing)
    consent: Consent = field(default_factory=Consent)
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Serves the page until Ctrl-C."""
        self.common.check()
        if not 0 <= self.port <= PORTS:
            raise InputError(f"--port is a number from 0 to {PORTS}, got {self.port}")
        with self.common.progress():
            app = self._started()
            try:
                address = app.address(self.photo)
                print(address, flush=True)
                log.info("open until Ctrl-C; sessions are kept in %s", self.workspace)
                if not self.no_browser and not webbrowser.open(address):
                    log.warning("no browser could be opened; open that address yourself")
                threading.Event().wait()
            finally:
                app.stop()

    def _started(self):
        try:
            from reparo.app import serve
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"the app needs the package {error.name!r}; `pip install 'reparo3d[app]'` brings it"
            ) from error
        options = chosen(self.choosing, self.consent, self.common)
        return serve.App(self.workspace.expanduser(), options, self.port)
