"""The small network that sees an object's solid in its cut-out, over the frozen transformer.

It says how likely each cell along the pixels' rays is inside the object, and which colours the
object has seen from behind. Frame: unit the cut-out's side; z towards the viewer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, dropout, interpolate, pixel_shuffle, pixel_unshuffle

from reparo.stages.vision.blocks import Attending

TOKENS = 1152  # channels of the transformer's levels
SEEN = 224  # px of the picture that it is shown: 16 x 16 tokens
GROUND = 0.5  # grey behind the object, sRGB
GRID = 64  # rows, columns and layers of the solid
REACH = 0.75  # sides: the layers lie between -REACH and REACH, far to near
CLOSE = 128  # px of the picture that the network itself looks at
FINER = 4  # ... of which each of its 32 x 32 places has so many a side
FARTHEST = 1.5  # sides: the ground is not asked about beyond
HEAD = 32  # channels of each of the attention's heads


@dataclass(frozen=True)
class Size:
    """How much room the network has."""

    wide: int  # channels at 16 x 16
    fine: int  # channels at 32 x 32
    deep: int  # rounds of attention among the 16 x 16 places; 0: one more convolution block instead

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> "Size":
        """Of the network that a weights file is for."""
        deep = sum(key.endswith(".asked.weight") for key in state)
        return cls(len(state["tokens.weight"]), len(state["pixels.weight"]), deep)


LOCAL, SMALLER, LARGER = Size(160, 80, 0), Size(160, 80, 3), Size(224, 112, 4)
SHIPPED = SMALLER  # the size of the weights file in the package


@dataclass(frozen=True)
class Shape:
    """What the network says of a batch."""

    solid: Float[Tensor, "b z y x"]  # logits
    back: Float[Tensor, "b 3 y x"]  # sRGB, as seen through the object from the front


class Block(nn.Module):
    """Two convolutions added to what was there."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(8, channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """One round."""
        return x + self.second(nn.functional.silu(self.first(self.norm(x))))


class ShapeHead(nn.Module):
    """Tokens at 16 x 16, then pixels at 32 x 32; each of those gives 2 x 2 rays.

    In training it looks at tokens of fewer channels; `forget` is the share that is left out, then,
    of what each round adds.
    """

    def __init__(
        self,
        wide: int = SHIPPED.wide,
        fine: int = SHIPPED.fine,
        deep: int = SHIPPED.deep,
        tokens: int = TOKENS,
        forget: float = 0.0,
    ) -> None:
        super().__init__()
        self.forget = forget
        self.tokens = nn.Conv2d(tokens, wide, 1)
        self.whole = nn.Linear(tokens + 4, wide)  # of the picture as a whole, lens and upright
        self.among = nn.ModuleList(Attending(wide, wide // HEAD) for _ in range(deep))
        rounds = (Block(wide) for _ in range(1 if deep else 2))
        self.coarse = nn.Sequential(*rounds, nn.Conv2d(wide, fine, 1))
        self.pixels = nn.Conv2d(4 * FINER**2 + 1, fine, 1)
        self.close = nn.Sequential(Block(fine), Block(fine), nn.GroupNorm(8, fine), nn.SiLU())
        self.out = nn.Conv2d(fine, 4 * (GRID + 3), 1)

    def forward(
        self,
        tokens: Float[Tensor, "b c 16 16"],
        rgba: Float[Tensor, "b 4 p p"],
        focal: Float[Tensor, " b"],
        up: Float[Tensor, "b 3"],
    ) -> Shape:
        """`rgba` at `CLOSE` px; `focal` in sides of the cut-out; `up` unit, or 0: unknown."""
        view = torch.cat([(1 / focal).clamp(0, 1)[:, None], up], 1).to(tokens)
        whole = self.whole(torch.cat([tokens.mean((2, 3)), view], 1))
        wide = self.tokens(tokens) + whole[:, :, None, None]
        for attending in self.among:
            wide = wide + self._some(attending(wide) - wide)
        fine = self._some(self.coarse(wide))
        fine = interpolate(fine, scale_factor=2, mode="bilinear", align_corners=False)
        seen = pixel_unshuffle(rgba - 0.5, FINER)
        seen = torch.cat([seen, ground_depth(rgba[:, 3], focal, up).to(seen)], 1)
        fine = self.close(fine + self.pixels(seen))
        rays = pixel_shuffle(self.out(fine), 2)
        front = interpolate(rgba[:, :3], (GRID, GRID), mode="area")
        return Shape(rays[:, :GRID], front + rays[:, GRID:].to(front))

    def _some(self, added: Tensor) -> Tensor:
        return dropout(added, self.forget, self.training)


def ground_depth(
    alpha: Float[Tensor, "b p p"], focal: Float[Tensor, " b"], up: Float[Tensor, "b 3"]
) -> Float[Tensor, "b 1 r r"]:
    """Where rays meet the ground under the object's lowest point, were that at z = 0.

    In `FARTHEST`, each of `FINER` x `FINER` px; 0 where `up` is. What touches the ground lies
    there. The ray through (x, y) is at (x w, y w, z), w = 1 - z / focal: with a = up . (x, y, 0)
    and h that of the lowest point, a w + up_z z = h.
    """
    along = (torch.arange(alpha.shape[-1]).to(alpha) + 0.5) / alpha.shape[-1] - 0.5
    height = up[:, 0, None, None] * along - up[:, 1, None, None] * along[:, None]
    inside = alpha >= 0.5 * alpha.amax((1, 2), keepdim=True)
    lowest = height.masked_fill(~inside, torch.inf).amin((1, 2), keepdim=True)
    height, lowest = avg_pool2d(height[:, None], FINER), lowest[:, None]
    falling = (up[:, 2, None, None, None] - height / focal[:, None, None, None]).clamp_min(1e-3)
    return ((lowest - height) / falling).clamp(-FARTHEST, FARTHEST) / FARTHEST
