"""The network of `depth: embedded`: the packaged transformer's tokens and a few clues to disparity.

The tokens know what things are; the clues, eight times as fine, where exactly they end and where
they stand. About a million weights of its own.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from reparo.stages.vision.blocks import Attending, Convolution, Residual, Upwards
from reparo.stages.vision.transformer import CHANNELS

TOKENS = 3 * CHANNELS  # three levels
FINER = 8  # clue pixels a patch, along a side
CLUES = 11
WIDTH = (160, 96, 32)  # channels at 1, 2 and 4 pixels a patch
ROUNDS = 3  # in which every patch looks at all others
MOST = 256  # objects of a picture
COLUMN, ROW = 3, 4  # among the clues


class DepthNetwork(nn.Module):
    """Disparity up to gain and offset, four pixels a patch.

    In training it looks at tokens of fewer channels, and says more than it is asked for later.
    """

    def __init__(
        self,
        width: Sequence[int] = WIDTH,
        rounds: int = ROUNDS,
        tokens: int = TOKENS,
        besides: int = 0,
    ) -> None:
        super().__init__()
        deep, middle, fine = width
        self.tokens = Convolution(tokens, deep, size=1)
        self.fine = nn.Sequential(Convolution(CLUES, 24, stride=2), Convolution(24, fine))
        self.middle = Convolution(fine, 64, stride=2)
        self.coarse = Convolution(64, 96, stride=2)
        self.join = Convolution(deep + 96, deep, size=1)
        self.attend = nn.Sequential(*(Attending(deep, deep // 32) for _ in range(rounds)))
        self.think = nn.Sequential(*(Residual(deep, spread) for spread in (1, 2, 4)))
        self.up = Upwards(deep, 64, middle)
        self.further = Upwards(middle, fine, fine)
        self.said = nn.Conv2d(fine, 1 + besides, 3, padding=1)

    def forward(
        self, tokens: Float[Tensor, "b t rows columns"], clues: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b y x"]:
        """Tokens of `levels`, and clues `FINER` times as fine."""
        return self.everything(tokens, clues)[:, 0]

    def everything(
        self, tokens: Float[Tensor, "b t rows columns"], clues: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b s y x"]:
        """Disparity first, then what it says besides."""
        fine = self.fine(clues)
        middle = self.middle(fine)
        coarse = torch.cat([self.tokens(tokens), self.coarse(middle)], 1)
        found = self.up(self.think(self.attend(self.join(coarse))), middle)
        return self.said(self.further(found, fine))


def make_clues(
    rgb: Float[Tensor, "b h w 3"], number: Int[Tensor, "b h w"]
) -> Float[Tensor, "b c h w"]:
    """What can be read off pictures and the objects' visible masks; `number` from 1, 0: no object.

    Colour; place (the longer side is 2 long); where objects are and where one ends; and, painted on
    each object's pixels, the ends of its box: on flat ground an object is as far away as the row of
    its foot says. Elsewhere these are the pixel's own place.
    """
    return torch.cat([rgb.movedim(-1, 1) - 0.5, whereabouts(number).to(rgb)], 1)


def whereabouts(number: Int[Tensor, "b h w"]) -> Float[Tensor, "b 8 h w"]:
    """The clues but colours: x, y, inside, ends; left, right, top and foot of a pixel's object."""
    height, width = number.shape[1:]
    longer = max(height, width)
    x = ((torch.arange(width, device=number.device) + 0.5) * 2 - width) / longer
    y = ((torch.arange(height, device=number.device) + 0.5) * 2 - height) / longer
    x, y = x.expand(number.shape), y[:, None].expand(number.shape)
    left, right = (_end(x, number, way) for way in ("amin", "amax"))
    top, foot = (_end(y, number, way) for way in ("amin", "amax"))
    inside, ends = (number > 0).to(x), _borders(number).to(x)
    return torch.stack([x, y, inside, ends, left, right, top, foot], 1)


def _end(
    place: Float[Tensor, "b h w"], number: Int[Tensor, "b h w"], way: str
) -> Float[Tensor, "b h w"]:
    """The least or largest place of each pixel's object; its own where there is none."""
    one = torch.arange(len(number), device=number.device)[:, None, None] * MOST + number
    ends = place.new_zeros(len(number) * MOST)
    ends = ends.scatter_reduce(0, one.flatten(), place.flatten(), way, include_self=False)
    return torch.where(number > 0, ends[one], place)


def _borders(number: Int[Tensor, "b h w"]) -> Tensor:
    """Where a neighbour below or to the right belongs to something else."""
    end = torch.zeros_like(number, dtype=torch.bool)
    end[:, :-1] |= number[:, :-1] != number[:, 1:]
    end[:, :, :-1] |= number[:, :, :-1] != number[:, :, 1:]
    return end
