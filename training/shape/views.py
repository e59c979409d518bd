"""Views of single models as cut-outs, with the solid that belongs to each, and its back's colours.

The frame of a cut-out: unit its side; x right, y up, z towards the viewer, 0 at the middle of what
is occupied along z. A point of pixel (u, v), from the cut-out's middle, lies at
(u w, v w, z), w = 1 - z / focal: on the pixel's ray. `occupancy` is sampled along those rays.

    python -m training.shape.views LIBRARY SOLIDS OUT [--views 16] [--built 0]

Most views of a model that is learned from show it bent (`training.shape.bend`), so that there are
as many shapes as views. `--built`: so many made-up pieces besides (`training.shape.built`).

OUT/NAME.npz: rgba uint8 [n, 224, 224, 4]; occupancy uint8 [n, 64 z, 64 rows, 64 columns], 0..255,
far to near; back uint8 [n, 64, 64, 4]; focal float32 [n], in sides; up float32 [n, 3], upright in
the frame; pose float32 [n, 4, 4], the frame from the model's own, with a scale.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.progress import track

from reparo.scene import Mesh
from training import library, solids
from training.picture import View
from training.pool import pool
from training.shape.bend import Bend, BentSolid
from training.shape.built import piece
from training.shape.pictures import GRID, pictures, repainted
from training.shape.split import BUILT, is_built, is_held_out, is_watched

PIXELS = 224
REACH = 0.75  # sides: layers from -REACH to REACH
SHARE = 0.85  # of the cut-out's side that the object fills, as `complete` cuts
FULL = 0.4  # share of a cell that counts as all of it: thin things stay
BENT, BENT_BUILT = 0.75, 0.4  # of the views of models and of made-up pieces
LEAST_SHOWN, TRIES = 0.005, 8  # of a picture, for a view to count; how often it is looked anew
FEW, SOME = 3, 6  # views at most: held out and made-up ones; those that are watched


Body = solids.Solid | BentSolid


@dataclass(frozen=True)
class Plan:
    """What is to be made."""

    library: Path
    solids: Path
    out: Path
    views: int
    seed: int = 0

    def count(self, name: str) -> int:
        """How many views of one."""
        few = is_built(name) or is_held_out(name)
        return min(self.views, FEW if few else SOME if is_watched(name) else self.views)


@dataclass(frozen=True)
class Pose:
    """A camera that looks at a model's middle."""

    view: View
    middle: float  # model units from the eye to z = 0

    @property
    def side(self) -> float:
        """Of the cut-out at z = 0, in model units."""
        return 2 * self.middle * np.tan(self.view.fov_y / 2)

    @property
    def focal(self) -> float:
        """In sides."""
        return self.middle / self.side

    @property
    def frame_from_model(self) -> np.ndarray:
        """[4, 4]: turned, moved to the middle, and in sides."""
        turned = self.view.rotation.T
        matrix = np.eye(4)
        matrix[:3, :3] = turned / self.side
        matrix[:3, 3] = (-turned @ self.view.place + [0, 0, self.middle]) / self.side
        return matrix


def main(
    models: tyro.conf.Positional[Path],
    closed: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    views: int = 16,
    built: int = 0,
) -> None:
    """Makes what is not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(models, closed, out, views)
    todo = [name for name in library.names(models) if (closed / f"{name}.npz").exists()]
    todo += [f"{BUILT}{number:06d}" for number in range(built)]
    missing = [name for name in todo if not (out / f"{name}.npz").exists()]
    np.random.default_rng(0).shuffle(missing)
    with pool() as workers:
        jobs = [workers.submit(make, plan, name) for name in missing]
        for job in track(jobs, "views"):
            job.result()


def make(plan: Plan, name: str) -> None:
    """All views of one model or piece."""
    torch.set_num_threads(1)
    if is_built(name):
        number = int(name.removeprefix(BUILT))
        rng = np.random.default_rng([plan.seed, number, 1])
        (mesh, solid), share = piece(number), BENT_BUILT
    else:
        digits = int.from_bytes(name.encode()[:8], "little")
        rng = np.random.default_rng([plan.seed, digits])
        mesh, solid = library.model(plan.library, name).mesh, solids.load(plan.solids, name)
        share = 0.0 if is_held_out(name) or is_watched(name) else BENT
    made = []
    for _ in range(plan.count(name)):
        other = share > 0 and rng.random() < share
        made.append(shown(*(bent(mesh, solid, rng) if other else (mesh, solid)), rng))
    kept = {key: np.stack([view[key] for view in made]) for key in made[0]}
    part = plan.out / f"{name}.part"
    with part.open("wb") as file:
        np.savez(file, **kept)
    part.rename(plan.out / f"{name}.npz")


def bent(mesh: Mesh, solid: solids.Solid, rng: np.random.Generator) -> tuple[Mesh, BentSolid]:
    """Another shape."""
    bend = Bend.random(rng)
    return bend.mesh(mesh), BentSolid(solid, bend)


def shown(mesh: Mesh, solid: Body, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A view in which there is something to see: a sheet may be seen edge on."""
    made = one(mesh, solid, rng)
    for _ in range(TRIES - 1):
        if (made["rgba"][..., 3] >= 128).mean() >= LEAST_SHOWN:
            break
        made = one(mesh, solid, rng)
    return made


