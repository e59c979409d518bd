"""What `run` and `align` return, and how it is written."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from reparo import registry
from reparo.api import exporting
from reparo.api.notebook import result_html
from reparo.contracts import Progress, Renderer
from reparo.errors import InputError
from reparo.files.folder import is_scene, whole, whole_file
from reparo.files.layout_json import write_layout
from reparo.files.scene_glb import write_scene_glb
from reparo.files.scene_json import SceneFile, SceneObject, write_scene_folder
from reparo.files.staging import Dress, World, stage
from reparo.files.stored import Stored
from reparo.pipeline import scene_of
from reparo.report.alignment import write_alignment
from reparo.report.page import REPORT, write_page
from reparo.report.page_source import Made, Seen, seen_in
from reparo.report.pictures import mask_image, to_image
from reparo.report.preview import write_preview
from reparo.report.turntable import write_turntable
from reparo.scene import Observation, Photo, Problem, Round, Scene, Solution
from reparo.workspace import NOTE, Recipe, Workspace, digest

RESULTS = ("scene", "scene.glb", "preview.png", "turntable.gif", "layout.json", REPORT)
PREVIEW_SAMPLES = 2  # by as many rays a pixel: smooth outlines
PREVIEW_LONGEST = 1280  # px


@dataclass(frozen=True)
class Reconstruction:
    """A scene, what it was made to explain, and how well it does."""

    problem: Problem
    solution: Solution
    full_masks: Mapping[str, Bool[Tensor, "h w"]] = field(default_factory=dict)  # hidden parts too
    notes: tuple[str, ...] = ()  # what was assumed or doubtful, in words
    rounds: tuple[Round, ...] = ()  # how the layout was found; only of `align`
    measured: bool = False  # an object's real height was given
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the layout; only of `align`

    @property
    def scene(self) -> Scene:
        """The objects in their places, and the photo's camera."""
        return scene_of(self.problem, self.solution)

    @property
    def world(self) -> World:
        """Whether it counts in metres, and the height of the ground."""
        depth = self.observation.depth
        metric = depth is not None and depth.kind == "metric"
        return World(metric or self.measured, self.solution.ground)

    @property
    def observation(self) -> Observation:
        """Photo, masks and depth."""
        return self.problem.observation

    @property
    def seconds(self) -> Mapping[str, float]:
        """How long each step of laying out took."""
        return self.solution.seconds

    def save(self, out: str | Path) -> Path:
        """Leaves layout.json, scene.glb, pictures and report.html; replaces what was there."""
        with whole(Path(out)) as folder:
            self.write(folder)
        return Path(out)

    def write(self, folder: Path) -> None:
        """Writes the files into a folder that is there."""
        write_layout(folder / "layout.json", self.scene, self.solution)
        write_scene_glb(folder / "scene.glb", stage(self.scene, self.world))
        self.write_preview(folder / "preview.png")
        if self.rounds:
            photo, layouts = self.observation.photo, [one.layout for one in self.rounds]
            layouts.append(self.solution.layout)
            write_alignment(folder / "alignment.gif", photo, self.scene, layouts, renderer())
        write_page(folder / REPORT, folder, self._seen())

    def _seen(self) -> Seen:
        """What the report shows beside the written files."""
        seen, seconds = self.observation, sum(self.seconds.values())
        made = Made("Find their places", self.solution.method, self.settings, seconds)
        masks = {region.name: mask_image(region.visible) for region in seen.regions}
        return Seen(to_image(seen.photo.rgb), masks, rounds=self.rounds, made=(made,))

    def export(  # noqa: PLR0913 - public: each option by its name
        self,
        folder: str | Path,
        to: str | Iterable[str] = "glb",
        *,
        simplify: int | None = None,
        watertight: bool = False,
        backdrop: bool = False,
        ground_plane: bool = False,
        unlit: bool = False,
        progress: Progress | None = None,
    ) -> list[Path]:
        """Writes the scene for other programs: glb, obj, usda, usdz, urdf, mjcf, one or several.

        `simplify`: at most so many triangles an object. `watertight`: holes are closed; a mesh that
        cannot be is an InputError. `backdrop`: the photo behind everything. `ground_plane`: a
        square to catch shadows. `unlit`: colours as the photo has them, whatever the light.
        """
        photo = self.observation.photo if backdrop else None
        dress = Dress(simplify, watertight, photo, ground_plane, unlit)
        stored = Stored(self.scene, self.world, self.observation.photo)
        names = exporting.checked(to, dress)
        return exporting.written(Path(folder), names, stored, dress, progress)

    def _repr_html_(self) -> str:
        """What notebooks show: the preview, a table of the objects, the notes."""
        return result_html(self)

    def write_preview(self, path: str | Path) -> None:
        """Writes photo | render | difference as a picture."""
        photo = _bounded(self.observation.photo)
        scene = replace(self.scene, camera=self.scene.camera.resized(photo.size))
        write_preview(Path(path), photo, renderer()(scene, samples=PREVIEW_SAMPLES))


