"""Draws scenes in plain torch, on any device: visibility without, surface points with gradient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reparo.render.geometry import barycentrics, in_front, projected, rays
from reparo.render.hits import Hits, averaged
from reparo.render.looks import colours_at, interpolated, is_solid
from reparo.render.visibility import Solid, nearest_triangles
from reparo.scene import Camera, Mesh, Rendering, Scene, Similarity


@dataclass(frozen=True)
class TorchRenderer:
    """Draws textured triangles, seen from both sides, without light.

    Gradients: a surface point keeps its place on its face and moves with the pose; `depth` is that
    point's. With `samples` above 1, colour and coverage are means over the samples of a pixel;
    depth, object index and point are those of its sample that is nearest to the camera.
    """

    near: float = 1e-3  # world units; what is nearer to the camera's plane is cut off

    def layers(
        self, meshes: Sequence[Mesh], layout: Similarity, camera: Camera, samples: int = 1
    ) -> list[Rendering]:
        """Each object alone and whole; its index in `meshes` is the picture's object index."""
        coarse, fine = _views(camera, layout, samples)
        pictures = []
        for index, mesh in enumerate(meshes):
            face, _ = self._seen(mesh, layout[index], fine)
            hits = _surface(mesh, layout[index], fine, face, index)
            pictures.append(averaged(hits, coarse, samples))
        return pictures

    def __call__(self, scene: Scene, samples: int = 1) -> Rendering:
        """What the camera sees of all objects together: the nearest one at each sample."""
        coarse, fine = _views(scene.camera, scene.layout, samples)
        seen = [
            self._seen(mesh, scene.layout[index], fine) for index, mesh in enumerate(scene.meshes)
        ]
        parts = [
            _surface(mesh, scene.layout[index], fine, face, index)
            for index, (mesh, face) in enumerate(
                zip(scene.meshes, _nearest_only(seen), strict=True)
            )
        ]
        hits = Hits.joined(parts, scene.layout.translation)
        return averaged(hits, coarse, samples)

    @torch.no_grad()
    def _seen(
        self, mesh: Mesh, pose: Similarity, camera: Camera
    ) -> tuple[Int[Tensor, " p"], Int[Tensor, " p"]]:
        """Per pixel the face in sight, -1 where there is none, and a number that sorts as depth."""
        corners = _corners(mesh, pose, camera)
        triangles, origin = in_front(corners, self.near)
        nearest = nearest_triangles(
            projected(triangles, camera), camera.size, _hole_test(mesh, corners, origin, camera)
        )
        triangle = nearest.index
        if not len(origin):
            return triangle, nearest.depth_bits
        face = origin.index_select(0, triangle.clamp(min=0)).where(triangle >= 0, -1)
        return face, nearest.depth_bits


def _nearest_only(
    seen: list[tuple[Int[Tensor, " p"], Int[Tensor, " p"]]],
) -> list[Int[Tensor, " p"]]:
    """The faces that no other object hides; of two at the same depth the first."""
    if not seen:
        return []
    least = reduce(torch.minimum, [depth for _, depth in seen])
    faces, free = [], torch.ones_like(least, dtype=torch.bool)
    for face, depth in seen:
        own = free & (depth == least)
        faces.append(face.where(own, -1))
        free = free & ~own
    return faces


def _views(camera: Camera, layout: Similarity, samples: int) -> tuple[Camera, Camera]:
    """The camera beside the layout (device, dtype), and the same with a pixel per sample."""
    pose = camera.camera_from_world
    like = layout.translation
    beside = replace(
        camera,
        camera_from_world=Similarity(
            pose.wxyz.to(like), pose.translation.to(like), pose.scale.to(like)
        ),
    )
    return beside, beside.resized((camera.size[0] * samples, camera.size[1] * samples))


def _corners(mesh: Mesh, pose: Similarity, camera: Camera) -> Float[Tensor, "f 3 3"]:
    """The faces in the camera's frame."""
    local = (camera.camera_from_world @ pose).apply(mesh.vertices)
    return local.index_select(0, mesh.faces.reshape(-1)).reshape(-1, 3, 3)


def _hole_test(
    mesh: Mesh, corners: Float[Tensor, "f 3 3"], origin: Int[Tensor, " t"], camera: Camera
) -> Solid | None:
    """Looks into the textures of cut-out materials; None if the mesh has none."""
    if all(material.alpha_cutoff is None for material in mesh.materials):
        return None

    def solid(triangle: Int[Tensor, " n"], pixel: Int[Tensor, " n"]) -> Bool[Tensor, " n"]:
        face = origin.index_select(0, triangle)
        weights = barycentrics(corners.index_select(0, face), rays(pixel, camera, corners))
        return is_solid(mesh, face, weights)

    return solid


def _surface(
    mesh: Mesh, pose: Similarity, camera: Camera, face: Int[Tensor, " p"], index: int
) -> Hits:
    """Colours and world points where pixels see the faces given; -1 is no face."""
    pixel = (face >= 0).nonzero()[:, 0]
    face = face.index_select(0, pixel)
    corners = mesh.faces.index_select(0, face)
    with torch.no_grad():
        vertices = mesh.vertices.index_select(0, corners.reshape(-1))
        local = (camera.camera_from_world @ pose).apply(vertices)
        weights = barycentrics(local.reshape(-1, 3, 3), rays(pixel, camera, local))
    return Hits(
        pixel,
        colours_at(mesh, face, weights)[:, :3],
        pose.apply(interpolated(mesh.vertices, corners, weights)),
        torch.full_like(pixel, index),
    )
