"""Pictures and masks as they come in life: what depth is trained on is spoilt like this."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from reparo.stages.depth.network import MOST

# Shares of the pictures: no masks, some, rough ones, objects in two parts, all as it is.
MASKS = (0.4, 0.1, 0.2, 0.15, 0.15)
GREY, BLIND = 0.15, 0.2  # shares of the pictures that lack colour, or all
STYLED = 0.35  # share of the pictures whose tokens look like another world's
SHIFT, STRETCH = 0.9, 0.2  # of their channels: in spreads between pictures; of logarithms


def worse(number: Int[Tensor, "b h w"], rng: np.random.Generator) -> Int[Tensor, "b h w"]:
    """Objects' numbers as segmenters give them.

    None at all; some; outlines a little too wide; or objects in two parts, as if they were two.
    """
    kind = rng.choice(len(MASKS), len(number), p=MASKS)
    kind = torch.from_numpy(kind).to(number.device)[:, None, None]
    drawn = torch.from_numpy(rng.random((len(number), MOST), "f4")).to(number.device)
    chosen = drawn.gather(1, number.flatten(1)).view_as(number) < 0.6
    some = number * chosen
    wide = max_pool2d(some[:, None].float(), 3, 1, 1)[:, 0].long()
    wide = torch.where((number == 0) | (some > 0), wide, number)
    parts = number + MOST // 2 * (_halves(number, rng) & chosen & (number > 0))
    spoilt = [torch.zeros_like(number), some, wide, parts]
    for index, other in enumerate(spoilt):
        number = torch.where(kind == index, other, number)
    return number


def _halves(number: Int[Tensor, "b h w"], rng: np.random.Generator) -> Tensor:
    """One side of a random line through each picture."""
    count, height, width = number.shape
    angle, off = (rng.uniform(*span, count).astype("f4") for span in ((0, 2 * np.pi), (-0.3, 0.3)))
    x = torch.linspace(-1, 1, width, device=number.device)
    y = torch.linspace(-1, 1, height, device=number.device)[:, None]
    cos, sin, off = (
        torch.from_numpy(one).to(number.device)[:, None, None]
        for one in (np.cos(angle), np.sin(angle), off)
    )
    return cos * x + sin * y > off


def recoloured(rgb: Float[Tensor, "b h w 3"], rng: np.random.Generator) -> Float[Tensor, "b h w 3"]:
    """Other light, another lens, or no picture: what the clues show of it must not be relied on."""

    def drawn(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype("f4")).to(rgb.device).view(len(rgb), 1, 1, -1)

    count = len(rgb)
    chance = drawn(rng.random(count))
    rgb = torch.where((chance > 1 - GREY), rgb.mean(-1, keepdim=True), rgb)
    rgb = rgb ** drawn(np.exp(rng.normal(size=count) * 0.3))
    rgb = rgb * drawn(rng.uniform(0.75, 1.2, (count, 3)))
    soft = avg_pool2d(rgb.movedim(-1, 1), 3, 1, 1).movedim(1, -1)
    rgb = torch.where(drawn(rng.random(count)) < 0.4, soft, rgb)
    rgb = (rgb + 0.03 * drawn(rng.random(count)) * torch.randn_like(rgb)).clamp(0, 1)
    return torch.where(chance < BLIND, 0.5, rgb)


def restyled(tokens: Float[Tensor, "b t r c"], rng: np.random.Generator) -> Tensor:
    """Tokens as pictures of another kind have them: each channel's mean and spread are changed.

    Photographs' lie further apart than made-up pictures' do: over 28 of them a channel's mean is
    off by 1.3 spreads (held-out scenes: 1.0). After "Uncertainty
    Modeling for Out-of-Distribution Generalization", https://arxiv.org/abs/2202.03958.
    """

    def drawn(usual: float) -> Tensor:
        values = rng.normal(0, usual, (count, tokens.shape[1], 1, 1)) * chosen
        return torch.from_numpy(values.astype("f4")).to(tokens.device)

    count = len(tokens)
    chosen = rng.random((count, 1, 1, 1)) < STYLED
    values = tokens.float()
    mean = values.mean((2, 3), keepdim=True)
    between = mean.std(0, keepdim=True, correction=0)
    styled = mean + drawn(SHIFT) * between + (values - mean) * drawn(STRETCH).exp()
    return styled.to(tokens.dtype)
