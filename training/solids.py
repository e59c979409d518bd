"""Furniture models as solids: most are open shells, sheets and doubled faces; here they are closed.

A voxel belongs to the solid if no eye at or above its height, all around, can see it; or if the
surface winds around it (generalised winding number >= 0.5, patches turned outward by rays) and
hardly any eye in front can see it. Where a surface is thinner than a voxel, the voxels that it
passes through belong to it as well. So shelves, cups and lampshades keep their hollows, and sofas
without a bottom or cabinets without a back become whole.

    python -m training.solids LIBRARY OUT
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import igl
import numpy as np
import torch
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from scipy.ndimage import binary_dilation, binary_opening

from reparo.scene import Mesh
from training import library
from training.pool import pool

VOXELS = 96  # along the longest side
BORDER = 2  # empty voxels around the model
ELEVATIONS, AZIMUTHS = (0, 10, 30, 60), 12  # degrees, steps of a full turn: where eyes are
MAP = 200  # px of each eye's depth map
FEW = 0.08  # of the eyes in front: what no more of them see may be inside
PROBES = 20_000  # points on the surface that say which side is out


@dataclass(frozen=True)
class Solid:
    """Occupancy in the model's own frame: voxel (0, 0, 0) has its corner at `corner`."""

    inside: np.ndarray  # bool [x, y, z]
    corner: np.ndarray  # [3]

    @property
    def points(self) -> np.ndarray:
        """The middles of what is occupied, [n, 3]."""
        return (np.argwhere(self.inside) + 0.5) / VOXELS + self.corner

    def sampled(self, points: torch.Tensor, model_from_points: np.ndarray) -> torch.Tensor:
        """Share of the solid about points [n, 3] that a matrix [4, 4] brings to it; outside 0."""
        per_unit = 2 * VOXELS / np.array(self.inside.shape)  # grid_sample's -1..1
        turn = model_from_points[:3, :3] * per_unit[:, None]
        move = (model_from_points[:3, 3] - self.corner) * per_unit - 1
        at = torch.addmm(
            torch.from_numpy(move).to(points), points, torch.from_numpy(turn.T).to(points)
        )
        volume = torch.from_numpy(self.inside).to(points)[None, None].transpose(2, 4)
        flat = at[None, None, None]  # [x, y, z] over a volume [z, y, x]
        return torch.nn.functional.grid_sample(volume, flat, align_corners=False).flatten()


def load(folder: Path, name: str) -> Solid:
    """One solid, as `build` kept it."""
    kept = np.load(folder / f"{name}.npz")
    shape = kept["shape"]
    bits = np.unpackbits(kept["inside"], count=int(shape.prod()))
    return Solid(bits.reshape(shape).astype(bool), kept["corner"])


def solid(mesh: Mesh) -> Solid:
    """A model in the unit cube as a solid."""
    vertices, faces = _welded(mesh)
    rng = np.random.default_rng(0)
    scene = EmbreeScene()
    kept = TriangleMesh(scene, vertices.astype("f4"), faces.astype("i4"))
    faces = outward(scene, vertices, faces, rng)
    low, high = vertices.min(0), vertices.max(0)
    shape = np.ceil((high - low) * VOXELS).astype(int).clip(1) + 2 * BORDER
    corner = (low + high) / 2 - shape / 2 / VOXELS
    seen, seen_in_front = _seen(scene, shape, corner)
    del kept
    inside = seen == 0
    doubt = ~inside & (seen <= 0.5) & (seen_in_front <= FEW)
    around = _centres(shape, corner)[doubt]
    inside[doubt] = igl.fast_winding_number(vertices, faces, around) >= 0.5
    inside |= _thin(vertices, faces, inside, corner, rng)
    return Solid(thickened(inside), corner)


def thickened(inside: np.ndarray) -> np.ndarray:
    """With what is one voxel thin made two: so that coarser grids still find it."""
    block = np.ones((2, 2, 2), bool)
    return inside | binary_dilation(inside & ~binary_opening(inside, block), block)


