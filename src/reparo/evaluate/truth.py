"""The truth of a scene, on disk, apart from the scene folder that is to be solved.

TRUTH/truth.json    {"camera": as in scene.json, "objects": [{"name", "translation": [3],
                     "rotation": [w, x, y, z], "scale", "yaw_symmetry": 1 if left out}]}
TRUTH/image.png     TRUTH/masks/NAME.png: visible parts     TRUTH/full_masks/NAME.png: whole
TRUTH/objects/NAME.glb: the exact meshes
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from reparo.errors import InputError
from reparo.files import checks
from reparo.files.exports import write_mesh
from reparo.files.images import read_mask, read_photo, write_image, write_mask
from reparo.files.meshes import read_mesh
from reparo.files.names import check_name, check_unique
from reparo.files.scene_json import camera_table
from reparo.scene import Camera, Observation, Region, Scene, Similarity


@dataclass(frozen=True)
class Truth:
    """A scene as it is, and what its camera sees."""

    scene: Scene
    observation: Observation  # without depth
    yaw_symmetry: tuple[int, ...]  # per object: looks the same after 1/that of a turn about y


def read_truth(folder: Path) -> Truth:
    """Reads a truth folder; whatever is wrong with it is an `InputError`."""
    if not (folder / "truth.json").is_file():
        raise InputError(f"no truth.json in {folder}; give a folder that `reparo bench make` wrote")
    where = str(folder / "truth.json")
    top = _known(checks.read_json(folder / "truth.json"), where, "camera", "objects")
    photo = read_photo(folder / "image.png")
    entry = _known(top["camera"], f"{where}: camera", "fov_y_deg", "camera_to_world")
    camera = Camera.from_fov(
        checks.number(entry["fov_y_deg"], f"{where}: camera.fov_y_deg", 0.0, 180.0),
        photo.size,
        checks.rigid_motion(entry["camera_to_world"], f"{where}: camera.camera_to_world"),
    )
    if not isinstance(top["objects"], list) or not top["objects"]:
        raise InputError(f"{where}: objects must be a list of at least one object")
    found = [_object(item, f"{where}: objects[{i}]") for i, item in enumerate(top["objects"])]
    names = tuple(name for name, _, _ in found)
    check_unique(names, f"{where}: objects")
    regions = [
        Region(name, read_mask(folder / "masks" / f"{name}.png", photo.size, name))
        for name in names
    ]
    meshes = tuple(read_mesh(folder / "objects" / f"{name}.glb") for name in names)
    layout = Similarity.stack([pose for _, pose, _ in found])
    return Truth(
        Scene(names, meshes, layout, camera),
        Observation(photo, tuple(regions)),
        tuple(symmetry for _, _, symmetry in found),
    )


def _known(value: Any, where: str, *needed: str) -> dict[str, Any]:
    """A table with these keys; more are passed over."""
    return checks.table(value, where, needed, tuple(value) if isinstance(value, dict) else ())


def _object(value: Any, where: str) -> tuple[str, Similarity, int]:
    entry = _known(value, where, "name", "translation", "rotation", "scale")
    wxyz = checks.quaternion(entry["rotation"], f"{where}.rotation")
    scale = checks.number(entry["scale"], f"{where}.scale", 0.0)
    pose = Similarity(
        wxyz,
        checks.numbers(entry["translation"], f"{where}.translation", 3),
        wxyz.new_tensor(scale),
    )
    symmetry = checks.number(entry.get("yaw_symmetry", 1), f"{where}.yaw_symmetry", 0.0)
    name = check_name(checks.text(entry["name"], f"{where}.name"), f"{where}.name")
    return name, pose, max(1, int(symmetry))


def write_truth(folder: Path, truth: Truth, full: list[Bool[Tensor, "h w"]]) -> None:
    """Writes a folder that `read_truth` reads back; `full` are the whole outlines."""
    scene, seen = truth.scene, truth.observation
    for name in ("objects", "masks", "full_masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_image(folder / "image.png", seen.photo.rgb)
    objects = []
    for i, name in enumerate(scene.names):
        write_mesh(folder / "objects" / f"{name}.glb", scene.meshes[i])
        write_mask(folder / "masks" / f"{name}.png", seen.regions[i].visible)
        write_mask(folder / "full_masks" / f"{name}.png", full[i])
        pose = scene.layout[i]
        objects.append(
            {
                "name": name,
                "translation": pose.translation.tolist(),
                "rotation": pose.wxyz.tolist(),
                "scale": pose.scale.item(),
                "yaw_symmetry": truth.yaw_symmetry[i],
            }
        )
    written = {"camera": camera_table(scene.camera), "objects": objects}
    (folder / "truth.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
