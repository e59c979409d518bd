"""An outline cut into triangles.

Marching squares on a grid of nodes: the outline runs between nodes, sub-pixel, where the field
crosses zero. Cells on the outline stay single; inside, cells are merged into larger blocks. All
pieces are convex polygons that share whole edges, so the flat mesh is a manifold with border by
construction, and each edge between two border vertices is a border edge.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

LEAST_CROSSING = (
    0.1  # of a cell: crossings keep this far from nodes, so that no triangle is a sliver
)
LARGEST_BLOCK = 4  # cells


@dataclass(frozen=True)
class FlatMesh:
    """A triangulated outline; the first `inner` vertices are nodes inside, the rest lie on it."""

    points: np.ndarray  # [v, 2] x, y in nodes; node (0, 0) is at (0, 0); y down
    faces: np.ndarray  # [f, 3], clockwise as seen in the picture
    inner: int


def crossing(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Where between an inside node (0) and an outside node (1) the field is zero."""
    share = inside / np.maximum(inside - outside, 1e-12)
    return np.clip(share, LEAST_CROSSING, 1 - LEAST_CROSSING)


def triangulate(field: np.ndarray) -> FlatMesh:
    """Cuts out where `field` [rows, columns] is above 0, which its border must not be."""
    inside = field > 0
    blocks = _blocks(inside)
    corner = np.zeros_like(inside)
    for row, column, size in blocks:
        corner[row : row + size + 1 : size, column : column + size + 1 : size] = True
    cells = np.argwhere(_any_corner(inside) & ~_covered(blocks, inside.shape))
    for row, column in cells:
        corner[row : row + 2, column : column + 2] = True
    polygons = [_block_polygon(block, corner) for block in blocks]
    polygons += [_cell_polygon(row, column, inside) for row, column in cells.tolist()]
    return _number(polygons, field)


Node = tuple[int, int]  # row, column
Edge = tuple[Node, Node]  # from the inside node to the outside one: the vertex between them


def _any_corner(inside: np.ndarray) -> np.ndarray:
    return inside[:-1, :-1] | inside[1:, :-1] | inside[:-1, 1:] | inside[1:, 1:]


def _covered(blocks: list[tuple[int, int, int]], shape: tuple[int, ...]) -> np.ndarray:
    covered = np.zeros((shape[0] - 1, shape[1] - 1), dtype=bool)
    for row, column, size in blocks:
        covered[row : row + size, column : column + size] = True
    return covered


def _blocks(inside: np.ndarray) -> list[tuple[int, int, int]]:
    """Row, column and size of merged cells, as far from the outline as they are large."""
    from scipy.ndimage import minimum_filter

    taken = np.zeros((inside.shape[0] - 1, inside.shape[1] - 1), dtype=bool)
    found = []
    size = LARGEST_BLOCK
    while size > 1:
        deep = minimum_filter(inside, 2 * size + 1, mode="constant", cval=0)
        for row in range(0, inside.shape[0] - size, size):
            for column in range(0, inside.shape[1] - size, size):
                corners = deep[row : row + size + 1 : size, column : column + size + 1 : size]
                if corners.all() and not taken[row, column]:
                    taken[row : row + size, column : column + size] = True
                    found.append((row, column, size))
        size //= 2
    return found


def _block_polygon(block: tuple[int, int, int], corner: np.ndarray) -> list[Node | Edge]:
    """The block's centre, then the corners of all pieces on its border, clockwise, closed."""
    row, column, size = block
    steps = range(size)
    ring = [(row, column + step) for step in steps]
    ring += [(row + step, column + size) for step in steps]
    ring += [(row + size, column + size - step) for step in steps]
    ring += [(row + size - step, column) for step in steps]
    used = [node for node in ring if corner[node]]
    if len(used) == 4:
        return list(used)
    return [(row + size // 2, column + size // 2), *used, used[0]]


def _cell_polygon(row: int, column: int, inside: np.ndarray) -> list[Node | Edge]:
    """The inside part of one cell, clockwise, beginning at an inside node."""
    ring = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
    first = next(index for index in range(4) if inside[ring[index]])
    ring = ring[first:] + ring[:first]
    polygon: list[Node | Edge] = []
    for here, there in zip(ring, ring[1:] + ring[:1], strict=True):
        if inside[here]:
            polygon.append(here)
        if inside[here] != inside[there]:
            polygon.append((here, there) if inside[here] else (there, here))
    return polygon


def _number(polygons: list[list[Node | Edge]], field: np.ndarray) -> FlatMesh:
    """Numbers the vertices, nodes first, and cuts each polygon into a fan from its first vertex."""
    keys = {key for polygon in polygons for key in polygon}
    nodes = sorted(key for key in keys if isinstance(key[0], int))
    edges = sorted(key for key in keys if not isinstance(key[0], int))
    number = {key: index for index, key in enumerate([*nodes, *edges])}
    faces = [
        (number[polygon[0]], number[second], number[third])
        for polygon in polygons
        for second, third in pairwise(polygon[1:])
    ]
    places = np.array(nodes, dtype=float).reshape(-1, 2)
    ends = np.array(edges, dtype=int).reshape(-1, 2, 2)
    start, end = ends[:, 0], ends[:, 1]
    share = crossing(field[tuple(start.T)], field[tuple(end.T)])
    places = np.concatenate([places, start + share[:, None] * (end - start)])
    return FlatMesh(places[:, ::-1].copy(), np.array(faces, dtype=np.int64), len(nodes))
