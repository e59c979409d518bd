"""The long works: find the objects, make the scene, refine it from where it stands; saving it."""

import io
import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from reparo import api
from reparo.api.many import Options, allowed, chosen_by
from reparo.api.networks import pulling
from reparo.api.results import Reconstruction
from reparo.app.shown import Shown, layout_of, placed
from reparo.app.state import Pose
from reparo.contracts import Progress, Watch
from reparo.files.folder import whole
from reparo.files.images import read_photo, write_mask
from reparo.files.layout_json import read_layout
from reparo.files.meshes import read_mesh
from reparo.files.scene_json import read_scene_folder
from reparo.files.stored import read_result
from reparo.scene import ObjectReport, Problem, Region, Similarity, Start

UNSENT = ("steps", "logs")  # of a run's folder, what a result does without


def find(photo: Path, options: Options, progress: Progress) -> list[Region]:
    """The objects that the preset's segmenter finds by itself."""
    chosen = chosen_by(options)
    with allowed(chosen, options):
        picture = read_photo(photo)
        return pulling(lambda: chosen.segment.create(progress)(picture), progress)


@dataclass(frozen=True)
class Making:
    """One run: the photo, where its steps are kept, who is told of it."""

    photo: Path
    run: Path  # the folder of `reparo run`
    progress: Progress
    watch: Watch

    def make(self, regions: Sequence[Region], options: Options, result: Path) -> None:
        """The scene of these objects, into the folder `result`; steps that still hold are kept."""
        given = self.run.parent / "given"
        shutil.rmtree(given, ignore_errors=True)
        given.mkdir(parents=True)
        for region in regions:
            write_mask(given / f"{region.name}.png", region.visible)
        api.run(
            self.photo,
            self.run,
            masks=given,
            **options,
            callback=self.watch,
            progress=self.progress,
        )
        with whole(result, ours=lambda _: True) as fresh:
            _copy(self.run, fresh)

    def refine(
        self, before: Path, poses: Mapping[str, Pose], turning: bool, options: Options, result: Path
    ) -> None:
        """A new result: the layout of `before`, searched anew from these poses."""
        found = read_scene_folder(before / "scene")
        free = ("translation", "scale", *(("rotation",) if turning else ()))
        solved = api.align(
            dict(zip(found.names, found.meshes, strict=True)),
            found.photo,
            masks={region.name: region.visible for region in found.regions},
            depth=found.depth,
            camera=found.camera,
            start={name: _start(poses[name]) for name in found.names},
            ground=found.ground,
            free=free,
            overrides=options.get("overrides", ()),
            device=options.get("device", "auto"),
            seed=options.get("seed", 0),
            callback=self.watch,
            progress=self.progress,
        )
        metric = read_result(before).world.metric
        _rewritten(before, replace(solved, measured=metric), result)


def hand_placed(before: Path, moved: Mapping[str, Pose], result: Path) -> None:
    """A new result: that of `before` with some objects where a person put them."""
    found, stored = read_scene_folder(before / "scene"), read_result(before)
    layout = read_layout(before / "layout.json")
    poses = dict(zip(layout.names, _rows(layout.solution.layout), strict=True)) | dict(moved)
    reports = tuple(
        ObjectReport({}, {}) if name in moved else report  # what was measured is no longer so
        for name, report in zip(layout.names, layout.solution.objects, strict=True)
    )
    said = tuple(f"{name} was placed by hand" for name in moved)
    solution = replace(
        layout.solution,
        layout=layout_of([poses[name] for name in layout.names]),
        objects=reports,
        notes=said,
        ground=stored.world.ground,
    )
    starts = tuple(_start(poses[name]) for name in found.names)
    problem = Problem(found.names, found.meshes, found.camera, found.observation, starts)
    by_hand = Reconstruction(problem, solution, notes=said, measured=stored.world.metric)
    _rewritten(before, by_hand, result)


def grown(shown: Shown, name: str, factor: float) -> Pose:
    """An object's pose at another size, the lowest point of its mesh where it was."""
    pose = shown.poses[name]
    here = placed(pose)
    vertices = here.apply(read_mesh(shown.meshes[name]).vertices)
    foot = vertices[vertices[:, 1].argmin()]
    centre = here.translation.clone()
    centre[1] = foot[1] + (centre[1] - foot[1]) * factor
    return (*centre.tolist(), *pose[3:7], pose[7] * factor)


def archive(folder: Path) -> bytes:
    """A result's folder as a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder).as_posix())
    return file.getvalue()


def _rewritten(before: Path, found: Reconstruction, result: Path) -> None:
    """The folder `before` with another layout: all that shows it is written anew."""
    with whole(result, ours=lambda _: True) as fresh:
        _copy(before, fresh)
        for name in ("turntable.gif", "alignment.gif"):
            (fresh / name).unlink(missing_ok=True)
        found.write(fresh)
        poses = dict(zip(found.problem.names, _rows(found.solution.layout), strict=True))
        _starts_at(fresh / "scene" / "scene.json", poses)


def _starts_at(path: Path, poses: Mapping[str, Pose]) -> None:
    """Says in scene.json where the objects stand now, so that `reparo align` can go on from it."""
    table = json.loads(path.read_text(encoding="utf-8"))
    for entry in table["objects"]:
        pose = poses[entry["name"]]
        entry |= {"translation": pose[:3], "rotation": pose[3:7], "scale": pose[7]}
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(
        source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*UNSENT, ".*")
    )


def _start(pose: Pose) -> Start:
    numbers = torch.tensor(pose).to(torch.get_default_dtype())
    return Start(torch.nn.functional.normalize(numbers[3:7], dim=0), numbers[:3], float(pose[7]))


def _rows(layout: Similarity) -> list[Pose]:
    parts = (layout.translation, layout.wxyz, layout.scale[:, None])
    return [tuple(row) for row in torch.cat(parts, -1).tolist()]
