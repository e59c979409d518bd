"""What the scene view shows: meshes in their places, of a result or of work that is going on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from reparo.app.state import Pose
from reparo.files import checks
from reparo.files.cutouts import read_cutout
from reparo.files.layout_json import read_layout
from reparo.files.rounds_json import pose_rows
from reparo.pipeline.steps import COMPLETE, DEPTH, RECONSTRUCT
from reparo.pipeline.world import facing_rotation
from reparo.scene import Camera, Cutout, Similarity

AWAY = 3.0  # camera heights: how far off a mesh is shown whose place is not known yet


@dataclass(frozen=True)
class Shown:
    """Meshes, where they stand, and the photo's camera, in one world."""

    camera: Camera
    meshes: Mapping[str, Path]  # GLB files, by name
    poses: Mapping[str, Pose]  # world_from_object, by name

    @property
    def distance(self) -> float:
        """From the camera to the middle of the objects, along its axis."""
        places = torch.tensor([pose[:3] for pose in self.poses.values()]).reshape(-1, 3)
        if not len(places):
            return AWAY
        local = self.camera.camera_from_world.apply(places.to(torch.get_default_dtype()))
        return max(float(-local[:, 2].mean()), 1e-3)


def of_result(folder: Path, moved: Mapping[str, Pose]) -> Shown:
    """A result, with what was moved by hand."""
    found = read_layout(folder / "layout.json")
    with Image.open(folder / "scene" / "image.png") as image:
        size = (image.height, image.width)
    rows = pose_rows(found.solution.layout)
    poses = {name: tuple(row) for name, row in zip(found.names, rows, strict=True)}
    meshes = {name: folder / "scene" / "objects" / f"{name}.glb" for name in found.names}
    return Shown(found.camera(size), meshes, poses | dict(moved))


def arriving(steps: Path, names: Sequence[str], size: tuple[int, int]) -> Shown:
    """The meshes that are there, each where its cut-out shows it, at one distance."""
    camera = camera_of(steps, size)
    poses: dict[str, Pose] = {}
    meshes: dict[str, Path] = {}
    for name in names:
        mesh = steps / RECONSTRUCT / name / f"{name}.glb"
        if mesh.is_file():
            meshes[name] = mesh
            poses[name] = _hung(camera, read_cutout(steps / COMPLETE / name, name))
    return Shown(camera, meshes, poses)


def camera_of(steps: Path, size: tuple[int, int]) -> Camera:
    """The photo's camera in the world in which the layout is searched."""
    path = steps / DEPTH / "camera.json"
    note = checks.read_json(path)["camera"]
    pose = checks.rigid_motion(note["camera_to_world"], str(path))
    return Camera.from_fov(float(note["fov_y_deg"]), size, pose)


def pose_of(layout: Similarity) -> Pose:
    """One object's place as eight numbers."""
    return tuple(pose_rows(Similarity.stack([layout]))[0])


def placed(pose: Pose) -> Similarity:
    """Eight numbers as a transform, world_from_object."""
    return layout_of([pose])[0]


def layout_of(poses: Sequence[Pose]) -> Similarity:
    """A batch of them."""
    rows = torch.tensor(poses).to(torch.get_default_dtype())
    return Similarity(torch.nn.functional.normalize(rows[:, 3:7], dim=-1), rows[:, :3], rows[:, 7])


def _hung(camera: Camera, cutout: Cutout) -> Pose:
    """Facing the camera, as large as in the photo."""
    side = cutout.rgba.shape[0]
    corners = cutout.photo_from_cutout @ cutout.photo_from_cutout.new_tensor(
        [[side / 2, 0.0], [side / 2, side], [1.0, 1.0]]
    )  # [2, 2]: middle and lower right corner, each a column
    middle = camera.unproject(corners[:, 0][None], corners.new_tensor([AWAY]))[0]
    width = 2 * float(corners[0, 1] - corners[0, 0]) / camera.focal * AWAY
    scale = torch.tensor(width).to(middle)  # the object's frame is about the unit cube
    return pose_of(Similarity(facing_rotation(camera, cutout).to(middle), middle, scale))
