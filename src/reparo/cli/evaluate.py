"""`reparo evaluate` and `reparo bench`."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Union

import tyro

from reparo.cli.common import Common

Folder = tyro.conf.Positional[Path]


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Scores a result against the truth, or, without one, against its own photo and masks."""

    out: Folder
    """What align or run left."""
    truth: Path | None = None
    """A folder with the exact meshes, poses, camera and masks."""
    any_size: bool = False
    """The world may be larger or smaller by one factor about the camera (no metric depth)."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Prints a line an object."""
        from reparo import registry
        from reparo.evaluate.folder import evaluate_folder, evaluate_run
        from reparo.evaluate.table import text_table

        render = registry.create("render", "torch")
        with self.common.progress():
            if self.truth is None:
                found = evaluate_run(self.out, render)
                rows = [{"object": name, **asdict(errors)} for name, errors in found]
            else:
                scores = evaluate_folder(self.out, self.truth, render, self.any_size)
                rows = [score.row() for score in scores]
        print(text_table(rows))


@dataclass(frozen=True, kw_only=True)
class Make:
    """Makes up scenes whose truth is known."""

    folder: Folder
    """Where they go."""
    count: int = 6
    """How many scenes; each is there once a track."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Writes them."""
        from reparo import registry
        from reparo.evaluate import benchmark

        with self.common.progress() as progress:
            render = registry.create("render", "torch")
            benchmark.make(self.folder, self.count, self.common.seed, render, progress)
        print(self.folder)


@dataclass(frozen=True, kw_only=True)
class Solve:
    """Aligns every scene of a benchmark."""

    folder: Folder
    """What `bench make` wrote."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Where results go; if left out: FOLDER/results."""
    method: str = "fast"
    """How: fast, or paper (slow; as published)."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Prints the seconds of each scene."""
        from reparo import api
        from reparo.evaluate import benchmark

        def align(scene: Path, out: Path) -> None:
            free, common = benchmark.solved(scene.parent.name), self.common
            if self.method == "paper":  # it has no rotations
                free = tuple(name for name in free if name != "rotation")
            api.align_folder(
                scene,
                out,
                free=free,
                method=self.method,
                device=common.device,
                seed=common.seed,
            )

        with self.common.progress() as progress:
            seconds = benchmark.run(self.folder, align, self.out, progress)
        for name, value in seconds.items():
            print(f"{name}  {value:.2f} s")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Scores a benchmark's results."""

    folder: Folder
    """What `bench make` wrote."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Where the results are; if left out: FOLDER/results."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Prints a Markdown table."""
        from reparo import registry
        from reparo.evaluate import benchmark

        with self.common.progress():
            print(benchmark.table(self.folder, registry.create("render", "torch"), self.out))


Action = Union[  # noqa: UP007 - tyro reads it
    Annotated[Make, tyro.conf.subcommand("make")],
    Annotated[Solve, tyro.conf.subcommand("run")],
    Annotated[Table, tyro.conf.subcommand("table")],
]


@dataclass(frozen=True)
class Bench:
    """Made-up scenes with exact truth: make them, lay them out, tabulate how well."""

    action: Action

    def execute(self) -> None:
        """Does what was asked."""
        self.action.execute()
