"""Colours of surface points: base colour times vertex colours times texture."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reparo.scene import Material, Mesh


def colours_at(
    mesh: Mesh, face: Int[Tensor, " n"], weights: Float[Tensor, "n 3"]
) -> Float[Tensor, "n 4"]:
    """sRGB and alpha at points of faces, given as weights of the corners."""
    corners = mesh.faces.index_select(0, face)
    colour = interpolated(mesh.colours, corners, weights)
    owner = mesh.face_material.index_select(0, face)
    for index, material in enumerate(mesh.materials):
        if _is_white(material):
            continue
        chosen = (owner == index).nonzero()[:, 0]
        look = colour.new_tensor(material.base_colour)
        if material.texture is not None:
            uv = interpolated(mesh.uv, corners[chosen], weights[chosen])
            look = look * texture_at(material.texture, uv)
        colour = colour.index_copy(0, chosen, colour[chosen] * look)
    return colour


def _is_white(material: Material) -> bool:
    return material.texture is None and material.base_colour == (1.0, 1.0, 1.0, 1.0)


def interpolated(
    values: Float[Tensor, "v c"], corners: Int[Tensor, "n 3"], weights: Float[Tensor, "n 3"]
) -> Float[Tensor, "n c"]:
    """Values of vertices at points between three of them."""
    at_corners = values.index_select(0, corners.reshape(-1)).unflatten(0, (-1, 3))
    return (at_corners * weights[..., None]).sum(1)


def texture_at(texture: Float[Tensor, "h w 4"], uv: Float[Tensor, "n 2"]) -> Float[Tensor, "n 4"]:
    """Looks up bilinearly; (0, 0) is the corner of the first texel, and the picture repeats."""
    height, width = texture.shape[:2]
    place = uv * uv.new_tensor([width, height]) - 0.5
    corner = place.floor()
    right, down = (place - corner).unbind(-1)
    left, top = corner.to(torch.int64).unbind(-1)
    texels = texture.reshape(-1, 4)
    rows = [(top % height) * width, ((top + 1) % height) * width]
    columns = [left % width, (left + 1) % width]
    mixed = [
        torch.lerp(
            texels.index_select(0, row + columns[0]),
            texels.index_select(0, row + columns[1]),
            right[:, None],
        )
        for row in rows
    ]
    return torch.lerp(mixed[0], mixed[1], down[:, None])


def is_solid(
    mesh: Mesh, face: Int[Tensor, " n"], weights: Float[Tensor, "n 3"]
) -> Bool[Tensor, " n"]:
    """Whether points of faces are there at all: False in the holes of cut-out materials."""
    cutoffs = weights.new_tensor(
        [-1.0 if one.alpha_cutoff is None else one.alpha_cutoff for one in mesh.materials]
    )[mesh.face_material[face]]
    doubtful = (cutoffs >= 0).nonzero()[:, 0]
    alpha = colours_at(mesh, face[doubtful], weights[doubtful])[:, 3]
    solid = torch.ones_like(face, dtype=torch.bool)
    return solid.index_copy(0, doubtful, alpha >= cutoffs[doubtful])
