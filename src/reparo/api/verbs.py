"""The two verbs for other programs: `run` a photo into a scene, `align` meshes to a photo."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reparo import layout, models, settings
from reparo.api.doors import as_camera, as_depth, as_mask, as_mesh, as_photo
from reparo.api.networks import check_networks, pulling
from reparo.api.results import Reconstruction, check_ours, renderer, write_run
from reparo.contracts import Progress, Watch, quiet
from reparo.errors import InputError
from reparo.files.folder import whole
from reparo.files.names import check_name
from reparo.files.scene_json import read_scene_folder
from reparo.layout.settings import AlignSettings
from reparo.pipeline import Job, Outcome, photo_to_scene, prepared
from reparo.scene import Camera, Ground, Observation, Photo, Problem, Region, Round, Start
from reparo.workspace import Recipe, Workspace, digest


def run(  # noqa: PLR0913 - public: each option by its name
    photo: str | Path | np.ndarray | Photo,
    out: str | Path,
    *,
    masks: str | Path | None = None,
    boxes: str | Path | None = None,
    points: str | Path | None = None,
    text: str | None = None,
    meshes: str | Path | None = None,
    depth: str | Path | None = None,
    depth_kind: str = "metric",
    fov_y_deg: float | None = None,
    height: tuple[str, float] | None = None,
    preset: str = "embedded",
    config: str | Path | None = None,
    overrides: Sequence[Mapping[str, Any]] = (),
    accept_licences: Sequence[str] = (),
    offline: bool = False,
    device: str = "auto",
    seed: int = 0,
    callback: Watch | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    """Makes a scene of separate objects from one photo, and leaves it and all steps in `out`.

    `masks`, `meshes`: folders of NAME.png, NAME.glb; `boxes`, `points`: JSON files; `text`: what to
    look for, as in "chair . lamp"; `depth`: a .npy file. `height`: an object's name and its real
    height in metres. `overrides`: tables of settings, such as {"align": {"seed": 1}}.
    `accept_licences`: names of licences of networks that restrict their use, such as CC-BY-NC-4.0.
    `offline`: no network is fetched. `callback` sees every round of the layout, in the world it is
    searched in. What still holds of an earlier run into `out` is used again.
    """
    progress = progress or quiet
    asked = [*map(dict, overrides), *_segmenting(masks, boxes, points, text)]
    if meshes is not None:
        asked.append({"reconstruct": {"use": "given", "folder": _folder_of_meshes(meshes)}})
    if depth is not None:
        asked.append({"depth": {"use": "given", "file": Path(depth), "kind": depth_kind}})
    world = {"fov_y_deg": fov_y_deg, "height": height}
    asked.append({"world": {key: value for key, value in world.items() if value is not None}})
    file = None if config is None else Path(config)
    chosen = settings.load(preset, file, asked, device=device, seed=seed)
    out = Path(out)
    check_ours(out)
    job = Job(as_photo(photo), chosen, Workspace(out / "steps"), progress, callback)
    with models.allowing([*chosen.licences.accept, *accept_licences], offline=offline):
        pulling(lambda: check_networks(chosen), progress)
        outcome = pulling(lambda: photo_to_scene(job, renderer()), progress)
    return _written(outcome, job, out)


def _written(outcome: Outcome, job: Job, out: Path) -> Reconstruction:
    """A run's results, in memory and in its folder."""
    height = job.settings.world.height
    notes = (*outcome.assumed, *outcome.notes, *outcome.solution.notes)
    found = Reconstruction(
        outcome.problem, outcome.solution, outcome.full_masks, notes, measured=height is not None
    )
    made_from = {"photo": job.photo_digest, "steps": digest(out / "steps")}
    write_run(found, out, Recipe("results", {"height": height}, made_from), job.progress)
    return found


