"""The scene folder: what `align` starts from and what `run` leaves behind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.errors import InputError
from reparo.files import checks
from reparo.files.depths import read_depth, write_depth
from reparo.files.folder import is_scene
from reparo.files.images import read_mask, read_photo, write_image, write_mask
from reparo.files.meshes import read_mesh
from reparo.files.names import check_name, check_unique, inside
from reparo.files.scene_glb import write_mesh_glb
from reparo.scene import (
    DEPTH_KINDS,
    Camera,
    Depth,
    Ground,
    Mesh,
    Observation,
    Photo,
    Region,
    Similarity,
)


@dataclass(frozen=True)
class SceneObject:
    """One object: its mesh, where it shows, and where to start."""

    name: str
    mesh: Mesh
    region: Region
    rotation: Float[Tensor, "4"]  # unit quaternion, real part first; world_from_object
    translation: Float[Tensor, "3"] | None = None  # world units; None: not known yet
    scale: float | None = None  # world units per object unit; None: not known yet
    mesh_path: Path | None = None  # the file the mesh was read from


@dataclass(frozen=True)
class SceneFile:
    """A scene folder's content, checked."""

    photo: Photo
    camera: Camera  # of the photo's size
    objects: tuple[SceneObject, ...]
    depth: Depth | None = None
    ground: Ground | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The objects' names, in order."""
        return tuple(item.name for item in self.objects)

    @property
    def meshes(self) -> tuple[Mesh, ...]:
        """The objects' meshes, in order."""
        return tuple(item.mesh for item in self.objects)

    @property
    def regions(self) -> tuple[Region, ...]:
        """Where the objects show, in order."""
        return tuple(item.region for item in self.objects)

    @property
    def rotations(self) -> Float[Tensor, "n 4"]:
        """Start rotations, world_from_object."""
        return torch.stack([item.rotation for item in self.objects])

    @property
    def observation(self) -> Observation:
        """All that a layout must explain."""
        return Observation(self.photo, self.regions, self.depth, self.ground)


def read_scene_folder(folder: Path) -> SceneFile:
    """Reads a folder with a scene.json; whatever is wrong with it is an `InputError`."""
    if not folder.is_dir():
        raise InputError(f"no scene folder at {folder}; check the path")
    path = folder / "scene.json"
    if not path.is_file() and is_scene(folder / "scene"):  # `run` left this folder
        raise InputError(f"no file {path}; the scene folder in this result is {folder / 'scene'}")
    top = checks.table(
        checks.read_json(path), str(path), ("image", "camera", "objects"), ("depth", "ground")
    )
    photo = read_photo(_file(folder, top["image"], f"{path}: image"))
    camera = _camera(top["camera"], photo.size, f"{path}: camera")
    ground = None
    if "ground" in top:
        ground = cast(Ground, checks.text(top["ground"], f"{path}: ground", get_args(Ground)))
    entries = _entries(top["objects"], f"{path}: objects")
    return SceneFile(
        photo,
        camera,
        tuple(_object(folder, where, entry, photo.size) for where, entry in entries),
        _depth(folder, top["depth"], f"{path}: depth") if "depth" in top else None,
        ground,
    )


def _file(folder: Path, value: Any, where: str) -> Path:
    return inside(folder, checks.text(value, where), where)


def _camera(value: Any, size: tuple[int, int], where: str) -> Camera:
    entry = checks.table(value, where, ("fov_y_deg",), ("camera_to_world",))
    fov = checks.number(entry["fov_y_deg"], f"{where}.fov_y_deg", 0.0, 180.0)
    if "camera_to_world" not in entry:
        return Camera.from_fov(fov, size)
    pose = checks.rigid_motion(entry["camera_to_world"], f"{where}.camera_to_world")
    return Camera.from_fov(fov, size, pose)


def _depth(folder: Path, value: Any, where: str) -> Depth:
    entry = checks.table(value, where, ("file", "kind"), ())
    kind = checks.text(entry["kind"], f"{where}.kind", DEPTH_KINDS)
    return read_depth(_file(folder, entry["file"], f"{where}.file"), kind)


