"""How alike a mesh and a model's solid are, seen as the cut-out's camera sees them.

The mesh is brought to the size and place that its outline has in the cut-out; along the axis it is
shifted to where it fits best, for every method alike. IoU of 64^3 cells about the solid; Chamfer
distance: mean of both ways between 4,000 points each, in shares of the solid's longest side.
"""

from dataclasses import dataclass

import numpy as np
import torch
import trimesh
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

from reparo.scene import Mesh
from training.solids import VOXELS, Solid

CELLS = 64
ROOM = 1.2  # of the solid's longest side: the cube that is looked at
POINTS = 4000
SHIFTS = 20  # cells either way
LAYERS = 64  # surfaces along one ray, at most


@dataclass(frozen=True)
class Score:
    """Both are 0 for the truth."""

    not_iou: float
    chamfer: float
    watertight: bool


@dataclass(frozen=True)
class Truth:
    """A solid in the frame of its cut-out."""

    cells: np.ndarray  # bool [x, y, z]
    corner: np.ndarray  # [3] of the cells' cube
    cell: float  # side of a cell
    points: np.ndarray  # [n, 3] on its surface
    longest: float
    focal: float

    @classmethod
    def of(cls, solid: Solid, frame_from_model: np.ndarray, focal: float) -> "Truth":
        """The solid turned, moved and scaled."""
        field = gaussian_filter(np.pad(solid.inside, 2).astype("f4"), 0.5)
        vertices, faces = marching_cubes(field, 0.4)[:2]
        vertices = (vertices - 2 + 0.5) / VOXELS + solid.corner
        vertices = vertices @ frame_from_model[:3, :3].T + frame_from_model[:3, 3]
        low, high = vertices.min(0), vertices.max(0)
        longest = float((high - low).max())
        side = ROOM * longest
        corner = (low + high) / 2 - side / 2
        along = corner[:, None] + (np.arange(CELLS) + 0.5) / CELLS * side
        grid = np.stack(np.meshgrid(*along, indexing="ij"), -1).reshape(-1, 3)
        share = solid.sampled(torch.from_numpy(grid).float(), np.linalg.inv(frame_from_model))
        cells = (share >= 0.5).reshape(3 * (CELLS,)).numpy()
        return cls(cells, corner, side / CELLS, on_surface(vertices, faces), longest, focal)


def score(mesh: Mesh, truth: Truth, outline: np.ndarray) -> Score:
    """`outline`: the cut-out's alpha [s, s]."""
    faces = mesh.faces.numpy()
    vertices = fitted(mesh.vertices.double().numpy(), outline, truth.focal)
    joined = trimesh.Trimesh(vertices, faces, process=False)
    joined.merge_vertices(merge_tex=True, merge_norm=True)
    cells = filled(vertices, faces, truth)
    best, shift = -1.0, 0
    for step in range(-SHIFTS, SHIFTS + 1):
        moved = np.zeros_like(cells)
        to, of = (slice(max(0, s), CELLS + min(0, s)) for s in (step, -step))
        moved[..., to] = cells[..., of]
        iou = (moved & truth.cells).sum() / max((moved | truth.cells).sum(), 1)
        if iou > best:
            best, shift = iou, step
    points = on_surface(vertices, faces) + np.array([0, 0, shift * truth.cell])
    there = cKDTree(truth.points).query(points)[0].mean()
    back = cKDTree(points).query(truth.points)[0].mean()
    return Score(1 - float(best), (there + back) / 2 / truth.longest, bool(joined.is_watertight))


def fitted(vertices: np.ndarray, outline: np.ndarray, focal: float) -> np.ndarray:
    """Scaled and shifted so that the eye sees them in the outline's box."""
    rows, columns = (np.flatnonzero((outline >= 0.5).any(axis)) for axis in (1, 0))
    side = len(outline)
    low = np.array([columns[0], -rows[-1] - 1]) / side + [-0.5, 0.5]
    high = np.array([columns[-1] + 1, -rows[0]]) / side + [-0.5, 0.5]
    vertices = vertices - (vertices.min(0) + vertices.max(0)) / 2
    for _ in range(30):
        seen = vertices[:, :2] / (1 - vertices[:, 2:] / focal).clip(0.1)
        now_low, now_high = seen.min(0), seen.max(0)
        scale = (high - low).sum() / (now_high - now_low).sum()
        vertices = vertices * scale
        vertices[:, :2] += (low + high) / 2 - (now_low + now_high) / 2 * scale
    return vertices


def filled(vertices: np.ndarray, faces: np.ndarray, truth: Truth) -> np.ndarray:
    """The cells inside a closed mesh: surfaces counted along rays, ways in and out."""
    scene = EmbreeScene()
    kept = TriangleMesh(
        scene, np.ascontiguousarray(vertices, "f4"), np.ascontiguousarray(faces, "i4")
    )
    x, y = (truth.corner[i] + (np.arange(CELLS) + 0.50313) * truth.cell for i in (0, 1))
    column = np.stack(np.meshgrid(x, y, indexing="ij"), -1).reshape(-1, 2)
    start = np.full(len(column), -4.0)
    change = np.zeros((len(column), CELLS + 1))
    active = np.arange(len(column))
    for _ in range(LAYERS):
        origins = np.concatenate([column[active], start[active, None]], 1).astype("f4")
        said = scene.run(origins, np.tile(np.array([[0, 0, 1]], "f4"), (len(active), 1)), output=1)
        met = said["geomID"] >= 0
        active = active[met]
        if not len(active):
            break
        z = start[active] + said["tfar"][met]
        at = np.ceil((z - truth.corner[2]) / truth.cell - 0.5).clip(0, CELLS).astype(int)
        np.add.at(change, (active, at), -np.sign(said["Ng"][met][:, 2]))
        start[active] = z + 1e-5
    del kept
    return (change.cumsum(1)[:, :CELLS] > 0.5).reshape(3 * (CELLS,))


def on_surface(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Points spread evenly over triangles, always the same ones."""
    rng = np.random.default_rng(0)
    a, b, c = (vertices[corner] for corner in faces.T)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = rng.choice(len(faces), POINTS, p=area / area.sum())
    weights = rng.dirichlet((1.0, 1.0, 1.0), POINTS)[..., None]
    return (vertices[faces[chosen]] * weights).sum(1)
