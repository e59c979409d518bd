"""Meshes of fewer triangles, their looks kept: quadric edge collapse, looks carried over after."""

from importlib.util import find_spec

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from torch import Tensor

from reparo.errors import InputError, MissingExtra
from reparo.files.closing import welded
from reparo.files.soundness import simplified
from reparo.scene import Mesh

NEAR = 8  # triangles by their middles among which the nearest is looked for
TURNED = 0.2  # of the diagonal: as far off as a triangle is that looks the other way
HASTE = (5, 8, 10)  # of the collapse; more leaves fewer triangles and a rougher shape
Array = np.ndarray


def lighter(mesh: Mesh, most: int, name: str) -> Mesh:
    """At most so many triangles; fewer than that may be had where the shape is simple.

    The shape: edges are collapsed by the quadric error measure (Garland and Heckbert 1997; where
    that leaves too many triangles, neighbouring vertices are put together instead), with
    vertices at one place as one, so that seams stay closed. The looks: each new triangle takes the
    chart and material of the old one nearest to its middle, each corner its texture coordinate and
    colour from the nearest point of that chart.
    """
    collapsed = _collapsed(mesh, most)
    if collapsed is None:  # many small parts, of each of which it keeps some
        return _clustered(mesh, most, name)
    places, faces = collapsed
    old = mesh.vertices.detach().double().cpu().numpy()
    corners = mesh.faces.cpu().numpy()
    chart = _charts(mesh)
    source = _nearest_face(old[corners], places[faces])
    # one new vertex for each place and chart
    keys = np.column_stack([faces.reshape(-1), np.repeat(chart[source], 3)])
    own, numbered = np.unique(keys, axis=0, return_inverse=True)
    near, weights = _nearest_point(old[corners], chart, places[own[:, 0]], own[:, 1])
    at = torch.from_numpy(weights).to(mesh.vertices)[..., None]  # [v, 3, 1]
    used = mesh.faces[torch.from_numpy(near).to(mesh.faces)]  # [v, 3]
    return Mesh(
        torch.from_numpy(places[own[:, 0]]).to(mesh.vertices),
        torch.from_numpy(numbered.reshape(-1, 3)).to(mesh.faces),
        _between(mesh.uv[used], at),
        _between(mesh.colours[used], at).clamp(0, 1),
        mesh.materials,
        mesh.face_material[torch.from_numpy(source).to(mesh.faces)],
    )


def check_here() -> None:
    """Refuses where the package that does it is not installed."""
    if find_spec("fast_simplification") is None:
        raise MissingExtra(
            "making meshes lighter needs the package 'fast-simplification'; "
            "`pip install 'reparo3d[simplify]'` brings it"
        )


def _between(corners: Float[Tensor, "v 3 d"], at: Float[Tensor, "v 3 1"]) -> Float[Tensor, "v d"]:
    """The corners' values weighted; to the last digit theirs where they agree."""
    first = corners[:, 0]
    return first + ((corners[:, 1:] - first[:, None]) * at[:, 1:]).sum(1)


def _collapsed(mesh: Mesh, most: int) -> tuple[Float[Array, "v 3"], Int[Array, "f 3"]] | None:
    """Corners and triangles; None where no haste leaves few enough."""
    check_here()
    import fast_simplification

    places = torch.unique(mesh.vertices, dim=0).detach().double().cpu().numpy()
    faces = welded(mesh)
    for haste in HASTE:
        found, left = fast_simplification.simplify(
            places, faces.astype(np.int32), target_count=most, agg=haste
        )[:2]
        a, b, c = left.T
        left = left[(a != b) & (b != c) & (c != a)]
        if 0 < len(left) <= most:
            return np.asarray(found, dtype=np.float64), left.astype(np.int64)
    return None


def _clustered(mesh: Mesh, most: int, name: str) -> Mesh:
    """Coarser, but without a limit to how few triangles it leaves."""
    found = simplified(mesh, most)
    if not 0 < len(found.faces) <= most:
        raise InputError(
            f"the mesh of {name!r} was to have at most {most} triangles, and nothing of it would "
            "be left; ask for more, or simplify it in a modelling program"
        )
    return found


def _charts(mesh: Mesh) -> Int[Array, " f"]:
    """Which connected piece of texture, and which material, each face belongs to."""
    looks = torch.cat([mesh.vertices, mesh.uv, mesh.colours], 1)
    _, same = torch.unique(looks, dim=0, return_inverse=True)  # soups of triangles hang together
    a, b, c = same[mesh.faces].cpu().numpy().T
    ends = np.concatenate([a, b]), np.concatenate([b, c])
    graph = coo_matrix((np.ones(len(ends[0]), bool), ends), shape=(int(same.max()) + 1,) * 2)
    part = connected_components(graph, directed=False)[1][a]
    pairs = np.column_stack([part, mesh.face_material.cpu().numpy()])
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _nearest_face(old: Float[Array, "f 3 3"], new: Float[Array, "g 3 3"]) -> Int[Array, " g"]:
    """For each new triangle an old one, near it and facing the same way."""
    far = TURNED * float(np.linalg.norm(np.ptp(old.reshape(-1, 3), axis=0)))
    found = KDTree(_faced(old, far)).query(_faced(new, far))[1]
    return np.asarray(found, dtype=np.int64)


def _faced(triangles: Float[Array, "f 3 3"], far: float) -> Float[Array, "f 6"]:
    """Each triangle's middle and, as long as `far`, its direction."""
    a, b, c = triangles.transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.concatenate([triangles.mean(1), far / 2 * normal / np.maximum(length, 1e-300)], 1)


def _nearest_point(
    old: Float[Array, "f 3 3"],
    chart: Int[Array, " f"],
    points: Float[Array, "v 3"],
    charts: Int[Array, " v"],
) -> tuple[Int[Array, " v"], Float[Array, "v 3"]]:
    """The face of the point's own chart that is nearest, and the barycentric weights on it."""
    from trimesh.triangles import closest_point, points_to_barycentric

    apart = 4 * float(np.linalg.norm(np.ptp(old.reshape(-1, 3), axis=0)))  # charts do not meet
    tree = KDTree(np.column_stack([old.mean(1), chart * apart]))
    count = min(NEAR, len(old))
    found = tree.query(np.column_stack([points, charts * apart]), k=count)[1].reshape(-1, count)
    same = chart[found] == charts[:, None]  # a small chart has fewer
    triangles = old[found.reshape(-1)]
    on = closest_point(triangles, np.repeat(points, count, axis=0))
    away = np.linalg.norm(on.reshape(len(points), count, 3) - points[:, None], axis=-1)
    best = np.where(same, away, np.inf).argmin(1)
    row = np.arange(len(points))
    weights = points_to_barycentric(
        old[found[row, best]], on.reshape(len(points), count, 3)[row, best]
    )
    weights = np.nan_to_num(weights, nan=1 / 3).clip(0, 1)
    return found[row, best].astype(np.int64), weights / weights.sum(1, keepdims=True)
