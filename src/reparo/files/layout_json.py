"""layout.json: where the objects stand, for other programs."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reparo.errors import InputError
from reparo.files import checks
from reparo.files.names import check_name, check_unique
from reparo.files.scene_json import camera_table
from reparo.scene import Camera, ObjectReport, Scene, Similarity, Solution


@dataclass(frozen=True)
class LayoutFile:
    """A layout.json's content; pixels are not in it, so the camera lacks a size."""

    names: tuple[str, ...]
    solution: Solution
    fov_y_deg: float
    world_from_camera: Similarity

    def camera(self, size: tuple[int, int]) -> Camera:
        """The camera of a picture of `size` (height, width)."""
        return Camera.from_fov(self.fov_y_deg, size, self.world_from_camera)


def write_layout(path: Path, scene: Scene, solution: Solution) -> None:
    """Writes where `solution` puts the objects of `scene`.

    JSON has no NaN: a loss or a confidence that is not finite is left out, a penetration or a gap
    counts as nothing known, which is 0. A pose that is not finite is a `ValueError`. `notes`, for
    people, are there if there are any.
    """
    written = {
        "camera": camera_table(scene.camera),
        "method": solution.method,
        "stopped": solution.stopped,
        "seconds": _finite_only(solution.seconds),
        "objects": [
            _object_table(name, solution.layout[index], solution.objects[index])
            for index, name in enumerate(scene.names)
        ],
    } | ({"notes": list(solution.notes)} if solution.notes else {})
    text = json.dumps(written, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _object_table(name: str, pose: Similarity, report: ObjectReport) -> dict[str, Any]:
    return {
        "name": name,
        "translation": pose.translation.tolist(),
        "rotation": torch.nn.functional.normalize(pose.wxyz, dim=-1).tolist(),
        "scale": pose.scale.item(),
        "losses": _finite_only(report.losses),
        "confidence": _finite_only(report.confidence),
        "penetration": _finite_or_zero(report.penetration),
        "gap": _finite_or_zero(report.gap),
    }


def _finite_only(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if math.isfinite(value)}


def _finite_or_zero(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


def read_layout(path: Path) -> LayoutFile:
    """Reads a layout.json; keys it does not know are passed over."""
    top = _table(
        checks.read_json(path), str(path), ("camera", "method", "stopped", "seconds", "objects")
    )
    where = f"{path}: camera"
    camera = _table(top["camera"], where, ("fov_y_deg", "camera_to_world"))
    entries = top["objects"]
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: objects must be a list of at least one object")
    found = [_object(entry, f"{path}: objects[{index}]") for index, entry in enumerate(entries)]
    names = tuple(name for name, _, _ in found)
    check_unique(names, f"{path}: objects")
    solution = Solution(
        Similarity.stack([pose for _, pose, _ in found]),
        checks.text(top["method"], f"{path}: method"),
        checks.text(top["stopped"], f"{path}: stopped"),
        checks.number_table(top["seconds"], f"{path}: seconds"),
        tuple(report for _, _, report in found),
    )
    fov = checks.number(camera["fov_y_deg"], f"{where}.fov_y_deg", 0.0, 180.0)
    pose = checks.rigid_motion(camera["camera_to_world"], f"{where}.camera_to_world")
    return LayoutFile(names, solution, fov, pose)


def _table(value: Any, where: str, needed: tuple[str, ...]) -> dict[str, Any]:
    """An object with these keys; others are allowed."""
    extra = tuple(value) if isinstance(value, dict) else ()
    return checks.table(value, where, needed, extra)


def _object(value: Any, where: str) -> tuple[str, Similarity, ObjectReport]:
    entry = _table(value, where, ("name", "translation", "rotation", "scale"))
    name = check_name(checks.text(entry["name"], f"{where}.name"), f"{where}.name")
    scale = checks.number(entry["scale"], f"{where}.scale", 0.0)
    translation = checks.numbers(entry["translation"], f"{where}.translation", 3)
    pose = Similarity(
        checks.quaternion(entry["rotation"], f"{where}.rotation"),
        translation,
        torch.tensor(scale, dtype=translation.dtype),
    )
    report = ObjectReport(
        checks.number_table(entry.get("losses", {}), f"{where}.losses"),
        checks.number_table(entry.get("confidence", {}), f"{where}.confidence"),
        checks.number(entry.get("penetration", 0), f"{where}.penetration"),
        checks.number(entry.get("gap", 0), f"{where}.gap"),
    )
    return name, pose, report