def write_run(found: Reconstruction, out: Path, recipe: Recipe, progress: Progress) -> None:
    """`scene/`, scene.glb, layout.json, pictures and report.html, each whole or not at all.

    Where they are all there and were made by the same recipe, nothing is written.
    """
    note = out / "steps" / NOTE
    if _note(note) == _made(out, recipe):
        return
    with whole(out / "scene", ours=is_scene) as folder:
        write_scene_folder(folder, _scene_file(found), found.full_masks)
    scene, solution = found.scene, replace(found.solution, notes=found.notes)
    writers: dict[str, Callable[[Path], None]] = {
        "scene.glb": lambda path: write_scene_glb(path, stage(scene, found.world)),
        "preview.png": found.write_preview,
        "turntable.gif": lambda path: write_turntable(path, scene, renderer(), progress=progress),
        "layout.json": lambda path: write_layout(path, scene, solution),
        REPORT: lambda path: write_page(path, out, seen_in(out)),  # last: made of all the others
    }
    for name, write in writers.items():
        with whole_file(out / name) as path:
            write(path)
    with whole_file(note) as path:
        path.write_text(json.dumps(_made(out, recipe), indent=1) + "\n")


def check_ours(out: Path) -> None:
    """Refuses a folder where a run would write over files that no earlier run left."""
    foreign = [name for name in RESULTS if (out / name).exists()]
    if foreign and not (out / "steps").is_dir():
        raise InputError(
            f"{out} already has {foreign[0]}, and no steps/ of an earlier run beside it; "
            "choose another folder"
        )


def _scene_file(found: Reconstruction) -> SceneFile:
    seen = found.observation
    parts = zip(
        found.problem.names,
        found.problem.meshes,
        seen.regions,
        found.problem.starts,
        strict=True,
    )
    objects = tuple(
        SceneObject(name, mesh, region, start.wxyz) for name, mesh, region, start in parts
    )
    return SceneFile(seen.photo, found.problem.camera, objects, seen.depth, seen.ground)


def _made(out: Path, recipe: Recipe) -> dict[str, Any]:
    """What the results are made from, by which networks, and what they are."""
    results = {name: digest(out / name) for name in RESULTS if (out / name).exists()}
    used = Workspace(out / "steps").models()
    return {"fingerprint": recipe.fingerprint, "models": used, **results}


def _note(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _bounded(photo: Photo) -> Photo:
    """The photo, no larger than a preview needs it."""
    shrink = PREVIEW_LONGEST / max(photo.size)
    if shrink >= 1:
        return photo
    height, width = (max(1, round(side * shrink)) for side in photo.size)
    planes = photo.rgb.permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(planes, (height, width), mode="area")[0]
    return Photo(small.permute(1, 2, 0))


def renderer() -> Renderer:
    """The plain renderer."""
    return registry.create("render", "torch")
