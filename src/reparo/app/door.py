"""The page's only door: this machine alone, and nobody without the token.

viser serves whoever reaches its port. So each request, the websocket's too, is looked at before
viser sees it: it must name this machine as its host (else a strange page could come in by a name
that it points here), come from this very page if it comes from any, and carry the token. The token
is the first part of the path, since viser's page opens its websocket at its own path:
/TOKEN/SESSION/. All that touches viser's and websockets' insides is in this file.
"""

import contextlib
import http
import io
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import viser
import websockets.asyncio.server
from websockets import Headers
from websockets.http11 import Request, Response

LOOPBACK = "127.0.0.1"
SESSION = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
POLICY = (  # nothing is fetched from, or sent to, any other place
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "connect-src 'self' data: blob: ws://{host}; frame-ancestors 'none'; form-action 'none'; "
    "base-uri 'none'"
)
Serve = Callable[[Any, Request], Any]  # websockets' process_request


@dataclass(frozen=True)
class Guard:
    """Who may come in, and what is told to those who may not."""

    new_session: Callable[[], str]  # a name for whoever comes without one
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def around(self, inner: Serve) -> Serve:
        """viser's own answer, for those who may come in."""

        def answer(connection: Any, request: Request) -> Any:
            refused = self.refused(request)
            if refused is not None:
                return refused
            if _is_websocket(request):
                return None  # go on with the handshake
            request.headers.pop("Accept-Encoding", None)  # the page is changed before it is sent
            request.path = "/" + request.path.partition("?")[0].split("/", 3)[3]
            return _dressed(inner(connection, request), request.headers["Host"])

        return answer

    def refused(self, request: Request) -> Response | None:
        """The answer to what may not come in as it is; None: it may."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if host.rpartition(":")[0] not in (LOOPBACK, "localhost"):
            return _plain(http.HTTPStatus.FORBIDDEN, "this page is for its own machine only")
        if origin is not None and origin != f"http://{host}":
            return _plain(http.HTTPStatus.FORBIDDEN, "another page may not open this one")
        parts = [*request.path.partition("?")[0].split("/"), ""][1:]
        if not secrets.compare_digest(parts[0].encode(errors="replace"), self.token.encode()):
            words = "open the address that `reparo app` printed; its long part is the key"
            return _plain(http.HTTPStatus.FORBIDDEN, words)
        session = parts[1]
        if _is_websocket(request) and SESSION.fullmatch(session):
            return None
        if not session:
            return _moved(f"/{self.token}/{self.new_session()}/")
        if not SESSION.fullmatch(session):
            return _plain(http.HTTPStatus.NOT_FOUND, "there is no such session")
        return _moved(f"/{self.token}/{session}/") if len(parts) == 3 else None  # no / at its end


class Server(viser.ViserServer):
    """viser's server, behind the guard, on this machine alone."""

    def __init__(self, guard: Guard, port: int) -> None:
        with _guarded(guard), contextlib.redirect_stdout(io.StringIO()):  # it prints its own URL
            super().__init__(host=LOOPBACK, port=port, label="Reparo", verbose=False)
        self.guard = guard
        self._check_guarded()

    def request_share_url(self, verbose: bool = True) -> str | None:
        """None: viser would pass the page on through a server elsewhere."""
        return None

    def address(self, session: str = "") -> str:
        """Of the page; without a session, of a new one."""
        end = f"{session}/" if session else ""
        return f"http://{LOOPBACK}:{self.get_port()}/{self.guard.token}/{end}"

    def session_of(self, client: viser.ClientHandle) -> str | None:
        """Which session a page shows; None where it has just gone."""
        connection = self._websock_server._live_connections.get(client.client_id)
        if connection is None or connection.request is None:
            return None
        return connection.request.path.partition("?")[0].split("/")[2]

    def stop(self) -> None:
        """Ends it, without viser's word about it."""
        with contextlib.redirect_stdout(io.StringIO()):
            super().stop()

    def _check_guarded(self) -> None:
        """Should another version of viser start its server otherwise, the door stays shut."""
        try:
            urllib.request.urlopen(f"http://{LOOPBACK}:{self.get_port()}/", timeout=10).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.FORBIDDEN:
                return
        self.stop()
        raise RuntimeError("the page would be open to everyone on this machine; it is not served")


@contextlib.contextmanager
def _guarded(guard: Guard) -> Iterator[None]:
    """While it lasts, servers of websockets ask the guard first."""
    serve = websockets.asyncio.server.serve

    def guarded(*args: Any, process_request: Serve, **options: Any) -> Any:
        return serve(*args, process_request=guard.around(process_request), **options)

    websockets.asyncio.server.serve = guarded
    try:
        yield
    finally:
        websockets.asyncio.server.serve = serve


def _is_websocket(request: Request) -> bool:
    return request.headers.get("Upgrade", "") == "websocket"  # spelt as viser has it


def _plain(status: http.HTTPStatus, words: str) -> Response:
    body = f"{words}\n".encode()
    head = Headers({"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))})
    return Response(status.value, status.phrase, head, body)


def _moved(address: str) -> Response:
    head = Headers({"Location": address, "Content-Length": "0", "Cache-Control": "no-store"})
    return Response(http.HTTPStatus.FOUND.value, http.HTTPStatus.FOUND.phrase, head, b"")


def _dressed(response: Response, host: str) -> Response:
    """viser's answer with our script in its page, and kept from leaking its address."""
    kind = response.headers.get("Content-Type", "")
    body = response.body or b""
    if kind.startswith("text/html"):
        extra = (files("reparo.app") / "page.html").read_bytes()
        body = body.replace(b"<title>Viser</title>", b"", 1)
        body = body.replace(b"</head>", extra + b"</head>", 1)
    head = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY.format(host=host),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    return Response(response.status_code, response.reason_phrase, head, body)
