"""What the user allows, licences and the network, and which networks a piece of work used."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from reparo.errors import LicenceNotAccepted
from reparo.models.known import Model

OFFLINE, OFFLINE_HUB = "REPARO_OFFLINE", "HF_HUB_OFFLINE"
ACCEPT = "REPARO_ACCEPT_LICENCE"  # names of licences, with commas between them


@dataclass(frozen=True)
class Allowed:
    """Beside what the environment says."""

    licences: frozenset[str] = frozenset()  # in small letters
    network: bool = True


_allowed: ContextVar[Allowed | None] = ContextVar("allowed", default=None)
_used: ContextVar[dict[str, dict[str, str]] | None] = ContextVar("used", default=None)


@contextmanager
def allowing(licences: Iterable[str] = (), *, offline: bool = False) -> Iterator[None]:
    """Accepts licences by their names, and keeps off the network, as long as it lasts."""
    before = _now()
    accepted = before.licences | {_plain(name) for name in licences}
    token = _allowed.set(Allowed(accepted, before.network and not offline))
    try:
        yield
    finally:
        _allowed.reset(token)


@contextmanager
def noting() -> Iterator[dict[str, dict[str, str]]]:
    """Collects which networks are used, by name: where from, which version, which licence."""
    found: dict[str, dict[str, str]] = {}
    token = _used.set(found)
    try:
        yield found
    finally:
        _used.reset(token)


def note(name: str, facts: dict[str, str]) -> None:
    """Writes one use down, where somebody collects them."""
    found = _used.get()
    if found is not None:
        found[name] = facts


def accepted(model: Model) -> bool:
    """Whether its licence asks for nothing, or was accepted by name."""
    named = {_plain(name) for name in os.environ.get(ACCEPT, "").split(",")}
    return not model.restricted or _plain(model.licence) in named | _now().licences


def check(model: Model) -> None:
    """Refuses a network whose licence restricts its use, unless that was accepted."""
    if not accepted(model):
        raise LicenceNotAccepted(
            f"the network {model.name!r} is under {model.licence}, {model.restricted}; if you keep "
            f"to that, say --accept-licence {model.licence} (or {ACCEPT}, or accept in [licences] "
            "of a settings file)"
        )


def offline(hub: bool = False) -> bool:
    """Whether nothing may be fetched, or nothing from the hub."""
    names = (OFFLINE, OFFLINE_HUB) if hub else (OFFLINE,)
    said = any(os.environ.get(name, "").lower() in ("1", "true", "yes", "on") for name in names)
    return said or not _now().network


def _now() -> Allowed:
    return _allowed.get() or Allowed()


def _plain(name: str) -> str:
    return name.strip().lower()
