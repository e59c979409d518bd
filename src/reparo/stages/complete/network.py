"""The network that says where a hidden part goes on: a small U-Net with tokens in its middle."""

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, pixel_shuffle, pixel_unshuffle

from reparo.stages.complete.look import PLANES
from reparo.stages.vision.backbone import LEVELS
from reparo.stages.vision.transformer import CHANNELS

WIDTHS = (40, 64, 128, 160)  # channels at 1/2, 1/4, 1/8 and 1/16 of the picture's side
TOKENS_SEEN = len(LEVELS) * CHANNELS
TOKEN_WIDTH = 96  # channels that the tokens are brought to


class OutlineNetwork(nn.Module):
    """Planes and tokens of one square to logits of the full outline, at the planes' resolution.

    `tokens`: channels of the photo's tokens. `norm`: with batch norms, which training wants; the
    shipped network has them folded into its convolutions.
    """

    def __init__(
        self, tokens: int = TOKENS_SEEN, widths: Sequence[int] = WIDTHS, norm: bool = False
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.look = nn.Conv2d(tokens, TOKEN_WIDTH, 1)
        self.down1 = _convolutions([4 * PLANES, a, a], norm)
        self.down2 = _convolutions([a, b, b], norm)
        self.down3 = _convolutions([b + TOKEN_WIDTH, c, c], norm)
        self.middle = _convolutions([c, d, d, d], norm)
        self.up3 = _convolutions([c + d, c, c], norm)
        self.up2 = _convolutions([b + c, b, b], norm)
        self.up1 = _convolutions([a + b, a, a], norm)
        self.out = nn.Conv2d(a, 4, 3, padding=1)

    def forward(
        self, planes: Float[Tensor, "b p s s"], tokens: Float[Tensor, "b c t t"]
    ) -> Float[Tensor, "b s s"]:
        """`tokens` at 1/8 of the planes' side."""
        fine = self.down1(pixel_unshuffle(planes, 2))
        half = self.down2(max_pool2d(fine, 2))
        coarse = self.down3(torch.cat([max_pool2d(half, 2), self.look(tokens)], 1))
        found = self.middle(max_pool2d(coarse, 2))
        found = self.up3(torch.cat([coarse, _doubled(found)], 1))
        found = self.up2(torch.cat([half, _doubled(found)], 1))
        found = self.up1(torch.cat([fine, _doubled(found)], 1))
        return pixel_shuffle(self.out(found), 2)[:, 0]


def _convolutions(channels: Sequence[int], norm: bool) -> nn.Sequential:
    """3x3 convolutions from each number of channels to the next."""
    layers = []
    for before, after in itertools.pairwise(channels):
        layers.append(nn.Conv2d(before, after, 3, padding=1, bias=not norm))
        if norm:
            layers.append(nn.BatchNorm2d(after))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def _doubled(values: Float[Tensor, "b c r s"]) -> Float[Tensor, "b c u v"]:
    return interpolate(values, scale_factor=2.0, mode="nearest")