def outward(
    scene: EmbreeScene, vertices: np.ndarray, faces: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Faces turned so that each connected patch's front is the side that sees more sky."""
    faces, patch = (np.asarray(one) for one in igl.bfs_orient(faces))
    areas, normals = _areas(vertices, faces)
    chosen = rng.choice(len(faces), PROBES, p=areas / areas.sum())
    chosen = np.concatenate([chosen, np.arange(len(faces))]) if len(faces) < PROBES else chosen
    points = _on(vertices, faces[chosen], rng)
    sky = np.zeros(patch.max() + 1)
    room = np.zeros(patch.max() + 1)
    for side in (1, -1):
        normal = side * normals[chosen]
        ball = rng.normal(size=points.shape)
        ball /= np.linalg.norm(ball, axis=1, keepdims=True)
        way = normal + 0.99 * ball
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        far = _distance(scene, points + 1e-4 * normal, way)
        free = np.isinf(far)
        np.add.at(sky, patch[chosen], side * free)
        np.add.at(room, patch[chosen], side * np.where(free, 0, far))
    turned = np.where(sky != 0, sky < 0, room < 0)[patch]
    return np.where(turned[:, None], faces[:, ::-1], faces)


def _welded(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Vertices at one place made one; faces without area, and faces there twice, dropped."""
    rounded = np.round(mesh.vertices.numpy().astype(float), 5)
    vertices, place = np.unique(rounded, axis=0, return_inverse=True)
    faces = place.reshape(-1)[mesh.faces.numpy()]
    _, first = np.unique(np.sort(faces, 1), axis=0, return_index=True)
    faces = faces[np.sort(first)]
    areas, _ = _areas(vertices, faces)
    return vertices, np.ascontiguousarray(faces[areas > 1e-12], dtype=np.int64)


def _areas(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Area and unit normal of each face."""
    a, b, c = (vertices[corner] for corner in faces.T)
    cross = np.cross(b - a, c - a)
    length = np.linalg.norm(cross, axis=1)
    return length / 2, cross / np.maximum(length, 1e-20)[:, None]


def _on(vertices: np.ndarray, faces: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random point on each face."""
    weights = rng.dirichlet((1.0, 1.0, 1.0), len(faces))
    return (vertices[faces] * weights[..., None]).sum(1)


def _distance(scene: EmbreeScene, origins: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """How far rays come; inf where they meet nothing."""
    said = scene.run(
        np.ascontiguousarray(origins, "f4"), np.ascontiguousarray(ways, "f4"), output=1
    )
    return np.where(said["geomID"] >= 0, said["tfar"], np.inf)


def _centres(shape: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """The middle of each voxel, [x, y, z, 3]."""
    axes = [corner[i] + (np.arange(shape[i]) + 0.5) / VOXELS for i in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1)


def _seen(
    scene: EmbreeScene, shape: np.ndarray, corner: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The share of all eyes that see each voxel, and of those in front; eyes are far away."""
    centres = _centres(shape, corner).astype("f4")
    all_around, front = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    eyes, fronts = 0, 0
    steps = (np.arange(MAP) + 0.5) / MAP * 2 - 1
    for elevation in (*ELEVATIONS, 90):
        for azimuth in np.arange(AZIMUTHS if elevation < 90 else 1) * 2 * np.pi / AZIMUTHS:
            right, up, to_eye = _axes(np.radians(elevation), azimuth)
            u, v = np.meshgrid(steps, steps, indexing="ij")  # a ball of radius 1 holds the model
            start = u[..., None] * right + v[..., None] * up + 2 * to_eye
            depth = 2 - _distance(scene, start.reshape(-1, 3), np.tile(-to_eye, (MAP * MAP, 1)))
            depth = depth.reshape(MAP, MAP).astype("f4")
            column, row = (
                ((centres @ axis.astype("f4") + 1) / 2 * MAP).astype(int) for axis in (right, up)
            )
            visible = centres @ to_eye.astype("f4") > depth[column, row]
            all_around += visible
            eyes += 1
            if np.cos(azimuth) > 0.2 or elevation == 90:
                front += visible
                fronts += 1
    return all_around / eyes, front / fronts


def _axes(elevation: float, azimuth: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, up and towards the eye; azimuth 0 is in front, +z."""
    right = np.array([np.cos(azimuth), 0, -np.sin(azimuth)])
    flat = np.array([np.sin(azimuth), 0, np.cos(azimuth)])
    to_eye = np.cos(elevation) * flat + np.array([0, np.sin(elevation), 0])
    return right, np.cross(to_eye, right), to_eye


def _thin(
    vertices: np.ndarray,
    faces: np.ndarray,
    inside: np.ndarray,
    corner: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Voxels with surface but no solid in them or beside them."""
    areas, _ = _areas(vertices, faces)
    count = int(np.clip(areas.sum() * VOXELS**2 * 6, 1000, 400_000))
    points = _on(vertices, faces[rng.choice(len(faces), count, p=areas / areas.sum())], rng)
    surface = np.zeros(inside.shape, bool)
    surface[tuple(((points - corner) * VOXELS).astype(int).T)] = True
    return surface & ~binary_dilation(inside)


def build(models: Path, out: Path) -> None:
    """Closes all models of a library, on all cores; what is there already is kept."""
    out.mkdir(parents=True, exist_ok=True)
    todo = [name for name in library.names(models) if not (out / f"{name}.npz").exists()]
    begun = time.perf_counter()
    with pool() as workers:
        jobs = [workers.submit(_keep, models, out, name) for name in todo]
        for count, job in enumerate(jobs):
            job.result()
            if count % 20 == 0:
                print(f"{count}/{len(todo)} {time.perf_counter() - begun:.0f} s", flush=True)


def _keep(models: Path, out: Path, name: str) -> None:
    """Closes one and writes it, whole or not at all."""
    torch.set_num_threads(1)
    made = solid(library.model(models, name).mesh)
    part = out / f"{name}.part"
    with part.open("wb") as file:
        np.savez(
            file,
            inside=np.packbits(made.inside),
            shape=np.array(made.inside.shape),
            corner=made.corner,
        )
    part.rename(out / f"{name}.npz")


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
