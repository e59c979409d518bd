"""Normals for programs that shade; without them glTF shades flat, and round things show facets."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.scene import Mesh

EDGE = math.cos(math.radians(40))  # normals that differ by less belong to one smooth surface
MISJUDGED = 0.1  # share of corners off by more, above which a mesh is better flat


def vertex_normals(mesh: Mesh) -> Float[Tensor, "v 3"] | None:
    """Unit normals, or None for a mesh that is better shown flat, such as a welded box.

    A vertex's normal is the mean of its faces', weighted by their angles there (Thürmer and
    Wüthrich 1998). Vertices are not split; those at one place, as a texture's seam leaves them,
    share a normal unless they stand at an edge.
    """
    vertices, faces = mesh.vertices.double(), mesh.faces
    corners = vertices[faces]  # [f, 3, 3]
    ahead, back = corners.roll(-1, 1) - corners, corners.roll(1, 1) - corners
    angles = _unit(ahead).mul(_unit(back)).sum(-1).clamp(-1, 1).acos()  # [f, 3]
    flat = _unit(torch.linalg.cross(ahead[:, 0], back[:, 0]))  # [f, 3]
    own = torch.zeros_like(vertices)
    own.index_add_(0, faces.flatten(), (angles[..., None] * flat[:, None]).flatten(0, 1))
    _, place = torch.unique(vertices, dim=0, return_inverse=True)
    together = torch.zeros_like(own).index_add_(0, place, own)[place]
    own, together = _unit(own), _unit(together)
    bare = own.norm(dim=-1) < 0.5  # of triangles without area only
    smooth = bare | ((own * together).sum(-1) > EDGE)
    normals = torch.where(smooth[:, None], together, own)
    fits = (normals[faces] * flat[:, None]).sum(-1) > EDGE
    if (~fits).double().mean() > MISJUDGED:
        return None
    normals[normals.norm(dim=-1) < 0.5] = normals.new_tensor([0.0, 1.0, 0.0])  # nothing to go by
    return normals.to(mesh.vertices.dtype)


def _unit(vectors: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    return torch.nn.functional.normalize(vectors, dim=-1, eps=1e-30)
