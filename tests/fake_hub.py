"""A model hub on this machine: as much of its protocol as bringing files takes, and its faults."""

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """One repository, `owner/net`, told at any revision, given at its commit."""

    files: dict[str, bytes]
    large: tuple[str, ...] = ()  # kept elsewhere, as the hub does: hash told, redirected
    gated_for: str | None = None  # the token that is let in
    breaks_after: int | None = None  # bytes of a file, then the line goes dead
    busy: int = 0  # how often it says 503 before it gives
    told: dict[str, str] = field(default_factory=dict)  # another hash than the true one
    without_ranges: bool = False
    url: str = ""
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def listing(self) -> dict:
        siblings = []
        for name, content in self.files.items():
            entry = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
            if name in self.large:
                sha = self.told.get(name, hashlib.sha256(content).hexdigest())
                entry["lfs"] = {"sha256": sha, "size": len(content), "pointerSize": 134}
            siblings.append(entry)
        return {"id": "owner/net", "sha": COMMIT, "gated": False, "siblings": siblings}

    def facts(self, name: str) -> dict[str, str]:
        """What the hub's own client reads off the headers."""
        etag = f'"{hashlib.sha256(self.files[name]).hexdigest()}"'
        return {"X-Repo-Commit": COMMIT, "ETag": etag, "X-Linked-ETag": etag}

    def bodies(self) -> list[str]:
        """The files whose bytes were asked for."""
        return [path for path, _, _ in self.asked if "/resolve/" in path]


class Handler(BaseHTTPRequestHandler):
    """One request; the hub is the server's."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        hub: FakeHub = self.server.hub  # type: ignore[attr-defined]
        path = unquote(self.path.partition("?")[0])
        token, span = self.headers.get("Authorization"), self.headers.get("Range")
        hub.asked.append((path, span, token))
        if path.startswith("/api/models/owner/net/revision/"):
            self.say(200, json.dumps(hub.listing()).encode())
        elif path.startswith("/elsewhere/"):
            self.give(hub, path.removeprefix("/elsewhere/"), span)
        else:
            self.resolve(hub, path, span, token)

    def do_HEAD(self):
        """Asked by the hub's own client alone."""
        self.do_GET()

    def resolve(self, hub, path, span, token):
        head = f"/owner/net/resolve/{COMMIT}/"
        name = path.removeprefix(head)
        if not path.startswith(head) or name not in hub.files:
            self.say(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif hub.gated_for is not None and token != f"Bearer {hub.gated_for}":
            self.say(403 if token else 401, b"no", {"X-Error-Code": "GatedRepo"})
        elif name in hub.large:
            there = {"Location": f"{hub.url}/elsewhere/{name}", **hub.facts(name)}
            self.say(302, b"", {**there, "X-Linked-Size": str(len(hub.files[name]))})
        else:
            self.give(hub, name, span)

    def give(self, hub, name, span):
        content, start = hub.files[name], 0
        if hub.busy:
            hub.busy -= 1
            self.say(503, b"later")
            return
        if span and not hub.without_ranges:
            start = int(span.removeprefix("bytes=").removesuffix("-"))
        rest = content[start:]
        if span and not rest:
            self.say(416, b"")
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        for key, value in hub.facts(name).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if hub.breaks_after is not None and len(rest) > hub.breaks_after:
            rest, hub.breaks_after = rest[: hub.breaks_after], 0  # and nothing any more
            self.close_connection = True
        self.wfile.write(rest)

    def say(self, code, body, headers=None):
        self.send_response(code)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        """Says nothing."""


@contextmanager
def serving(hub: FakeHub):
    """Serves on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hub = hub  # type: ignore[attr-defined]
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
