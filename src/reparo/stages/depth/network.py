"""The network of `depth: embedded`: the packaged transformer's tokens and a few clues to disparity.

The tokens know what things are; the clues, eight times as fine, where exactly they end and where
they stand. About a million weights of its own.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from reparo.stages.vision.blocks import Convolution, Residual, Upwards
from reparo.stages.vision.transformer import CHANNELS

TOKENS = 3 * CHANNELS  # three levels
FINER = 8  # clue pixels a patch, along a side
CLUES = 11
WIDTH = (144, 96, 32)  # channels at 1, 2 and 4 pixels a patch
COLUMN, ROW = 3, 4  # among the clues


class DepthNetwork(nn.Module):
    """Disparity up to gain and offset, four pixels a patch."""

    def __init__(self) -> None:
        super().__init__()
        deep, middle, fine = WIDTH
        self.tokens = Convolution(TOKENS, deep, size=1)
        self.fine = nn.Sequential(Convolution(CLUES, 24, stride=2), Convolution(24, fine))
        self.middle = Convolution(fine, 64, stride=2)
        self.coarse = Convolution(64, 96, stride=2)
        self.join = Convolution(deep + 96, deep, size=1)
        self.think = nn.Sequential(*(Residual(deep, spread) for spread in (1, 2, 4)))
        self.up = Upwards(deep, 64, middle)
        self.further = Upwards(middle, fine, fine)
        self.said = nn.Conv2d(fine, 1, 3, padding=1)

    def forward(
        self, tokens: Float[Tensor, "b t rows columns"], clues: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b y x"]:
        """Tokens of `levels`, and clues `FINER` times as fine."""
        fine = self.fine(clues)
        middle = self.middle(fine)
        coarse = torch.cat([self.tokens(tokens), self.coarse(middle)], 1)
        found = self.up(self.think(self.join(coarse)), middle)
        return self.said(self.further(found, fine))[:, 0]


def make_clues(rgb: Float[Tensor, "h w 3"], masks: Bool[Tensor, "n h w"]) -> Float[Tensor, "c h w"]:
    """What can be read off the picture and the objects' visible masks.

    Colour; place (the longer side is 2 long); where objects are and where one ends; and, painted on
    each object's pixels, the ends of its box: on flat ground an object is as far away as the row of
    its foot says. Elsewhere these are the pixel's own place.
    """
    height, width = rgb.shape[:2]
    longer = max(height, width)
    x = ((torch.arange(width) + 0.5) * 2 - width).to(rgb) / longer
    y = ((torch.arange(height) + 0.5) * 2 - height).to(rgb) / longer
    x, y = x.expand(height, width), y[:, None].expand(height, width)
    left, right, top, foot = x.clone(), x.clone(), y.clone(), y.clone()
    number = torch.zeros(height, width, dtype=torch.long, device=rgb.device)
    for index, mask in enumerate(masks, 1):
        if mask.any():
            number[mask] = index
            left[mask], right[mask] = x[mask].min(), x[mask].max()
            top[mask], foot[mask] = y[mask].min(), y[mask].max()
    inside = (number > 0).to(rgb)
    place = torch.stack([x, y, inside, _ends(number).to(rgb), left, right, top, foot])
    return torch.cat([rgb.movedim(-1, 0) - 0.5, place])


def _ends(number: Tensor) -> Tensor:
    """Where a neighbour below or to the right belongs to something else."""
    end = torch.zeros_like(number, dtype=torch.bool)
    end[:-1] |= number[:-1] != number[1:]
    end[:, :-1] |= number[:, :-1] != number[:, 1:]
    return end
