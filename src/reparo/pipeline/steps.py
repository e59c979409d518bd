"""Each step of the method as a folder of files: made where it does not hold, then read back.

What is used is always what the files say, so that a resumed run gives what the first one gave, and
a file that a person changed counts.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from reparo.contracts import Progress, Watch
from reparo.errors import BackendFailed, InputError
from reparo.files import checks
from reparo.files.cutouts import read_cutout, write_cutout
from reparo.files.depths import read_depth, write_depth
from reparo.files.images import read_mask, write_mask
from reparo.files.layout_json import read_layout, write_layout
from reparo.files.meshes import read_mesh
from reparo.files.names import check_name
from reparo.files.rounds_json import write_rounds
from reparo.files.scene_glb import write_mesh_glb
from reparo.files.scene_json import camera_table
from reparo.files.soundness import open_edges, sound
from reparo.pipeline.objects import Kept, Worker, each
from reparo.pipeline.world import camera_from_depth, up_in_cutout, usual_camera
from reparo.scene import (
    DEPTH_KINDS,
    Camera,
    Cutout,
    Depth,
    Mesh,
    Photo,
    Problem,
    Region,
    Round,
    Scene,
    Solution,
)
from reparo.settings import Choice, Settings
from reparo.workspace import Recipe, Workspace, digest

SEGMENT, DEPTH = "1-segment", "2-depth"
COMPLETE, RECONSTRUCT, LAYOUT = "3-complete", "4-reconstruct", "5-layout"
ROUNDS = "rounds.json"  # beside the layout: how it was found
NOTES = "notes.txt"  # beside an object's result, where there is something to say of it


@dataclass(frozen=True)
class Job:
    """What every step of one run shares."""

    photo: Photo
    settings: Settings
    workspace: Workspace
    progress: Progress
    watch: Watch | None = None  # sees each round of the search for a layout

    @cached_property
    def photo_digest(self) -> str:
        """Of the picture's pixels and lens, whatever file they came in."""
        pixels = self.photo.to_array()
        head = f"{pixels.shape} {self.photo.fov_y_deg}".encode()
        return hashlib.sha256(head + pixels.tobytes()).hexdigest()

    def inputs(self, *places: str) -> dict[str, str]:
        """The digests of the photo and of earlier results."""
        found = {place: digest(self.workspace.root / place) for place in places}
        return {"photo": self.photo_digest, **found}

    def worker(self, choice: Choice) -> Worker:
        """A stage's backend, for as long as the stage takes; logs of programs lie beside steps/."""
        return Worker(choice, self.progress, self.workspace.root.parent / "logs")

    def step(
        self, place: str, choice: Choice, inputs: Mapping[str, str], make: Callable[[Path], None]
    ) -> Path:
        """One result of one backend."""
        recipe = Recipe(choice.use, choice.recipe, inputs)
        return self.workspace.step(place, recipe, make)


def segment(job: Job) -> list[Region]:
    """`1-segment/NAME.png`: each object's visible part, largest first."""
    job.progress("segment", 0, 1)

    def make(folder: Path) -> None:
        with job.worker(job.settings.segment) as segmenter:
            for region in segmenter(job.photo):
                write_mask(folder / f"{check_name(region.name, 'an object')}.png", region.visible)

    folder = job.step(SEGMENT, job.settings.segment, job.inputs(), make)
    regions = [
        Region(path.stem, read_mask(path, job.photo.size, path.stem))
        for path in sorted(folder.glob("*.png"))
    ]
    if not regions:
        raise InputError(
            "an object was wanted, but none was found in the photo; say where they are with "
            "--masks, --boxes or --points"
        )
    job.progress("segment", 1, 1)
    return sorted(regions, key=lambda region: -region.area)


def look(job: Job, regions: Sequence[Region]) -> tuple[Camera, Depth, list[str]]:
    """`2-depth/`: how far everything is, and where the camera stands; and what was assumed."""
    job.progress("depth", 0, 1)
    choice, world = job.settings.depth, job.settings.world

    def make(folder: Path) -> None:
        camera, assumed = usual_camera(job.photo, world)
        with job.worker(choice) as estimator:
            depth = estimator(job.photo, camera, regions)
            assumed += estimator.notes
        if choice.use != "ground":  # which was made from that very camera
            camera, unseen = camera_from_depth(camera, depth, regions)
            assumed += unseen
        write_depth(folder / "depth.npy", depth)
        note = {"camera": camera_table(camera), "kind": depth.kind, "assumed": assumed}
        (folder / "camera.json").write_text(json.dumps(note, indent=1) + "\n")

    settings = {**choice.recipe, "world": asdict(world)}
    recipe = Recipe(choice.use, settings, job.inputs(SEGMENT))
    folder = job.workspace.step(DEPTH, recipe, make)
    camera, kind, assumed = _read_camera(folder / "camera.json", job.photo.size)
    job.progress("depth", 1, 1)
    return camera, read_depth(folder / "depth.npy", kind), assumed


def complete(job: Job, regions: Sequence[Region], seen: tuple[Camera, Depth]) -> Kept[Cutout]:
    """`3-complete/NAME/`: each object whole, in a square of its own; without those that failed."""
    choice, inputs = job.settings.complete, job.inputs(SEGMENT, DEPTH)
    camera, depth = seen
    completer = job.worker(choice)

    def one(region: Region) -> Cutout:
        others = [other for other in regions if other is not region]

        def make(folder: Path) -> None:
            cutout = completer(job.photo, region, others, depth)
            up = up_in_cutout(camera, cutout)
            height, width = camera.size
            middle = (width / 2, height / 2)
            seen_so = replace(cutout, focal=camera.focal, principal=middle, up=up)
            write_cutout(folder, region.name, seen_so)
            _write_notes(folder, region.name, completer.notes)

        folder = job.step(f"{COMPLETE}/{region.name}", choice, inputs, make)
        return read_cutout(folder, region.name)

    items = {region.name: region for region in regions}
    with completer:
        return _noted(job, COMPLETE, set(items), each("complete", items, one, job.progress))