def _entries(value: Any, where: str) -> list[tuple[str, dict[str, Any]]]:
    """Each object's place in the file and its keys; names checked before anything is loaded."""
    if not isinstance(value, list) or not value:
        raise InputError(f"{where} must be a list of at least one object; add one")
    needed, optional = ("name", "mesh", "mask"), ("rotation", "translation", "scale")
    entries = []
    for index, item in enumerate(value):
        place = f"{where}[{index}]"
        entry = checks.table(item, place, needed, optional)
        check_name(checks.text(entry["name"], f"{place}.name"), f"{place}.name")
        entries.append((place, entry))
    check_unique([entry["name"] for _, entry in entries], where)
    return entries


def _object(folder: Path, where: str, entry: dict[str, Any], size: tuple[int, int]) -> SceneObject:
    name = entry["name"]
    rotation = checks.quaternion(entry.get("rotation", [1, 0, 0, 0]), f"{where}.rotation")
    translation = scale = None
    if "translation" in entry:
        translation = checks.numbers(entry["translation"], f"{where}.translation", 3)
    if "scale" in entry:
        scale = checks.scale(entry["scale"], f"{where}.scale")
    mesh_path = _file(folder, entry["mesh"], f"{where}.mesh")
    visible = read_mask(_file(folder, entry["mask"], f"{where}.mask"), size, name)
    region = Region(name, visible)
    return SceneObject(name, read_mesh(mesh_path), region, rotation, translation, scale, mesh_path)


def write_scene_folder(
    folder: Path, scene: SceneFile, full_masks: Mapping[str, Bool[Tensor, "h w"]] | None = None
) -> None:
    """Writes a folder that `read_scene_folder` reads back.

    `full_masks`, by name: the objects' whole outlines, hidden parts too; the visible part stands in
    for a name that is missing; None: no full_masks/ at all.
    """
    check_unique(scene.names, str(folder))
    for name in ("objects", "masks", *(() if full_masks is None else ("full_masks",))):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_image(folder / "image.png", scene.photo.rgb)
    if scene.depth is not None:
        write_depth(folder / "depth.npy", scene.depth)
    for item in scene.objects:
        check_name(item.name, "an object's name")
        write_mesh_glb(folder / "objects" / f"{item.name}.glb", item.mesh)
        write_mask(folder / "masks" / f"{item.name}.png", item.region.visible)
        if full_masks is not None:
            whole = full_masks.get(item.name, item.region.visible)
            write_mask(folder / "full_masks" / f"{item.name}.png", whole)
    text = json.dumps(_scene_table(scene), indent=1, allow_nan=False)
    (folder / "scene.json").write_text(text + "\n", encoding="utf-8")


def _scene_table(scene: SceneFile) -> dict[str, Any]:
    written: dict[str, Any] = {"image": "image.png", "camera": camera_table(scene.camera)}
    if scene.depth is not None:
        written["depth"] = {"file": "depth.npy", "kind": scene.depth.kind}
    if scene.ground is not None:
        written["ground"] = scene.ground
    written["objects"] = [_object_table(item) for item in scene.objects]
    return written


def _object_table(item: SceneObject) -> dict[str, Any]:
    written: dict[str, Any] = {
        "name": item.name,
        "mesh": f"objects/{item.name}.glb",
        "mask": f"masks/{item.name}.png",
        "rotation": item.rotation.tolist(),
    }
    if item.translation is not None:
        written["translation"] = item.translation.tolist()
    if item.scale is not None:
        written["scale"] = item.scale
    return written


def camera_table(camera: Camera) -> dict[str, Any]:
    """A camera as scene.json and layout.json have it."""
    return {
        "fov_y_deg": camera.fov_y_deg,
        "camera_to_world": homogeneous(camera.world_from_camera),
    }


def homogeneous(pose: Similarity) -> list[list[float]]:
    """The 4x4 matrix of a similarity, row by row."""
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3] = pose.matrix.to(torch.float64) * pose.scale.item()
    matrix[:3, 3] = pose.translation.to(torch.float64)
    return matrix.tolist()
