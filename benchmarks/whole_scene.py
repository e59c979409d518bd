"""What each of the embedded preset's networks does for the whole scene, against exact truth.

    python benchmarks/whole_scene.py SCENES MODELS OUT [--only before after]

SCENES/ID holds image.png, masks/ and truth.json; MODELS/NAME.glb are the exact meshes. Masks and
field of view are given. Scenes are compared in the camera's frame, one free factor a scene, in
units of the object's own longest side (its share of the scene's, for all objects together):

    place    distance of the middles of true and found box
    chamfer  mean of both directions' mean distances between surfaces
    F        harmonic mean of the two shares of surface within 5 % of the other one
    IoU, PSNR of the picture, inside the true visible masks

`before` is ground, symmetry and inflate, which need no network of our own; `after` is `embedded`
for all three; the others change one stage.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

import reparo
from reparo import registry
from reparo.evaluate.folder import evaluate_run
from reparo.evaluate.metrics import surface_points
from reparo.evaluate.table import text_table
from reparo.files.layout_json import read_layout
from reparo.files.meshes import read_mesh
from reparo.files.scene_json import read_scene_folder
from reparo.scene import Mesh, Similarity

POINTS = 5000  # of an object's surface
NEAR = 0.05  # of the longest side
BEFORE = {"depth": "ground", "complete": "symmetry", "reconstruct": "inflate"}
CHOICES = {
    "before": BEFORE,
    "depth": BEFORE | {"depth": "embedded"},
    "outline": BEFORE | {"complete": "embedded"},
    "shape": BEFORE | {"reconstruct": "embedded"},
    "after": dict.fromkeys(BEFORE, "embedded"),
}


def main() -> None:
    """Prints medians a choice."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("scenes", "models", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--only", nargs="*", default=["before", "after"], choices=list(CHOICES))
    options = parser.parse_args()
    rows = []
    for choice in options.only:
        found = [
            row
            for folder in sorted(options.scenes.iterdir())
            for row in scored(folder, options.models, options.out / choice, CHOICES[choice])
        ]
        medians = {key: float(np.median([row[key] for row in found])) for key in found[0]}
        rows.append({"choice": choice, "objects": len(found), **medians})
    print(text_table(rows))


def scored(folder: Path, models: Path, out: Path, use: dict[str, str]) -> list[dict[str, float]]:
    """A row for each object."""
    truth = json.loads((folder / "truth.json").read_text())
    out = out / folder.name
    begun = time.perf_counter()
    reparo.run(
        folder / "image.png",
        out,
        masks=folder / "masks",
        fov_y_deg=truth["camera"]["fov_y_deg"],
        overrides=[{stage: {"use": name}} for stage, name in use.items()],
    )
    seconds = time.perf_counter() - begun
    true, found = true_points(truth, models), found_points(out)
    names = [name for name in true if name in found]
    factor = np.median([np.median(-true[n][:, 2]) / np.median(-found[n][:, 2]) for n in names])
    pictures = dict(evaluate_run(out, registry.create("render", "torch")))
    rows = []
    for name in names:
        size = np.ptp(true[name], axis=0).max()
        a, b = true[name] / size, factor * found[name] / size
        there, back = cKDTree(a).query(b)[0], cKDTree(b).query(a)[0]
        precision, recall = (there < NEAR).mean(), (back < NEAR).mean()
        rows.append(
            {
                "place": float(np.linalg.norm(middle(a) - middle(b))),
                "chamfer": float((there.mean() + back.mean()) / 2),
                "F": float(2 * precision * recall / max(precision + recall, 1e-9)),
                "IoU": pictures[name].mask_iou,
                "PSNR": pictures[name].psnr,
                "seconds a scene": seconds,
            }
        )
    return rows


def middle(points: np.ndarray) -> np.ndarray:
    """Of the box."""
    return (points.min(0) + points.max(0)) / 2


def true_points(truth: dict, models: Path) -> dict[str, np.ndarray]:
    """Surfaces in the camera's frame, by name."""
    camera_from_world = np.linalg.inv(truth["camera"]["camera_to_world"])
    points = {}
    for entry in truth["objects"]:
        pose = Similarity(*map(tensor, (entry["rotation"], entry["translation"], entry["scale"])))
        world = placed(read_mesh(models / f"{entry['name']}.glb"), pose)
        points[entry["name"]] = world @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    return points


def found_points(out: Path) -> dict[str, np.ndarray]:
    """The same of a result folder."""
    found, made = read_layout(out / "layout.json"), read_scene_folder(out / "scene")
    meshes = dict(zip(made.names, made.meshes, strict=True))
    camera_from_world = found.world_from_camera.inverse()
    return {
        name: placed(meshes[name], camera_from_world @ found.solution.layout[index])
        for index, name in enumerate(found.names)
    }


def placed(mesh: Mesh, pose: Similarity) -> np.ndarray:
    """Points on the mesh where a pose puts it."""
    return pose.apply(surface_points(mesh, POINTS)).numpy().astype(float)


def tensor(value: object):
    """As records want it."""
    import torch

    return torch.tensor(value, dtype=torch.get_default_dtype())


if __name__ == "__main__":
    main()