def reconstruct(job: Job, cutouts: Mapping[str, Cutout]) -> Kept[Mesh]:
    """`4-reconstruct/NAME/NAME.glb`: each object's mesh; without those that failed."""
    choice = job.settings.reconstruct
    generator = job.worker(choice)

    def one(name: str) -> Mesh:
        def make(folder: Path) -> None:
            mesh = generator(cutouts[name], name)
            if not isinstance(mesh, Mesh):
                raise BackendFailed(
                    f"a mesh was wanted of {choice.use!r}, it gave {type(mesh).__name__}; mend it"
                )
            write_mesh_glb(folder / f"{name}.glb", sound(mesh, f"the mesh of {name!r}"))
            _write_notes(folder, name, generator.notes)

        inputs = {"cutout": digest(job.workspace.root / COMPLETE / name)}
        folder = job.step(f"{RECONSTRUCT}/{name}", choice, inputs, make)
        return read_mesh(folder / f"{name}.glb")

    names = {name: name for name in cutouts}
    with generator:
        kept = each("reconstruct", names, one, job.progress)
    kept = _noted(job, RECONSTRUCT, set(names), kept)
    open_ones = {name: open_edges(mesh) for name, mesh in kept.done.items()}
    said = [f"{name} ({count} open edges)" for name, count in open_ones.items() if count]
    note = (f"not closed: {', '.join(said)}",) if said else ()
    return replace(kept, notes=(*kept.notes, *note))


def lay_out(job: Job, problem: Problem, solve: Callable[[Watch], Solution]) -> Solution:
    """`5-layout/`: where the objects stand in the problem's own world."""
    align = job.settings.align
    settings = {**asdict(align), "ground": problem.observation.ground}
    if align.method == "paper":
        features = job.settings.features
        settings["features"] = {"use": features.use, **features.recipe}
    inputs = job.inputs(SEGMENT, DEPTH)
    for name in problem.names:
        inputs[name] = digest(job.workspace.root / RECONSTRUCT / name)
        inputs[f"{name}, start"] = str(problem.starts[problem.names.index(name)].wxyz.tolist())

    def make(folder: Path) -> None:
        rounds: list[Round] = []

        def watched(current: Round) -> None:
            rounds.append(current)
            if job.watch is not None:
                job.watch(current)

        solution = solve(watched)
        write_rounds(folder / ROUNDS, problem.names, rounds)
        write_layout(folder / "layout.json", scene_of(problem, solution), solution)
        note = {"ground": solution.ground, "notes": solution.notes}
        (folder / "notes.json").write_text(json.dumps(note, indent=1) + "\n")

    folder = job.workspace.step(LAYOUT, Recipe(align.method, settings, inputs), make)
    return _read_solution(folder, problem.names)


def scene_of(problem: Problem, solution: Solution) -> Scene:
    """The problem's objects where the solution puts them."""
    return Scene(problem.names, problem.meshes, solution.layout, problem.camera)


def _read_camera(path: Path, size: tuple[int, int]) -> tuple[Camera, str, list[str]]:
    note = checks.table(checks.read_json(path), str(path), ("camera", "kind", "assumed"), ())
    keys = ("fov_y_deg", "camera_to_world")
    entry = checks.table(note["camera"], f"{path}: camera", keys, ())
    fov = checks.number(entry["fov_y_deg"], f"{path}: camera.fov_y_deg", 0.0, 180.0)
    pose = checks.rigid_motion(entry["camera_to_world"], f"{path}: camera.camera_to_world")
    kind = checks.text(note["kind"], f"{path}: kind", DEPTH_KINDS)
    assumed = list(_sentences(note["assumed"], f"{path}: assumed"))
    return Camera.from_fov(fov, size, pose), kind, assumed


def _read_solution(folder: Path, names: tuple[str, ...]) -> Solution:
    found = read_layout(folder / "layout.json")
    if found.names != names:
        raise InputError(
            f"{folder} lays out {', '.join(found.names)}; {', '.join(names)} were wanted; "
            "delete it to have it made anew"
        )
    path = folder / "notes.json"
    note = checks.table(checks.read_json(path), str(path), ("ground", "notes"), ())
    ground = note["ground"]
    if ground is not None:
        ground = checks.number(ground, f"{path}: ground")
    return replace(found.solution, ground=ground, notes=_sentences(note["notes"], f"{path}: notes"))


def _sentences(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InputError(f"{where} must be a list of sentences; delete the folder to make it anew")
    return tuple(map(str, value))


def _noted(job: Job, step: str, names: set[str], kept: Kept[Any]) -> Kept[Any]:
    """With what was noted beside each result; results of objects that are gone are forgotten."""
    job.workspace.forget(step, keep=names)
    files = [job.workspace.root / step / name / NOTES for name in kept.done]
    lines = [line for file in files if file.is_file() for line in file.read_text().splitlines()]
    return replace(kept, notes=(*kept.notes, *lines))


def _write_notes(folder: Path, name: str, notes: Sequence[str]) -> None:
    if notes:
        (folder / NOTES).write_text("".join(f"{name} {note}\n" for note in notes))
