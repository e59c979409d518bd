"""Closes the holes of a mesh, for programs that ask what is inside: printers, simulators."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from reparo.errors import InputError
from reparo.scene import Mesh


def closed(mesh: Mesh, name: str) -> Mesh:
    """The mesh with every hole capped and all triangles facing out; as it is where it is closed.

    A cap is a fan around the middle of the hole's rim, in the colours of the rim. Vertices at one
    place count as one, since textures split them at their seams. A mesh that is not closed after
    this, since more than two of its triangles meet at an edge, is an InputError.
    """
    mesh = _without_slivers(mesh)
    mesh = _facing_out(_capped(mesh, name))
    corners = welded(mesh)
    edges, count = np.unique(np.sort(_edges(corners), 1), axis=0, return_counts=True)
    if wrong := int((count != 2).sum()):
        raise InputError(
            f"a closed mesh was wanted of {name!r}, it cannot be made one: {wrong} of its "
            f"{len(edges)} edges do not join two triangles; mend it in a modelling program, or "
            "leave watertight out"
        )
    return mesh


def welded(mesh: Mesh) -> Int[np.ndarray, "f 3"]:
    """The faces, with vertices at one place numbered as one."""
    _, place = torch.unique(mesh.vertices, dim=0, return_inverse=True)
    return place[mesh.faces].cpu().numpy()


def _without_slivers(mesh: Mesh) -> Mesh:
    """Without triangles that have two corners at one place."""
    a, b, c = torch.from_numpy(welded(mesh)).to(mesh.faces).unbind(-1)
    kept = (a != b) & (b != c) & (c != a)
    return replace(mesh, faces=mesh.faces[kept], face_material=mesh.face_material[kept])


def _edges(faces: Int[np.ndarray, "f 3"]) -> Int[np.ndarray, "e 2"]:
    """From corner to next corner: three a face, one face's after the other's."""
    return np.stack([faces, np.roll(faces, -1, axis=1)], -1).reshape(-1, 2)


def _capped(mesh: Mesh, name: str) -> Mesh:
    """With a triangle from each open edge to the middle of its rim."""
    edges = _edges(welded(mesh))
    _, back, count = np.unique(np.sort(edges, 1), axis=0, return_inverse=True, return_counts=True)
    open_ones = np.flatnonzero(count[back.reshape(-1)] == 1)
    if not len(open_ones):
        return mesh
    rim = torch.from_numpy(_rims(edges[open_ones])).to(mesh.faces)  # of each open edge
    ends = torch.from_numpy(_edges(mesh.faces.cpu().numpy())[open_ones]).to(mesh.faces)  # [e, 2]
    middles = mesh.vertices.new_zeros(int(rim.max()) + 1, 3)
    middles.index_add_(0, rim, mesh.vertices[ends[:, 0]])
    middles = middles / torch.bincount(rim)[:, None]
    corners = len(mesh.vertices) + torch.arange(3 * len(ends), device=ends.device).reshape(-1, 3)
    both = [ends[:, 1], ends[:, 0]]  # against the rim's direction, so that the cap faces out
    places = torch.stack([mesh.vertices[both[0]], mesh.vertices[both[1]], middles[rim]], 1)
    of_face = torch.from_numpy(open_ones // 3).to(mesh.faces)
    return Mesh(
        torch.cat([mesh.vertices, places.flatten(0, 1)]),
        torch.cat([mesh.faces, corners]),
        torch.cat([mesh.uv, _fanned(mesh.uv, both)]),
        torch.cat([mesh.colours, _fanned(mesh.colours, both)]),
        mesh.materials,
        torch.cat([mesh.face_material, mesh.face_material[of_face]]),
    )


def _fanned(values: Tensor, both: list[Tensor]) -> Tensor:
    """Of the three corners of each triangle of a cap: the edge's ends and their mean."""
    first, second = values[both[0]], values[both[1]]
    return torch.stack([first, second, (first + second) / 2], 1).flatten(0, 1)


def _rims(edges: Int[np.ndarray, "e 2"]) -> Int[np.ndarray, " e"]:
    """Which rim each open edge belongs to, numbered from 0.

    A rim meets each corner once: holes that touch at a corner have one each. Whoever walks along
    the edges and comes to a corner again has just gone around one.
    """
    at: dict[int, list[int]] = {}
    for number, ends in enumerate(edges.tolist()):
        for end in ends:
            at.setdefault(end, []).append(number)
    rim, found = np.full(len(edges), -1, np.int64), 0
    for start in list(at):
        walked, met, here = [], {start: 0}, start
        while at[here]:
            edge = at[here].pop()
            here = int(edges[edge].sum()) - here
            at[here].remove(edge)
            walked.append(edge)
            if here in met:
                around = walked[met[here] :]
                rim[around], found = found, found + 1
                del walked[met[here] :]
                met = {corner: place for corner, place in met.items() if place <= met[here]}
            else:
                met[here] = len(walked)
        if walked:  # it ends in the midst of the surface; such a mesh is refused
            rim[walked], found = found, found + 1
    return rim


def _facing_out(mesh: Mesh) -> Mesh:
    """Turns triangles over that disagree with their neighbours, and parts that are inside out."""
    import trimesh

    faces = welded(mesh)
    places = torch.unique(mesh.vertices, dim=0).detach().double().cpu().numpy()
    body = trimesh.Trimesh(places, faces.copy(), process=False)  # it turns them in place
    with np.errstate(divide="ignore", invalid="ignore"):  # of what has no volume
        if not body.is_watertight or (body.is_winding_consistent and body.volume > 0):
            return mesh
        trimesh.repair.fix_normals(body, multibody=True)
    turned = torch.from_numpy((np.asarray(body.faces) != faces).any(1)).to(mesh.faces.device)
    return replace(mesh, faces=torch.where(turned[:, None], mesh.faces.flip(1), mesh.faces))
