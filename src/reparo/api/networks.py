"""The networks that a run needs: are they here, and who brings them?"""

import logging
from collections.abc import Callable
from typing import TypeVar

from reparo import models, settings
from reparo.contracts import Progress
from reparo.errors import MissingWeights, ReparoError

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def check_networks(chosen: settings.Settings) -> None:
    """Before the work: are the networks here that the settings name, their licences accepted?"""
    stages = settings.STAGES if chosen.align.method != "paper" else (*settings.STAGES, "features")
    values = {value for stage in stages for value in getattr(chosen, stage).values}
    lacking: list[MissingWeights] = []
    for model in models.manifest():
        try:
            if model.name in values:
                models.located(model.name)
        except MissingWeights as missing:
            lacking.append(missing)
    if len(lacking) == 1:
        raise lacking[0]
    if lacking:
        names = [name for missing in lacking for name in missing.names]
        where = " where there is a network (here it is switched off)" if models.offline() else ""
        raise MissingWeights(
            f"networks that this run needs are not on this machine; `reparo models pull "
            f"{' '.join(names)}`{where} brings them; a folder of your own in place of one works "
            'too: weights = "/path"',
            *names,
        )


def pulling(work: Callable[[], Result], progress: Progress) -> Result:
    """Does the work; as often as a network is missing, brings it and goes on where it stopped."""
    brought: set[str] = set()
    while True:
        try:
            return work()
        except MissingWeights as missing:
            lacking = sorted(set(missing.names) - brought)
            if not lacking or models.offline():
                raise
            log.info("%s", missing)
            try:
                models.pull(lacking, progress)
            except ReparoError as error:
                raise MissingWeights(f"{missing}; just now that failed: {error}") from error
            brought.update(lacking)
