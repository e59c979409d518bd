"""For many runs with the same options: what is done once, and runs that are done in parts."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from reparo import models, settings
from reparo.api.doors import as_photo
from reparo.api.networks import check_networks, pulling
from reparo.api.results import check_ours
from reparo.contracts import Progress, quiet
from reparo.pipeline import Job
from reparo.pipeline.partly import up_to
from reparo.workspace import Workspace

Options = Mapping[str, Any]
"""Of `run`, those that choose settings: preset, config, overrides, device, seed, ..."""


def prepare(options: Options, progress: Progress) -> None:
    """Refuses wrong settings and brings missing networks."""
    chosen = chosen_by(options)
    with allowed(chosen, options):
        pulling(lambda: check_networks(chosen), progress)


def run_up_to(
    step: str, photo: Path, out: Path, options: Options, progress: Progress = quiet
) -> None:
    """The steps of a run up to one before the layout, as files in `out`."""
    chosen = chosen_by(options)
    check_ours(out)
    job = Job(as_photo(photo), chosen, Workspace(out / "steps"), progress)
    with allowed(chosen, options):
        up_to(job, step)


def chosen_by(options: Options) -> settings.Settings:
    """The settings that a run with these options has."""
    return settings.load(
        options.get("preset", "embedded"),
        options.get("config"),
        options.get("overrides", ()),
        device=options.get("device", "auto"),
        seed=options.get("seed", 0),
    )


def allowed(chosen: settings.Settings, options: Options) -> AbstractContextManager[None]:
    """Within, networks may be used whose licences these options or settings accept."""
    licences = [*chosen.licences.accept, *options.get("accept_licences", ())]
    return models.allowing(licences, offline=options.get("offline", False))
