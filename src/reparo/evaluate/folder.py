"""Scores a result folder of `align` or `run` against the truth."""

import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from reparo.contracts import Renderer
from reparo.evaluate.metrics import (
    MISSING,
    PictureErrors,
    PoseErrors,
    free_factor,
    grown,
    picture_errors,
    pose_errors,
    surface_points,
)
from reparo.evaluate.truth import Truth, read_truth
from reparo.files.layout_json import LayoutFile, read_layout
from reparo.files.scene_json import read_scene_folder
from reparo.scene import Mesh, Observation, Scene, Similarity

log = logging.getLogger(__name__)

UNSEEN = PictureErrors(mask_iou=0.0, psnr=0.0)


@dataclass(frozen=True)
class ObjectScore:
    """One object of the truth and how well it was found."""

    name: str
    pose: PoseErrors
    picture: PictureErrors

    def row(self) -> dict[str, object]:
        """For a table: the name and every measure, flat."""
        return {"object": self.name, **asdict(self.pose), **asdict(self.picture)}


def evaluate_folder(
    out: Path, truth: Path, render: Renderer, free: bool = False
) -> list[ObjectScore]:
    """Scores OUT/layout.json, object by object, in the truth's order.

    Poses are compared on the exact meshes, as seen from the two cameras (the worlds may differ).
    `free`: the result may be larger or smaller by one factor about the camera (no metric depth).
    The picture is rendered with the meshes of OUT/scene, where `run` left them; else with the exact
    ones. An object, or a layout.json, that is missing gets the worst of every measure.
    """
    true = read_truth(truth)
    path = out / "layout.json"
    if not path.is_file():
        log.warning("no layout.json in %s: every object of %s counts as missing", out, truth)
        return [ObjectScore(name, MISSING, UNSEEN) for name in true.scene.names]
    found = read_layout(path)
    common = [name for name in true.scene.names if name in found.names]
    if not common:
        return [ObjectScore(name, MISSING, UNSEEN) for name in true.scene.names]
    layout = in_true_world(found, true, common)
    poses = dict(zip(common, compare_poses(layout, true, common, free), strict=True))
    pictures = dict(zip(common, compare_pictures(layout, true, common, out, render), strict=True))
    return [
        ObjectScore(name, poses.get(name, MISSING), pictures.get(name, UNSEEN))
        for name in true.scene.names
    ]


def evaluate_run(out: Path, render: Renderer) -> list[tuple[str, PictureErrors]]:
    """Without a truth: how the result of `run` in OUT agrees with its own photo and masks."""
    made = read_scene_folder(out / "scene")
    found = read_layout(out / "layout.json")
    order = [found.names.index(name) for name in made.names if name in found.names]
    names = tuple(found.names[i] for i in order)
    layout = Similarity.stack([found.solution.layout[i] for i in order])
    kept = [i for i, name in enumerate(made.names) if name in names]
    meshes = tuple(made.meshes[i] for i in kept)
    seen = replace(made.observation, regions=tuple(made.regions[i] for i in kept))
    scene = Scene(names, meshes, layout, found.camera(made.photo.size))
    return list(zip(names, picture_errors(scene, seen, render), strict=True))


def in_true_world(found: LayoutFile, true: Truth, names: list[str]) -> Similarity:
    """The found poses of `names`, carried from the found camera's world to the true one's."""
    true_from_found = true.scene.camera.world_from_camera @ found.world_from_camera.inverse()
    poses = [found.solution.layout[found.names.index(name)] for name in names]
    return Similarity.stack([true_from_found @ pose for pose in poses])


def compare_poses(
    layout: Similarity, true: Truth, names: list[str], free: bool
) -> list[PoseErrors]:
    """Pose errors of the objects `names`, whose found poses are `layout`, a batch."""
    index = [true.scene.names.index(name) for name in names]
    camera = true.scene.camera
    poses = Similarity.stack([true.scene.layout[i] for i in index])
    if free:
        layout = grown(layout, free_factor(layout, poses, camera), camera)
    return [
        pose_errors(
            surface_points(true.scene.meshes[i]), layout[k], poses[k], camera, true.yaw_symmetry[i]
        )
        for k, i in enumerate(index)
    ]


def compare_pictures(
    layout: Similarity, true: Truth, names: list[str], out: Path, render: Renderer
) -> list[PictureErrors]:
    """Picture errors of the objects `names`, against the true masks and the photo."""
    own = own_meshes(out)
    index = [true.scene.names.index(name) for name in names]
    meshes = [own.get(name, true.scene.meshes[i]) for name, i in zip(names, index, strict=True)]
    regions = tuple(true.observation.regions[i] for i in index)
    scene = Scene(tuple(names), tuple(meshes), layout, true.scene.camera)
    return picture_errors(scene, Observation(true.observation.photo, regions), render)


def own_meshes(out: Path) -> dict[str, Mesh]:
    """The meshes that `run` left in OUT/scene, by name; none after `align`."""
    if not (out / "scene" / "scene.json").is_file():
        return {}
    made = read_scene_folder(out / "scene")
    return dict(zip(made.names, made.meshes, strict=True))