def align(  # noqa: PLR0913 - public: each option by its name
    meshes: Mapping[str, Any],
    image: str | Path | np.ndarray | Photo,
    *,
    masks: Mapping[str, Any],
    depth: Any = None,
    depth_kind: str = "metric",
    camera: Camera | None = None,
    fov_y_deg: float | None = None,
    camera_to_world: Any = None,
    start: Mapping[str, Start] | None = None,
    ground: Ground | None = None,
    free: Sequence[str] = ("translation", "scale"),
    method: str = "fast",
    overrides: Sequence[Mapping[str, Any]] = (),
    device: str = "auto",
    seed: int = 0,
    callback: Watch | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    """Places meshes so that they look as in the picture.

    Both by name: `meshes` are records, trimesh objects or paths; `masks` arrays [h, w] (128 and
    above, or True, is inside) or paths. `depth`: an array or a path. The camera is a record, or
    `fov_y_deg` and `camera_to_world` [4, 4]. `overrides`: tables of settings, such as
    {"align": {"paper": {"semantic": 0}}}. `device`: where the method "paper" computes. `callback`
    sees every round's layout.
    """
    photo = as_photo(image)
    if sorted(meshes) != sorted(masks) or not meshes:
        raise InputError(
            "each object needs a mesh and a mask of its own name; got meshes for "
            f"{', '.join(sorted(meshes)) or 'none'} and masks for "
            f"{', '.join(sorted(masks)) or 'none'}"
        )
    names = tuple(check_name(name, "an object's name") for name in meshes)
    regions = tuple(Region(name, as_mask(masks[name], photo.size, name)) for name in names)
    starts = tuple((start or {}).get(name, Start(torch.tensor([1.0, 0, 0, 0]))) for name in names)
    problem = Problem(
        names,
        tuple(as_mesh(meshes[name], name) for name in names),
        camera or as_camera(photo, fov_y_deg, camera_to_world),
        Observation(photo, regions, as_depth(depth, depth_kind), ground),
        starts,
    )
    chosen = settings.align_settings(overrides, method=method, free=tuple(free), seed=seed)
    how = _How(chosen, settings.features_choice(overrides), device)
    return _solved(problem, how, progress, callback)


def align_folder(  # noqa: PLR0913 - public: each option by its name
    scene: str | Path,
    out: str | Path | None = None,
    *,
    free: Sequence[str] = ("translation", "scale"),
    method: str = "fast",
    overrides: Sequence[Mapping[str, Any]] = (),
    device: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Reconstruction:
    """`align` for a scene folder; writes the result to `out` if that is given."""
    chosen = settings.align_settings(overrides, method=method, free=tuple(free), seed=seed)
    found = read_scene_folder(Path(scene))
    starts = tuple(Start(item.rotation, item.translation, item.scale) for item in found.objects)
    problem = Problem(found.names, found.meshes, found.camera, found.observation, starts)
    how = _How(chosen, settings.features_choice(overrides), device)
    if out is None:
        return _solved(problem, how, progress)
    with whole(Path(out), inputs=[Path(scene)]) as folder:  # first, to refuse before the work
        result = _solved(problem, how, progress)
        result.write(folder)
    return result


def _folder_of_meshes(folder: str | Path) -> Path:
    if not Path(folder).is_dir():
        raise InputError(f"meshes must be in a folder of NAME.glb files, {folder} is none")
    return Path(folder)


@dataclass(frozen=True)
class _How:
    """How to lay out, and where."""

    align: AlignSettings
    features: settings.Choice
    device: str


def _solved(
    problem: Problem, how: _How, progress: Progress | None, callback: Watch | None = None
) -> Reconstruction:
    rounds: list[Round] = []

    def watch(current: Round) -> None:
        rounds.append(current)
        if callback is not None:
            callback(current)

    there, features = prepared(problem, how.align, how.features, how.device)
    progress = progress or quiet
    solution = pulling(
        lambda: layout.align(there, how.align, renderer(), progress, features, watch), progress
    )
    return Reconstruction(
        problem,
        solution,
        notes=solution.notes,
        rounds=tuple(rounds),
        settings=asdict(how.align),
    )


def _segmenting(
    masks: str | Path | None,
    boxes: str | Path | None,
    points: str | Path | None,
    text: str | None,
) -> list[settings.Table]:
    """The settings for masks, boxes, points or text, of which there is one at most.

    Masks replace the segmenter; the others are for the one that is chosen.
    """
    paths = {"masks": masks, "boxes": boxes, "points": points}
    chosen: settings.Table = {key: Path(path) for key, path in paths.items() if path is not None}
    if text is not None:
        if not text.strip(" ."):
            raise InputError(f'text names objects, as in "chair . table lamp", got {text!r}')
        chosen["text"] = text
    if len(chosen) > 1:
        raise InputError(
            f"one of masks, boxes, points and text is enough, got {' and '.join(chosen)}"
        )
    if "masks" in chosen:
        return [{"segment": {"use": "given", "folder": chosen["masks"]}}]
    return [{"segment": chosen}] if chosen else []
