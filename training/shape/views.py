"""Views of single models as cut-outs, with the solid that belongs to each, and its back's colours.

The frame of a cut-out: unit its side; x right, y up, z towards the viewer, 0 at the middle of what
is occupied along z. A point of pixel (u, v), from the cut-out's middle, lies at
(u w, v w, z), w = 1 - z / focal: on the pixel's ray. `occupancy` is sampled along those rays.

    python -m training.shape.views LIBRARY SOLIDS OUT [--views 6] [--seed 0] [--workers 1]

OUT/NAME.npz: rgba uint8 [n, 224, 224, 4]; occupancy uint8 [n, 64 z, 64 rows, 64 columns], 0..255,
far to near; back uint8 [n, 64, 64, 4]; focal float32 [n], in sides; pose float32 [n, 4, 4], the
frame from the model's own, with a scale.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from PIL import Image
from rich.progress import track

from reparo.scene import Material, Mesh
from training import library, solids
from training.light import Light, decoded, encoded, lit, random_light, smoothed
from training.paint import random_colour
from training.picture import View
from training.rays import Hits, World

PIXELS = 224
GRID = 64  # rows, columns and layers of the occupancy
REACH = 0.75  # sides: layers from -REACH to REACH
SHARE = 0.85  # of the cut-out's side that the object fills, as `complete` cuts
FULL = 0.4  # share of a cell that counts as all of it: thin things stay


@dataclass(frozen=True)
class Plan:
    """What is to be made."""

    library: Path
    solids: Path
    out: Path
    views: int
    seed: int


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
    views: int = 6,
    seed: int = 0,
    workers: int = 1,
) -> None:
    """Makes what is not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(models, closed, out, views, seed)
    todo = [name for name in library.names(models) if (closed / f"{name}.npz").exists()]
    missing = [name for name in todo if not (out / f"{name}.npz").exists()]
    np.random.default_rng(0).shuffle(missing)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(make, plan, name) for name in missing]
        for job in track(jobs, "views"):
            job.result()


def make(plan: Plan, name: str) -> None:
    """All views of one model."""
    torch.set_num_threads(1)
    digits = int.from_bytes(name.encode()[:8], "little")
    rng = np.random.default_rng([plan.seed, digits])
    mesh, solid = library.model(plan.library, name).mesh, solids.load(plan.solids, name)
    made = [one(mesh, solid, rng) for _ in range(plan.views)]
    kept = {key: np.stack([view[key] for view in made]) for key in made[0]}
    part = plan.out / f"{name}.part"
    with part.open("wb") as file:
        np.savez(file, **kept)
    part.rename(plan.out / f"{name}.npz")


