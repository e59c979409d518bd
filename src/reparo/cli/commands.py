"""All commands, and how one is chosen."""

from importlib.metadata import version
from typing import Annotated, Any, Union

import tyro

from reparo.cli.align import Align
from reparo.cli.app import App
from reparo.cli.batch import Batch
from reparo.cli.evaluate import Bench, Evaluate
from reparo.cli.export import Export
from reparo.cli.machine import Backends, Doctor
from reparo.cli.models import Models
from reparo.cli.run import Run
from reparo.cli.view import View

COMMANDS: dict[str, Any] = {
    "run": Run,
    "align": Align,
    "view": View,
    "app": App,
    "export": Export,
    "batch": Batch,
    "evaluate": Evaluate,
    "bench": Bench,
    "models": Models,
    "backends": Backends,
    "doctor": Doctor,
}
MARKERS = (
    tyro.conf.OmitArgPrefixes,
    tyro.conf.OmitSubcommandPrefixes,
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.HelptextFromCommentsOff,
    tyro.conf.DisallowNone,
)


def execute(arguments: list[str]) -> None:
    """Reads the arguments and runs the command; usage errors exit 2 by themselves."""
    if "--version" in arguments:
        print(f"reparo {version('reparo3d')}")
        return
    kinds = tuple(
        Annotated[command, tyro.conf.subcommand(name)] for name, command in COMMANDS.items()
    )
    description = "One photo in; a scene of separate, complete, textured 3D objects out."
    chosen = tyro.cli(
        Union[kinds],  # type: ignore[arg-type]  # noqa: UP007 - made from a table
        prog="reparo",
        description=description,
        args=arguments,
        config=MARKERS,
    )
    chosen.execute()
