"""Whether a mesh from elsewhere can be used: checks, and what to do about too many triangles."""

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from reparo.errors import InputError
from reparo.files.checks import REACH
from reparo.scene import Mesh

FLAT = 1e-12  # of the longest side squared: a mesh of less area has none
MOST_EVER = 20_000_000  # triangles; beyond, it would take minutes to make it smaller


def sound(mesh: Mesh, whose: str) -> Mesh:
    """The mesh without its triangles that have no area, or an InputError: `whose` has this fault.

    Looked at: triangles at all, their corners, finite numbers, extent, area.
    """
    if not len(mesh.faces) or not len(mesh.vertices):
        raise InputError(f"{whose} has no triangles, a surface was wanted; make it anew")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise InputError(
            f"the triangles of {whose} must use vertices 0 to {len(mesh.vertices) - 1}, they reach "
            f"from {int(mesh.faces.min())} to {int(mesh.faces.max())}; make it anew"
        )
    if not all(part.isfinite().all() for part in (mesh.vertices, mesh.colours, mesh.uv)):
        raise InputError(f"{whose} has vertices that are not finite numbers; make it anew")
    lowest, highest = mesh.bounds
    if max(float(-lowest.min()), float(highest.max())) > REACH:
        raise InputError(f"{whose} reaches further than {REACH:g}; make it in another unit")
    longest = float((highest - lowest).max())
    a, b, c = mesh.vertices.double()[mesh.faces].unbind(1)
    area = torch.linalg.cross(b - a, c - a).norm(dim=-1) / 2
    if longest <= 1 / REACH or float(area.sum()) <= FLAT * longest**2:
        raise InputError(f"the triangles of {whose} have no area, a surface was wanted")
    kept = area > FLAT**2 * longest**2
    return mesh if kept.all() else _of_faces(mesh, mesh.faces[kept], mesh.face_material[kept])


def open_edges(mesh: Mesh) -> int:
    """Edges that have a triangle on one side only; 0 for a closed mesh.

    Vertices at one place count as one, since textures split them at their seams.
    """
    _, place = torch.unique(mesh.vertices, dim=0, return_inverse=True)
    faces = place[mesh.faces]
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).sort(-1).values
    edges = edges[edges[:, 0] != edges[:, 1]]
    _, count = torch.unique(edges[:, 0] * len(mesh.vertices) + edges[:, 1], return_counts=True)
    return int((count % 2).sum())


def simplified(mesh: Mesh, most: int) -> Mesh:
    """At most so many triangles: vertices in one cell of a grid become one, at their middle.

    Vertex clustering (Rossignac and Borrel 1993), the finest of eight grids that suffices. Each
    chart of a texture keeps vertices of its own, at the same place, so that seams stay closed.
    """
    if len(mesh.faces) <= most:
        return mesh
    if len(mesh.faces) > MOST_EVER:
        raise InputError(
            f"a mesh has at most {MOST_EVER} triangles here, got {len(mesh.faces)}; simplify it"
        )
    coarse, fine = 2.0, 4.0 * most**0.5  # cells along the longest side
    for _ in range(8):
        cells = (coarse * fine) ** 0.5
        left = int(_spread(_cells(mesh, cells)[mesh.faces]).sum())
        coarse, fine = (cells, fine) if left <= most else (coarse, cells)
    return _clustered(mesh, _cells(mesh, coarse))


def _cells(mesh: Mesh, count: float) -> Int[Tensor, " v"]:
    """Each vertex's cell, numbered, in a grid of so many along the longest side."""
    lowest, highest = mesh.bounds
    x, y, z = ((mesh.vertices - lowest) / (highest - lowest).max() * count).long().unbind(-1)
    side = int(count) + 1
    return torch.unique((x * side + y) * side + z, return_inverse=True)[1]


def _spread(corners: Int[Tensor, "f 3"]) -> Bool[Tensor, " f"]:
    """Which triangles have their corners in three cells."""
    a, b, c = corners.unbind(-1)
    return (a != b) & (b != c) & (c != a)


def _charts(faces: Int[Tensor, "f 3"], vertices: int) -> Int[Tensor, " v"]:
    """The connected part that each vertex belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    a, b, c = faces.cpu().numpy().T
    ends = np.concatenate([a, b]), np.concatenate([b, c])
    graph = coo_matrix((np.ones(len(ends[0]), bool), ends), shape=(vertices, vertices))
    return torch.from_numpy(connected_components(graph, directed=False)[1]).long()


def _clustered(mesh: Mesh, cell: Int[Tensor, " v"]) -> Mesh:
    """One vertex a cell and chart; a thin sheet's two sides stay, at one place."""
    chart = _charts(mesh.faces, len(mesh.vertices))
    _, own = torch.unique(cell * (int(chart.max()) + 1) + chart, return_inverse=True)
    cell_of_own = cell.new_empty(int(own.max()) + 1).index_copy_(0, own, cell)
    kept = _spread(cell[mesh.faces])
    together = Mesh(
        _mean(mesh.vertices, cell)[cell_of_own],  # to the last digit the same for all charts
        own[mesh.faces[kept]],
        _mean(mesh.uv, own),
        _mean(mesh.colours, own),
        mesh.materials,
        mesh.face_material[kept],
    )
    return _of_faces(together, together.faces, together.face_material)


def _mean(values: Tensor, group: Int[Tensor, " v"]) -> Tensor:
    """The mean of each group."""
    total = values.new_zeros(int(group.max()) + 1, values.shape[1]).index_add_(0, group, values)
    return total / torch.bincount(group)[:, None]


def _of_faces(mesh: Mesh, faces: Int[Tensor, "f 3"], material: Int[Tensor, " f"]) -> Mesh:
    """These triangles and the vertices they use."""
    used, numbered = torch.unique(faces, return_inverse=True)
    return Mesh(
        mesh.vertices[used],
        numbered,
        mesh.uv[used],
        mesh.colours[used],
        mesh.materials,
        material,
    )
