"""Casts rays at textured meshes with Embree: what is hit, what is in shadow, what colour it has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from reparo.render.looks import colours_at
from reparo.scene import Mesh

LAYERS = 4  # holes of cut-out textures that a ray passes through, at most
LIFT = 1e-4  # of the distance: so that a ray does not meet the surface that it starts on


@dataclass(frozen=True)
class Hits:
    """What n rays meet first. Where `mesh` is -1 nothing: the rest is then 0."""

    mesh: np.ndarray  # [n] index of the mesh
    distance: np.ndarray  # [n] in lengths of the ray's direction
    normal: np.ndarray  # [n, 3] unit, towards where the ray comes from
    colour: np.ndarray  # [n, 3] sRGB 0..1

    @property
    def found(self) -> np.ndarray:
        """Which rays meet something."""
        return self.mesh >= 0


class World:
    """Meshes in one frame."""

    def __init__(self, meshes: Sequence[Mesh]) -> None:
        self.meshes = meshes
        self._scene = EmbreeScene()
        self._parts = []  # Embree looks into the arrays
        for mesh in meshes:
            vertices = np.ascontiguousarray(mesh.vertices.numpy(), "f4")
            faces = np.ascontiguousarray(mesh.faces.numpy(), "i4")
            self._parts.append(TriangleMesh(self._scene, vertices, faces))

    def first(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """The first surface on each ray; holes of cut-out textures let it through."""
        count = len(origins)
        hits = Hits(
            np.full(count, -1),
            *(np.zeros(shape, "f4") for shape in (count, (count, 3), (count, 3))),
        )
        active, start, passed = np.arange(count), origins, np.zeros(count)
        for _ in range(LAYERS):
            said = self._scene.run(_float(start), _float(directions[active]), output=1)
            met = said["geomID"] >= 0
            active, start, passed = active[met], start[met], passed[met]
            said = {key: value[met] for key, value in said.items()}
            rgba = self._colours(said)
            solid, far = rgba[:, 3] >= 0.5, said["tfar"] + passed
            self._keep(hits, active, directions, said, (solid, far, rgba))
            beyond = said["tfar"] * (1 + LIFT) + 1e-5
            start = (start + beyond[:, None] * directions[active])[~solid]
            passed = (passed + beyond)[~solid]
            active = active[~solid]
            if not len(active):
                break
        return hits

    def blocked(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Which rays meet anything at all; holes count as solid."""
        return self._scene.run(_float(origins), _float(directions), query="OCCLUDED") != -1

    @staticmethod
    def _keep(
        hits: Hits, active: np.ndarray, directions: np.ndarray, said: dict, found: tuple
    ) -> None:
        solid, far, rgba = found
        index = active[solid]
        normal = said["Ng"][solid]
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-20
        away = (normal * directions[index]).sum(1) > 0
        hits.normal[index] = np.where(away[:, None], -normal, normal)
        hits.mesh[index] = said["geomID"][solid]
        hits.distance[index] = far[solid]
        hits.colour[index] = rgba[solid, :3]

    def _colours(self, said: dict[str, np.ndarray]) -> np.ndarray:
        rgba = np.ones((len(said["geomID"]), 4), "f4")
        for index in np.unique(said["geomID"]):
            chosen = said["geomID"] == index
            u, v = said["u"][chosen], said["v"][chosen]
            weights = torch.from_numpy(np.stack([1 - u - v, u, v], -1).astype("f4"))
            face = torch.from_numpy(said["primID"][chosen]).long()
            rgba[chosen] = colours_at(self.meshes[index], face, weights).numpy()
        return rgba


def moved(mesh: Mesh, rotation: np.ndarray, scale: float, place: np.ndarray) -> Mesh:
    """The mesh scaled, then turned by a matrix, then shifted."""
    vertices = scale * mesh.vertices.numpy() @ rotation.T + place
    return replace(mesh, vertices=torch.from_numpy(vertices.astype("f4")))


def _float(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, "f4")
