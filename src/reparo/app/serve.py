"""The app: sessions in a folder, a server on this machine, a page for each tab."""

import logging
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import viser

from reparo.api.many import Options
from reparo.app.deeds import Deeds
from reparo.app.door import SESSION, Guard, Server
from reparo.app.page import Page
from reparo.app.session import Session
from reparo.errors import InputError, ReparoError

log = logging.getLogger(__name__)

HEARD_WITHIN = 5.0  # s; a network that is just computing hears no stop until it is done
CLOSED = "This session cannot be opened"
LISTED = 12  # earlier sessions on an empty page


@dataclass
class Sessions:
    """A folder with a folder a session."""

    root: Path
    options: Options
    known: dict[str, Session] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_name(self) -> str:
        """For a session that begins now; its folder comes with its photo."""
        return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"

    def get(self, name: str) -> Session:
        """The session of that name, from memory or from disk."""
        if not SESSION.fullmatch(name):
            raise InputError(f"a session's name is letters, digits and '-', got {name[:60]!r}")
        with self.lock:
            if name not in self.known:
                self.known[name] = Session(self.root / name, self.options)
            return self.known[name]

    def earlier(self) -> list[tuple[str, str]]:
        """Names and titles of those on disk, the latest first."""
        found = sorted(self.root.glob("*/photo/*"), key=lambda path: -path.stat().st_mtime)
        names = [(path.parent.parent.name, path.stem) for path in found]
        return [one for one in names if SESSION.fullmatch(one[0])][:LISTED]


class App:
    """Runs until it is stopped."""

    def __init__(self, root: Path, options: Options, port: int = 0) -> None:
        self.sessions = Sessions(root, options)
        self.server = Server(Guard(self.sessions.new_name), port)
        self.pages: dict[int, Page] = {}
        self.server.on_client_connect(self._came)
        self.server.on_client_disconnect(self._went)

    def address(self, photo: Path | None = None) -> str:
        """Of the page, with a photo opened in it if there is one."""
        if photo is None:
            return self.server.address()
        if not photo.is_file():
            raise InputError(f"no picture at {photo}; check the path")
        name = self.sessions.new_name()
        self.sessions.get(name).open_photo(photo.name, photo.read_bytes())
        return self.server.address(name)

    def stop(self) -> None:
        """Ends all work and the server."""
        sessions = list(self.sessions.known.values())
        for session in sessions:
            session.stop()
        self.server.stop()
        for session in sessions:
            if session.job is not None:
                session.job.ended.wait(HEARD_WITHIN)

    def _came(self, client: viser.ClientHandle) -> None:
        name = self.server.session_of(client)
        if name is None:
            return
        try:
            session = self.sessions.get(name)
        except ReparoError as error:  # a file of it is damaged
            _instead(client, str(error))
            return
        with client.atomic():  # no button is there before it does something
            page = Page(client, session, self._links(name))
            Deeds(page)
        self.pages[client.client_id] = page
        try:
            page.begin()
        except (ReparoError, OSError) as error:
            page.say(CLOSED, str(error))

    def _went(self, client: viser.ClientHandle) -> None:
        if (page := self.pages.pop(client.client_id, None)) is not None:
            page.end()

    def _links(self, own: str) -> str:
        """Earlier sessions, for a page that is still empty."""
        lines = [
            f"- [{title}](../{name}/) ({_when(name)})"
            for name, title in self.sessions.earlier()
            if name != own
        ]
        return "\n".join(["**Go on with an earlier photo:**", "", *lines]) if lines else ""


def _instead(client: viser.ClientHandle, words: str) -> None:
    """A page for a session that cannot be opened."""
    client.gui.configure_theme(control_width="large", show_logo=False, show_share_button=False)
    client.gui.add_markdown(f"**{CLOSED}.** {words}\n\n[Open a photo, or another session](../)")


def _when(name: str) -> str:
    """20261123-093012-ab12 was begun at 2026-11-23 09:30."""
    day, _, rest = name.partition("-")
    if len(day) != 8 or not day.isdigit() or not rest[:4].isdigit():
        return name
    return f"{day[:4]}-{day[4:6]}-{day[6:]} {rest[:2]}:{rest[2:4]}"
