"""The few layers that our own small networks are built from."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, silu


class Convolution(nn.Module):
    """3 x 3 (or `size`), group norm, SiLU."""

    def __init__(self, given: int, made: int, size: int = 3, stride: int = 1, spread: int = 1):
        super().__init__()
        padding = size // 2 * spread
        self.weights = nn.Conv2d(given, made, size, stride, padding, spread, bias=False)
        self.norm = nn.GroupNorm(8, made)

    def forward(self, maps: Float[Tensor, "b given h w"]) -> Float[Tensor, "b made y x"]:
        """Maps of the same size, or of 1 / stride of it."""
        return silu(self.norm(self.weights(maps)))


class Residual(nn.Module):
    """Two convolutions added to what was there; `spread` reaches further without more weights."""

    def __init__(self, channels: int, spread: int = 1) -> None:
        super().__init__()
        self.first = Convolution(channels, channels, spread=spread)
        self.second = Convolution(channels, channels)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Maps of the same shape."""
        return maps + self.second(self.first(maps))


class Attending(nn.Module):
    """Every place of a map looks at all others, then thinks by itself; both added to what was."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(channels)
        self.asked = nn.Linear(channels, 3 * channels)
        self.told = nn.Linear(channels, channels)
        self.between = nn.LayerNorm(channels)
        self.wide = nn.Linear(channels, 4 * channels)
        self.narrow = nn.Linear(4 * channels, channels)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Maps of the same shape; where a place lies, the channels must say."""
        places = maps.flatten(2).movedim(1, 2)
        parts = self.asked(self.before(places)).unflatten(2, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        # On a CPU quicker than the fused kernel, forwards and backwards, at a few hundred places.
        share = (query * query.shape[-1] ** -0.5 @ key.mT).softmax(-1)
        seen = share @ value
        places = places + self.told(seen.movedim(1, 2).flatten(2))
        places = places + self.narrow(gelu(self.wide(self.between(places))))
        return places.movedim(1, 2).unflatten(2, maps.shape[2:])


class Upwards(nn.Module):
    """Twice as fine, with what a finer level knows beside it."""

    def __init__(self, given: int, beside: int, made: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(given, made, 1)
        self.join = Convolution(made + beside, made)
        self.again = Convolution(made, made)

    def forward(
        self, maps: Float[Tensor, "b given h w"], finer: Float[Tensor, "b beside y x"]
    ) -> Float[Tensor, "b made y x"]:
        """Maps of the finer level's size."""
        wide = interpolate(self.narrow(maps), finer.shape[-2:], mode="bilinear")
        return self.again(self.join(torch.cat([wide, finer], 1)))
