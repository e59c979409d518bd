"""Each object as a block of its own colour."""

from dataclasses import dataclass, replace

import torch

from reparo.errors import InputError
from reparo.scene import Cutout, Mesh

CORNERS = [[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
FACES = [
    [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
    [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
]  # fmt: skip


@dataclass(frozen=True)
class Blocks:
    """As wide and as high as the cut-out's outline."""

    depth: float = 0.5  # of the longer of width and height

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Measures the outline; needs an opaque pixel."""
        opaque = cutout.rgba[..., 3] >= 0.5
        if not opaque.any():
            raise InputError(f"the cut-out of {name!r} has no opaque pixel; give it an outline")
        height, width = (int(opaque.any(axis).sum()) for axis in (1, 0))
        longest = max(height, width)
        size = torch.tensor([width / longest, height / longest, self.depth])
        mesh = Mesh.plain(torch.tensor(CORNERS) * size, torch.tensor(FACES))
        colour = torch.cat([cutout.rgba[opaque][:, :3].mean(0), torch.ones(1)])
        return replace(mesh, colours=colour.expand(len(mesh.vertices), 4))
