"""The contour of a mesh: the edges at which what faces the camera meets what does not.

The outline of a picture of a mesh is made of these edges, so it moves exactly as points on them do.
A point a little inside the outline of a round body does not: seen at a grazing angle it lies far
in front of the contour, and slides when the body turns while the outline stays.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reparo.scene import Camera, Mesh, Similarity

NEAR = 1e-3  # world units; edges that come nearer to the camera's plane are left out
SPACING = 0.7  # px between points along an edge


@torch.no_grad()
def contour_points(mesh: Mesh, pose: Similarity, camera: Camera) -> Float[Tensor, "m 3"]:
    """Points along the contour, less than a pixel apart, in the object's frame."""
    eye = pose.inverse().apply(camera.world_from_camera.translation[None])[0]
    ends = mesh.vertices[contour_edges(mesh, eye)]  # [e, 2, 3]
    pixels, z = camera.project(pose.apply(ends.flatten(0, 1)).unflatten(0, (-1, 2)))
    ahead = (z > NEAR).all(1)
    ends, length = ends[ahead], (pixels[:, 0] - pixels[:, 1]).norm(dim=-1)[ahead]
    count = (length / SPACING).ceil().clamp(1, 2 * sum(camera.size)).long()
    edge = torch.repeat_interleave(count)
    rank = torch.arange(len(edge), device=edge.device) - (count.cumsum(0) - count)[edge]
    share = (rank.to(ends) + 0.5) / count[edge]
    return torch.lerp(ends[edge, 0], ends[edge, 1], share[:, None])


def contour_edges(mesh: Mesh, eye: Float[Tensor, "3"]) -> Int[Tensor, "e 2"]:
    """Pairs of vertices: edges between a face that faces `eye` and one that does not, and rims.

    Vertices at one place count as one, since files split them where textures have seams.
    """
    facing = _facing(mesh, eye)
    place = torch.unique(mesh.vertices, dim=0, return_inverse=True)[1]
    edges = mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    low, high = place[edges].sort(1).values.unbind(1)
    _, name, count = torch.unique(
        low * len(mesh.vertices) + high, return_inverse=True, return_counts=True
    )
    owner = facing.repeat_interleave(3)
    front = torch.zeros_like(count).index_add(0, name, owner.to(count))
    chosen = (count == 1) | ((front > 0) & (front < count))
    first = torch.full_like(count, len(edges)).scatter_reduce(
        0, name, torch.arange(len(edges), device=edges.device), "amin"
    )
    return edges[first[chosen]]


def _facing(mesh: Mesh, eye: Float[Tensor, "3"]) -> Bool[Tensor, " f"]:
    a, b, c = mesh.vertices[mesh.faces].unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    return (normal * (eye - a)).sum(-1) > 0
