"""A textured triangle mesh.

One form for every look, so that nothing downstream branches: the colour of a surface point is the
product of its material's base colour, its vertices' colours and its material's texture, each white
where a file has none (glTF's rule). All are kept in sRGB; the product of sRGB values is within a
shade of the sRGB value of the product, since the curve is nearly a power.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Material:
    """How a group of faces looks."""

    base_colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)  # sRGB and alpha
    texture: Float[Tensor, "h w 4"] | None = None  # sRGB 0..1 and alpha; repeats outside 0..1
    alpha_cutoff: float | None = None  # below it a point is a hole; None: opaque
    name: str = ""


@dataclass(frozen=True)
class Mesh:
    """Vertices, faces and looks, in the object's own frame."""

    vertices: Float[Tensor, "v 3"]  # object units, about the unit cube; y up, front +z
    faces: Int[Tensor, "f 3"]  # counter-clockwise from outside
    uv: Float[Tensor, "v 2"]  # glTF's: (0, 0) is the texture's top left corner
    colours: Float[Tensor, "v 4"]  # sRGB 0..1 and alpha
    materials: tuple[Material, ...]
    face_material: Int[Tensor, " f"]  # index into materials

    @classmethod
    def plain(cls, vertices: Float[Tensor, "v 3"], faces: Int[Tensor, "f 3"]) -> "Mesh":
        """A white mesh without texture."""
        return cls(
            vertices,
            faces,
            uv=vertices.new_zeros(len(vertices), 2),
            colours=vertices.new_ones(len(vertices), 4),
            materials=(Material(),),
            face_material=torch.zeros(len(faces), dtype=torch.long, device=faces.device),
        )

    @property
    def bounds(self) -> Float[Tensor, "2 3"]:
        """Lowest and highest corner of the vertices' box."""
        return torch.stack([self.vertices.amin(0), self.vertices.amax(0)])