def one(mesh: Mesh, solid: solids.Solid, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One view."""
    pose = random_pose(mesh, solid, rng)
    front, back = pictures(repainted(mesh, rng), pose, rng)
    return {
        "rgba": front,
        "back": back,
        "occupancy": occupancy(solid, pose, front[..., 3]),
        "focal": np.float32(pose.focal),
        "pose": pose.frame_from_model.astype("f4"),
    }


def random_pose(mesh: Mesh, solid: solids.Solid, rng: np.random.Generator) -> Pose:
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
    occupied = np.argwhere(solid.inside) + 0.5
    z = (view.place - (occupied / solids.VOXELS + solid.corner)) @ view.rotation[:, 2]
    return Pose(view, float((z.min() + z.max()) / 2))


def looking(target: np.ndarray, eye: np.ndarray, distance: float, fov: float) -> View:
    """The camera so far from a point, in that direction."""
    place = target + distance * eye
    right = np.cross([0, 1, 0], eye)
    right /= np.linalg.norm(right)
    return View(np.stack([right, np.cross(eye, right), eye], 1), place, fov, PIXELS)


def occupancy(solid: solids.Solid, pose: Pose, alpha: np.ndarray) -> np.ndarray:
    """How full each cell along the pixels' rays is, 0..255, [z, rows, columns]; outside alpha 0."""
    fine = 2 * GRID
    outline = torch.from_numpy(alpha)[None, None].float()
    inside = torch.nn.functional.adaptive_max_pool2d(outline, fine).flatten() > 0
    points = on_rays(fine, pose.focal).reshape(fine, -1, 3)[:, inside].reshape(-1, 3)
    share = torch.zeros(fine, fine * fine)
    found = solid.sampled(points, np.linalg.inv(pose.frame_from_model))
    share[:, inside] = found.reshape(fine, -1)
    cells = torch.nn.functional.avg_pool3d(share.reshape(1, fine, fine, fine), 2)[0]
    return ((cells / FULL).clamp(max=1) * 255).round().to(torch.uint8).numpy()


def on_rays(count: int, focal: float) -> torch.Tensor:
    """Points [count^3, 3] in the frame: layers far to near, rows from the top, columns."""
    along = (torch.arange(count) + 0.5) / count - 0.5
    points = torch.empty(count, count, count, 3)
    points[..., 2] = (along * 2 * REACH)[:, None, None]
    wide = 1 - points[..., 2] / focal
    points[..., 0] = along * wide
    points[..., 1] = -along[:, None] * wide
    return points.reshape(-1, 3)


def repainted(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Half of the models with other colours, part by part: shape is not to be read from paint."""
    if rng.random() < 0.5:
        return mesh
    return replace(mesh, materials=tuple(_repainted(one, rng) for one in mesh.materials))


def _repainted(material: Material, rng: np.random.Generator) -> Material:
    if rng.random() < 0.5:
        return material
    colour = random_colour(rng)
    if material.texture is not None:  # tinted, its pattern kept
        texture = material.texture.clone()
        texture[..., :3] *= torch.from_numpy(0.4 + 0.6 * colour).to(texture)
        return replace(material, texture=texture)
    return replace(material, base_colour=(*map(float, colour), material.base_colour[3]))


def pictures(mesh: Mesh, pose: Pose, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The front as the photo shows it and the back as if lit the same, uint8 RGBA."""
    view, light = pose.view, random_light(rng)
    low = float(mesh.vertices[:, 1].min()) - 1e-3
    world, alone = World([mesh, _ground(low)]), World([mesh])
    samples = [_shaded(world, view, light, rng, offset) for offset in (0.25, 0.75)]
    seen = sum(found for _, _, found in samples)  # 0..2
    linear = sum(colour for colour, _, _ in samples) / np.maximum(seen, 1)[:, None]
    irradiance = sum(light for _, light, _ in samples).sum(0) / max(seen.sum(), 1)
    behind, found = _behind(alone, view)
    shape, small = (PIXELS, PIXELS), (GRID, GRID)
    bright = np.quantile(linear[seen > 0], rng.uniform(0.75, 0.97)) if seen.any() else 1.0
    exposure = rng.uniform(0.5, 0.95) / (bright + 1e-3)
    front = encoded(linear, exposure).reshape(*shape, 3)
    back = encoded(decoded(behind) * irradiance, exposure).reshape(*small, 3)
    cut = _softened(_bytes(front, seen.reshape(shape) / 2), rng)
    return cut, _bytes(back, found.reshape(small))


def _softened(rgba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the pictures as if the object were smaller in its photo: 60 px or more."""
    if rng.random() < 0.5:
        return rgba
    side = int(np.exp(rng.uniform(np.log(60), np.log(PIXELS))))
    picture = Image.fromarray(rgba, "RGBA").convert("RGBa")  # colours count as much as alpha
    small = picture.resize((side, side), Image.Resampling.BOX)
    large = small.resize((PIXELS, PIXELS), Image.Resampling.BILINEAR)
    return np.array(large.convert("RGBA"))


def _shaded(
    world: World, view: View, light: Light, rng: np.random.Generator, offset: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear colours, irradiance and what shows the first mesh, at a place within each pixel."""
    rays = view.rays(offset)
    hits = world.first(np.broadcast_to(view.place, rays.shape), rays)
    seen = hits.mesh == 0
    met = Hits(*(part[seen] for part in (hits.mesh, hits.distance, hits.normal, hits.colour)))
    irradiance = np.zeros((len(rays), 3))
    irradiance[seen] = lit(world, light, view.place + met.distance[:, None] * rays[seen], met, rng)
    shape = (view.side, view.side)
    irradiance = smoothed(
        irradiance.reshape(*shape, 3), seen.reshape(shape), hits.normal.reshape(*shape, 3)
    ).reshape(-1, 3)
    irradiance *= seen[:, None]
    return decoded(hits.colour) * irradiance, irradiance, seen


def _behind(world: World, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Colours met on the pixels' rays from far behind."""
    rays = replace(view, side=GRID).rays()
    far = np.linalg.norm(view.place) + 2
    hits = world.first(view.place + far * rays, -rays)
    return hits.colour, hits.found


def _ground(height: float) -> Mesh:
    """Where the model stands."""
    corners = torch.tensor([[-9, 0, -9], [-9, 0, 9], [9, 0, 9], [9, 0, -9]], dtype=torch.float)
    corners[:, 1] = height
    return Mesh.plain(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]))


def _bytes(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    both = np.concatenate([rgb.clip(0, 1), alpha[..., None]], -1)
    return (both * 255).round().astype(np.uint8)


if __name__ == "__main__":
    tyro.cli(main)
