"""The model hub's protocol, as far as bringing files takes it: what there is, and its bytes.

Plain HTTP by the standard library, since what has come of a file must outlive the process: the
hub's own client deletes an unfinished file when it stops, and a network is gigabytes. Honoured:
HF_ENDPOINT, HF_TOKEN or the token that the hub's client left, and the usual proxy variables.
"""

import json
import logging
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from reparo.errors import InputError, MissingWeights

log = logging.getLogger("reparo.models")

ENDPOINT = "https://huggingface.co"
TIMEOUT = 30.0  # s without a byte
TRIES = 4  # in a row without a byte; a connection that breaks off after some goes on at once
PAUSE = 1.0  # s before the first try again, doubled each time
CHUNK = 1 << 20  # bytes read at a time
NETWORK = (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
BUSY = (408, 429, 500, 502, 503, 504)  # worth another try


@dataclass(frozen=True)
class Listed:
    """One file of a repository, as the hub tells it."""

    name: str
    bytes: int | None
    sha256: str | None  # told of large files alone


@dataclass(frozen=True)
class Listing:
    """A repository at one commit."""

    repository: str
    commit: str
    files: tuple[Listed, ...]


def listing(repository: str, revision: str) -> Listing:
    """What a repository holds."""
    query = f"/api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
    answer = _json(_endpoint() + query, repository)
    try:
        files = tuple(_listed(entry) for entry in answer["siblings"])
        return Listing(repository, str(answer["sha"]), files)
    except (KeyError, TypeError) as error:
        raise MissingWeights(
            f"a list of the files of {repository} was wanted, {_endpoint()} told something else "
            f"({error!r} is missing); check HF_ENDPOINT"
        ) from error


def bring(source: Listing, file: Listed, part: Path, arrived: Callable[[int], None]) -> None:
    """Brings a file's bytes into `part`, going on where that ends; `arrived` is told how many."""
    url = f"{_endpoint()}/{source.repository}/resolve/{source.commit}/{quote(file.name)}"
    idle = 0
    while True:
        before = _size(part)
        try:
            if _more(url, part, file.bytes, arrived):
                return
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # nothing is behind the half that is here: not this file's
                part.unlink()
            elif error.code not in BUSY:
                raise _refused(error, source.repository) from error
            reason = f"{error.code} {error.reason}"
        except NETWORK as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        idle = 0 if _size(part) > before else idle + 1
        if idle >= TRIES:
            raise _unreachable(source.repository, reason)
        log.debug("%s of %s: %s; once more", file.name, source.repository, reason)
        time.sleep(PAUSE * 2**idle if idle else 0)


def _more(url: str, part: Path, size: int | None, arrived: Callable[[int], None]) -> bool:
    """Reads what is left of a file; whether that is all."""
    have = _size(part)
    if size is not None and have >= size:
        if have > size:
            part.unlink()  # another file's: begin anew
        return have == size
    with _open(url, {"Range": f"bytes={have}-"} if have else {}) as answer:
        appending = answer.status == 206
        have = have if appending else 0
        length = answer.headers.get("Content-Length")
        total = size if size is not None else have + int(length) if length else None
        with part.open("ab" if appending else "wb") as sink:
            while chunk := answer.read(CHUNK):
                sink.write(chunk)
                have += len(chunk)
                arrived(have)
    return total is None or have == total


def _open(url: str, headers: dict[str, str]) -> HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "reparo", **headers})
    if token := _token():
        # not sent on to where the hub redirects to, which may be another host
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return urllib.request.urlopen(request, timeout=TIMEOUT)


def _json(url: str, repository: str) -> Any:
    try:
        with _open(url, {}) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(error, repository) from error
    except NETWORK as error:
        raise _unreachable(repository, str(getattr(error, "reason", error))) from error
    except ValueError as error:
        raise _unreachable(repository, "its answer is not JSON") from error


def _listed(entry: dict[str, Any]) -> Listed:
    name = str(entry["rfilename"])
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise InputError(
            f"the hub lists a file {name!r}, which leaves its folder; it is not brought, look "
            "where HF_ENDPOINT points"
        )
    large = entry.get("lfs") or {}
    return Listed(name, entry.get("size", large.get("size")), large.get("sha256"))


def _refused(error: urllib.error.HTTPError, repository: str) -> MissingWeights:
    """Why the hub does not give it, and what to do."""
    code, page = error.headers.get("X-Error-Code", ""), f"{_endpoint()}/{repository}"
    if code == "GatedRepo":
        known = "this account has no consent yet" if _token() else "no token was given"
        return MissingWeights(
            f"{repository} is gated, its owner wants consent first, and {known}; agree on {page} "
            "with an account of yours, set HF_TOKEN to its token and pull again"
        )
    if error.code in (401, 404):
        return MissingWeights(
            f"{page} was wanted, but the hub has no such repository, revision or file, or shows it "
            f"to its owner alone ({error.code} {code or error.reason}); fetch the files elsewhere "
            'and give their folder: weights = "/path"'
        )
    return _unreachable(repository, f"{error.code} {error.reason}")


def _unreachable(repository: str, reason: str) -> MissingWeights:
    return MissingWeights(
        f"the hub {_endpoint()} could not be reached for {repository} ({reason}); pull again with "
        "a network, what has come is kept, or give the folder of files that you have: "
        'weights = "/path"'
    )


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT


def _token() -> str | None:
    """The user's, for gated repositories."""
    if said := os.environ.get("HF_TOKEN", "").strip():
        return said
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("HF_HOME") or caches / "huggingface")
    file = Path(os.environ.get("HF_TOKEN_PATH") or home / "token")
    try:
        return file.read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
