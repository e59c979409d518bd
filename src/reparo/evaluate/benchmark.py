"""A benchmark of made-up scenes: `reparo bench make | run | table`.

FOLDER/scenes/TRACK/ID/     scene folders for `reparo align`; the truth is not in them
FOLDER/truth/ID/            what `evaluate` compares with
FOLDER/results/TRACK/ID/    what `align` wrote
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from reparo.contracts import Progress, Renderer, quiet
from reparo.errors import InputError, ReparoError
from reparo.evaluate.folder import evaluate_folder
from reparo.evaluate.made_up import Hints, full_masks, made_up_scene, to_problem
from reparo.evaluate.table import markdown_table, summary
from reparo.evaluate.truth import Truth, write_truth
from reparo.files.scene_json import SceneFile, SceneObject, write_scene_folder
from reparo.scene import Problem

log = logging.getLogger(__name__)

Align = Callable[[Path, Path], object]
"""Called as align(scene folder, result folder)."""

PICTURE = (384, 384)  # height, width in px
HIGHER_IS_BETTER = ("iou", "mask_iou", "psnr")


@dataclass(frozen=True)
class Track:
    """What the aligner is told."""

    hints: Hints
    free: bool = False  # whether one factor about the camera cannot be known
    solved: tuple[str, ...] = ("translation", "scale")  # what the aligner may change


TRACKS = {
    "metric": Track(Hints()),
    "disparity": Track(Hints(depth="disparity", ground="common"), free=True),
    "nodepth": Track(Hints(depth=None, ground="common"), free=True),
    "turned": Track(Hints(yaw=math.radians(20)), solved=("translation", "scale", "rotation")),
}


def solved(track: str) -> tuple[str, ...]:
    """What the aligner may change on a track: rotations, too, where they start wrong."""
    return TRACKS.get(track, Track(Hints())).solved


def make(
    folder: Path, count: int, seed: int, render: Renderer, progress: Progress = quiet
) -> list[str]:
    """Writes `count` scenes of two to four objects in every track; returns their ids."""
    ids = []
    for i in range(count):
        progress("making scenes", i, count)
        name = f"made-up-{seed + i:04d}"
        scene, observation = made_up_scene(seed + i, render, objects=2 + i % 3, size=PICTURE)
        truth = Truth(scene, observation, (1,) * len(scene.names))
        write_truth(folder / "truth" / name, truth, full_masks(scene, render))
        for track, told in TRACKS.items():
            problem = to_problem(scene, observation, replace(told.hints, seed=seed + i))
            write_scene_folder(folder / "scenes" / track / name, scene_file(problem))
        ids.append(name)
    progress("making scenes", count, count)
    return ids


def scene_file(problem: Problem) -> SceneFile:
    """A problem as a scene folder holds it."""
    parts = zip(
        problem.names, problem.meshes, problem.observation.regions, problem.starts, strict=True
    )
    objects = [
        SceneObject(name, mesh, region, start.wxyz, start.translation, start.scale)
        for name, mesh, region, start in parts
    ]
    seen = problem.observation
    return SceneFile(seen.photo, problem.camera, tuple(objects), seen.depth, seen.ground)


def run(
    folder: Path, align: Align, out: Path | None = None, progress: Progress = quiet
) -> dict[str, float]:
    """Aligns every scene of the benchmark; seconds for each TRACK/ID, loading included.

    A scene that `align` refuses is logged and counts as missing in the table.
    """
    scenes = scenes_of(folder)
    seconds = {}
    for i, scene in enumerate(scenes):
        name = f"{scene.parent.name}/{scene.name}"
        progress(f"aligning {name}", i, len(scenes))
        result = (out or folder / "results") / scene.parent.name / scene.name
        begin = time.perf_counter()
        try:
            align(scene, result)
        except ReparoError as error:
            (result / "layout.json").unlink(missing_ok=True)  # an earlier one is not this answer
            log.warning("%s was not aligned: %s", name, error)
        seconds[name] = time.perf_counter() - begin
    progress("aligning", len(scenes), len(scenes))
    return seconds


def scores(folder: Path, render: Renderer, out: Path | None = None) -> list[dict[str, object]]:
    """One row per track, scene and object."""
    rows: list[dict[str, object]] = []
    for scene in scenes_of(folder):
        track, name = scene.parent.name, scene.name
        found = (out or folder / "results") / track / name
        free = track in TRACKS and TRACKS[track].free
        for score in evaluate_folder(found, folder / "truth" / name, render, free):
            rows.append({"track": track, "scene": name, **score.row()})
    return rows


def table(folder: Path, render: Renderer, out: Path | None = None) -> str:
    """The benchmark's Markdown table: median, mean and worst of each measure, per track."""
    return markdown_table(summary(scores(folder, render, out), "track", HIGHER_IS_BETTER))


def scenes_of(folder: Path) -> list[Path]:
    """The benchmark's scene folders, by track and name."""
    found = sorted(path.parent for path in (folder / "scenes").glob("*/*/scene.json"))
    if not found:
        raise InputError(
            f"no benchmark in {folder}: scenes/TRACK/ID/scene.json was wanted; "
            "write one with `reparo bench make`"
        )
    return found