def one(mesh: Mesh, solid: Body, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One view."""
    pose = random_pose(mesh, solid, rng)
    front, back = pictures(repainted(mesh, rng), pose.view, rng)
    return {
        "rgba": front,
        "back": back,
        "occupancy": occupancy(solid, pose, front[..., 3]),
        "focal": np.array(pose.focal, "f4"),
        "up": pose.view.rotation[1].astype("f4"),
        "pose": pose.frame_from_model.astype("f4"),
    }


def random_pose(mesh: Mesh, solid: Body, rng: np.random.Generator) -> Pose:
    """Mostly from the front or beside it, mostly from a little above."""
    front = rng.random() < 0.65
    yaw = rng.normal(0, 0.75) if front else rng.uniform(-np.pi, np.pi)
    pitch = np.radians(rng.choice([rng.uniform(0, 15), rng.uniform(8, 40)]))
    fov = np.radians(np.exp(rng.uniform(np.log(12), np.log(50))))  # of the cut-out alone
    vertices = mesh.vertices.numpy().astype(float)
    eye = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    target, distance = np.zeros(3), 1 / np.tan(fov / 2)
    view = looking(target, eye, distance, fov)
    for _ in range(6):  # until the outline's middle is the picture's, and its size is right
        pixels, z = view.seen(vertices)
        low, high = pixels.min(0), pixels.max(0)
        off = (low + high) / 2 / PIXELS - 0.5
        step = 2 * np.tan(fov / 2) * distance * off
        target = target + view.rotation[:, 0] * step[0] - view.rotation[:, 1] * step[1]
        distance *= (high - low).max() / PIXELS / SHARE
        distance = max(distance, float((vertices - target).dot(eye).max()) + 0.15)
        view = looking(target, eye, distance, fov)
    z = (view.place - solid.points) @ view.rotation[:, 2]
    return Pose(view, float((z.min() + z.max()) / 2))


def looking(target: np.ndarray, eye: np.ndarray, distance: float, fov: float) -> View:
    """The camera so far from a point, in that direction."""
    place = target + distance * eye
    right = np.cross([0, 1, 0], eye)
    right /= np.linalg.norm(right)
    return View(np.stack([right, np.cross(eye, right), eye], 1), place, fov, PIXELS)


def occupancy(solid: Body, pose: Pose, alpha: np.ndarray) -> np.ndarray:
    """How full each cell along the pixels' rays is, 0..255, [z, rows, columns]; outside alpha 0."""
    fine = 2 * GRID
    outline = torch.from_numpy(alpha)[None, None].float()
    inside = torch.nn.functional.adaptive_max_pool2d(outline, fine).flatten() > 0
    points = on_rays(fine, pose.focal, inside)
    share = torch.zeros(fine, fine * fine)
    found = solid.sampled(points, np.linalg.inv(pose.frame_from_model))
    share[:, inside] = found.reshape(fine, -1)
    cells = torch.nn.functional.avg_pool3d(share.reshape(1, fine, fine, fine), 2)[0]
    return ((cells / FULL).clamp(max=1) * 255).round().to(torch.uint8).numpy()


def on_rays(count: int, focal: float, chosen: torch.Tensor) -> torch.Tensor:
    """Points in the frame: layers far to near, of each the chosen of count x count pixels."""
    along = (torch.arange(count) + 0.5) / count - 0.5
    row, column = chosen.reshape(count, count).nonzero().unbind(1)
    z = (along * 2 * REACH)[:, None].expand(count, len(row))
    wide = 1 - z / focal
    return torch.stack([along[column] * wide, -along[row] * wide, z], -1).reshape(-1, 3)


if __name__ == "__main__":
    tyro.cli(main)
