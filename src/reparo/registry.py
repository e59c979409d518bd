"""A backend by its name, through entry points, imported only when asked for."""

import inspect
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from reparo.errors import InputError, MissingExtra, UnknownBackend

STAGES = ("segment", "depth", "complete", "reconstruct", "features", "render")


def names(stage: str) -> list[str]:
    """The installed backends of a stage, sorted."""
    return sorted({offer.name for offer in entry_points(group=f"reparo.{stage}")})


def find(stage: str, name: str) -> Any:
    """The backend's class or function; imports its file only now."""
    offers = list(entry_points(group=f"reparo.{stage}", name=name))
    if not offers:
        known = ", ".join(names(stage)) or "none"
        raise UnknownBackend(f"no {stage} backend {name!r}; installed: {known}")
    if len(offers) > 1:
        homes = ", ".join(offer.value for offer in offers)
        raise UnknownBackend(f"two {stage} backends are called {name!r}: {homes}; uninstall one")
    return _load(stage, offers[0])


def _load(stage: str, offer: EntryPoint) -> Any:
    try:
        return offer.load()
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{stage} backend {offer.name!r} needs the package {error.name!r}, which is not "
            "installed; `reparo doctor` names the command that brings it"
        ) from error


def create(stage: str, name: str, /, **settings: object) -> Any:
    """Builds one backend; `settings` become its fields."""
    backend = find(stage, name)
    allowed = list(inspect.signature(backend).parameters)
    if unknown := sorted(set(settings) - set(allowed)):
        known = ", ".join(allowed) or "none"
        raise InputError(f"{stage} backend {name!r} has no setting {unknown[0]!r}; it has: {known}")
    return backend(**settings)
