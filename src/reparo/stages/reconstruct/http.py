"""A service that takes a PNG and answers a GLB, one request an object."""

import base64
import http.client
import io
import json
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from PIL import Image

from reparo.errors import BackendFailed, InputError
from reparo.files.cutouts import rgba_bytes
from reparo.scene import Cutout, Mesh
from reparo.stages.reconstruct.arrival import Axis, arrived

REFUSED = (429, 503)  # the service says that it did not begin: asking again is safe
LONGEST_WAIT = 60.0  # s, whatever the service asks for
PIECE = 65536


@dataclass(frozen=True)
class HttpReconstructor:
    """POSTs the cut-out, PNG with alpha, to `url`; the answer's body is the mesh as GLB."""

    url: str  # http or https
    seconds: float = 600.0  # time limit for one answer
    most_mb: float = 256.0  # of an answer; larger ones are refused
    retries: int = 2  # only where the service cannot have begun: no connection, 429, 503
    json_field: str = ""  # where set, {json_field: PNG as base64} is sent instead
    json_more: dict[str, Any] = field(default_factory=dict)  # what else to send beside it
    token_variable: str = ""  # the environment variable that holds a bearer token
    up: Axis = "+y"  # which of the mesh's own axes points up
    front: Axis = "+z"  # and which to the viewer of the cut-out
    upright: bool = False  # stands as in life, rather than tilted as the cut-out shows it
    most_faces: int = 300_000  # more are merged

    def __post_init__(self) -> None:
        """Finds slips before the first object is tried."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"reconstruct.url is http://... or https://..., got {self.url!r}")
        if not (self.seconds > 0 and self.most_mb > 0) or self.retries < 0 or self.most_faces < 4:
            raise InputError(
                "a service needs seconds and most_mb above 0, retries of 0 or more and most_faces "
                "of 4 or more; raise them"
            )

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Asks for one mesh and checks what comes."""
        answer = self._asked(self._request(cutout), name)
        if not answer.startswith(b"glTF"):
            start = " ".join(answer[:200].decode("utf-8", "replace").split())
            raise BackendFailed(
                f"{self.url} answered no GLB for {name!r}, but {len(answer)} bytes: {start[:120]!r}"
            )
        with tempfile.TemporaryDirectory(prefix="reparo-") as folder:
            path = Path(folder) / f"{name}.glb"
            path.write_bytes(answer)
            return arrived(path, name, (self.up, self.front), self.most_faces)

    def _request(self, cutout: Cutout) -> urllib.request.Request:
        file = io.BytesIO()
        Image.fromarray(rgba_bytes(cutout)).save(file, "PNG")
        body, kind = file.getvalue(), "image/png"
        if self.json_field:
            text = base64.b64encode(body).decode()
            message = {**self.json_more, self.json_field: text}
            body, kind = json.dumps(message).encode(), "application/json"
        headers = {"Content-Type": kind, "Accept": "model/gltf-binary", "User-Agent": "reparo"}
        if self.token_variable:
            token = os.environ.get(self.token_variable)
            if not token:
                raise InputError(
                    f"the environment variable {self.token_variable} should hold the token for "
                    f"{self.url}, it is not set; set it"
                )
            headers["Authorization"] = f"Bearer {token}"
        return urllib.request.Request(self.url, body, headers, method="POST")

    def _asked(self, request: urllib.request.Request, name: str) -> bytes:
        """The answer's body; asks again only where the service cannot have begun its work."""
        for left in range(self.retries, -1, -1):
            try:
                with _understood(self.url, name, self.seconds):
                    return self._answer(request, name)
            except _NotBegun as reason:
                if not left:
                    raise BackendFailed(str(reason)) from reason
                time.sleep(reason.wait)
        raise AssertionError("the last try returns or raises")

    def _answer(self, request: urllib.request.Request, name: str) -> bytes:
        """Reads piece by piece, so that neither a slow nor an endless answer holds us up."""
        end = time.monotonic() + self.seconds
        opener = urllib.request.build_opener(_StaysHere)
        most = int(self.most_mb * 2**20)
        body = bytearray()
        with opener.open(request, timeout=self.seconds) as response:
            while piece := response.read1(PIECE):
                body += piece
                if len(body) > most:
                    raise BackendFailed(
                        f"{self.url} answered more than {self.most_mb:g} MB for {name!r}; raise "
                        "reconstruct.most_mb if that is right"
                    )
                if time.monotonic() > end:
                    raise TimeoutError
            if response.length:  # what was announced and did not come
                raise http.client.IncompleteRead(bytes(body), response.length)
        return bytes(body)


class _NotBegun(Exception):
    """The service did not take the request."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class _StaysHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: picture and token are for the one address that was named."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """None: urllib then raises the redirect as an HTTPError."""


@contextmanager
def _understood(url: str, name: str, seconds: float) -> Iterator[None]:
    """Says what went wrong between us and the service."""
    try:
        yield
    except urllib.error.HTTPError as error:
        with error:
            _refuse(url, name, error)
    except (TimeoutError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise BackendFailed(f"{url} had no mesh of {name!r} within {seconds:g} s") from error
        message = f"{url} gave no answer for {name!r} ({reason or type(reason).__name__})"
        if isinstance(reason, ConnectionRefusedError):
            raise _NotBegun(f"{message}; is the service running?", 1.0) from error
        raise BackendFailed(message) from error


def _refuse(url: str, name: str, error: urllib.error.HTTPError) -> NoReturn:
    said = " ".join(error.read(400).decode("utf-8", "replace").split())
    message = (
        f"{url} refused {name!r} with {error.code} {error.reason}: {said or 'no reason given'}"
    )
    if error.code in REFUSED:
        asked = error.headers.get("Retry-After", "")
        wait = float(asked) if asked.isdigit() else 2.0
        raise _NotBegun(message, min(wait, LONGEST_WAIT)) from error
    if 300 <= error.code < 400:
        message += f"; name {error.headers.get('Location', 'the other address')} itself"
    raise BackendFailed(message) from error
