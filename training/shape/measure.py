"""The shape head against `inflate` and the mean shape, on models that it has never seen.

A line a view (how sure, then 1 - IoU and Chamfer of each method), then the table.
    python -m training.shape.measure LIBRARY SOLIDS VIEWS PACKED [--weights FILE] [--count 3]

SOLIDS of `training.solids`, VIEWS of `training.shape.views`; PACKED, from which the mean shape is,
holds no model that is held out. A model's figure is the median of its views', a method's the
median of its models'.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.progress import track
from safetensors.torch import load_file
from torch import Tensor

from reparo.evaluate.table import text_table
from reparo.scene import Cutout, Mesh
from reparo.stages.reconstruct.inflate import InflateReconstructor
from reparo.stages.reconstruct.shape_choice import best_choice
from reparo.stages.reconstruct.shape_network import ShapeHead, Size
from reparo.stages.reconstruct.shape_seen import seen
from reparo.stages.reconstruct.shape_surface import surface
from reparo.stages.reconstruct.shape_texture import textured
from reparo.stages.vision.backbone import packaged
from training import library, solids
from training.shape.score import Score, Truth, score
from training.shape.split import is_built

MOST_FACES = 20_000


@dataclass(frozen=True)
class Plan:
    """Where things are."""

    solids: Path
    views: Path
    weights: Path
    count: int  # views of a model
    mean: Tensor


def main(
    library_: tyro.conf.Positional[Path],
    closed: tyro.conf.Positional[Path],
    views: tyro.conf.Positional[Path],
    train: tyro.conf.Positional[Path],
    /,
    weights: Path = Path("src/reparo/weights/shape.safetensors"),
    count: int = 3,
) -> None:
    """Prints the table; on all cores."""
    plan = Plan(closed, views, weights, count, mean_shape(train))
    names = library.names(library_, held_out=True)
    found: dict[str, list[list[Score]]] = {}
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        jobs = [pool.submit(scored, plan, name) for name in names]
        for name, job in zip(names, track(jobs, "models"), strict=True):
            for view, (sure, scores) in enumerate(job.result()):
                told = (f"{one.not_iou:.3f} {one.chamfer:.3f}" for one in scores.values())
                print(name, view, f"{sure:.2f}", *told, flush=True)
                for method, one in scores.items():
                    rows = found.setdefault(method, [])
                    if view == 0:
                        rows.append([])
                    rows[-1].append(one)
    print(text_table(table(found)))


def scored(plan: Plan, name: str) -> list[tuple[float, dict[str, Score]]]:
    """Of each view of a model how sure the network is, and the score of each method."""
    torch.set_num_threads(1)
    head, network = trained(plan.weights), packaged("cpu")
    kept, solid = np.load(plan.views / f"{name}.npz"), solids.load(plan.solids, name)
    found = []
    for view in range(plan.count):
        focal = float(kept["focal"][view])
        cutout = as_cutout(kept["rgba"][view], focal, kept["up"][view])
        truth = Truth.of(solid, kept["pose"][view].astype(float), focal)
        outline = cutout.rgba[..., 3]
        guess = seen(cutout, focal, head, network).solid[0]
        choice = best_choice(guess, outline)
        guesses = {
            "inflate": InflateReconstructor()(cutout, name),
            "mean shape": meshed(plan.mean, cutout, focal),
            "embedded": meshed(guess - choice.logit, cutout, focal),
        }
        scores = {method: score(mesh, truth, outline.numpy()) for method, mesh in guesses.items()}
        found.append((choice.overlap, scores))
    return found


def trained(weights: Path) -> ShapeHead:
    """The head of a file, of whichever size."""
    state = load_file(weights)
    size = Size.of(state)
    head = ShapeHead(size.wide, size.fine, size.deep).float().eval()
    head.load_state_dict(state)
    return head


def as_cutout(rgba: np.ndarray, focal: float, up: np.ndarray) -> Cutout:
    """A view as the pipeline has it; `focal` in sides."""
    picture = torch.from_numpy(rgba).float() / 255
    placing = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    x, y, z = up.tolist()
    seen = picture[..., 3] >= 0.5
    return Cutout(picture, seen, placing, focal=focal * len(rgba), up=(x, y, z))


def meshed(logits: Tensor, cutout: Cutout, focal: float) -> Mesh:
    """A mesh of a solid, above 0 inside, without colours of its own."""
    made = surface(logits, cutout.rgba[..., 3], focal, MOST_FACES)
    return textured(made, torch.full((3, 2, 2), 0.5), cutout, focal, "thing")


def mean_shape(packed: Path) -> Tensor:
    """In which share of views each cell is inside, of those whose outline has it.

    0 where the IoU with the views themselves is best cut.
    """
    occupancy = np.load(packed / "occupancy.npy", mmap_mode="r")
    names = (packed / "names.txt").read_text().split()
    real = np.array([not is_built(name) for name in names])[np.load(packed / "owner.npy")]
    some = np.random.default_rng(0).permutation(np.flatnonzero(real))[:1500]
    total, outline, kept = np.zeros((64,) * 3), np.zeros((64,) * 2), []
    for number, index in enumerate(np.sort(some)):
        inside = occupancy[index] >= 128
        total += inside
        outline += inside.any(0)
        if number % 5 == 0:
            kept.append(inside)
    share = total / np.maximum(outline, 1)
    levels = np.linspace(0.1, 0.6, 26)
    overlap = [
        np.mean([_iou((share > level) & one.any(0), one) for one in kept]) for level in levels
    ]
    level = levels[int(np.argmax(overlap))]
    print(f"mean shape: cut at {level:.2f}, IoU {max(overlap):.3f} with views of its own")
    return torch.from_numpy(8 * (share - level)).float()


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / max((a | b).sum(), 1)


def table(found: dict[str, list[list[Score]]]) -> list[dict[str, object]]:
    """A row per method."""
    medians = {
        method: {
            key: np.array([np.median([getattr(one, key) for one in views]) for views in rows])
            for key in ("not_iou", "chamfer")
        }
        for method, rows in found.items()
    }
    rows: list[dict[str, object]] = []
    last = medians[list(medians)[-1]]
    for method, values in medians.items():
        row: dict[str, object] = {"method": method, "models": len(values["chamfer"])}
        for key, short in (("not_iou", "1-IoU"), ("chamfer", "Chamfer")):
            row[short] = round(float(np.median(values[key])), 4)
            better = 100 * (last[key] < values[key]).mean()
            row[f"last better in {short} %"] = round(float(better), 1)
        each = [one.watertight for views in found[method] for one in views]
        row["watertight %"] = round(100 * float(np.mean(each)), 1)
        rows.append(row)
    return rows


if __name__ == "__main__":
    tyro.cli(main)
