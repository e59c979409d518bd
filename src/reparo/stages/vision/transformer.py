"""The vision transformer ViT-S/14 as DINOv2 has it: pre-norm, LayerScale, one class token."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, scaled_dot_product_attention

PATCH = 14  # px
CHANNELS = 384
HEADS = 6
LAYERS = 12
GRID = 37  # the position embedding was learned on 37 x 37 patches (518 px)


class Layer(nn.Module):
    """Attention among the tokens, then a small network on each, both added to what was there."""

    def __init__(self, channels: int = CHANNELS, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.dense = nn.Linear(channels, channels)
        self.scale1 = nn.Parameter(torch.ones(channels))
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)
        self.scale2 = nn.Parameter(torch.ones(channels))

    def _attend(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        parts = (layer(tokens) for layer in (self.query, self.key, self.value))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        return self.dense(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(-2))

    def forward(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        """One round."""
        tokens = tokens + self.scale1 * self._attend(self.norm1(tokens))
        return tokens + self.scale2 * self.fc2(gelu(self.fc1(self.norm2(tokens))))


class Transformer(nn.Module):
    """Pictures of any multiple of 14 pixels to one vector a patch."""

    def __init__(self, layers: int = LAYERS) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, CHANNELS))
        self.class_position = nn.Parameter(torch.zeros(1, 1, CHANNELS))
        self.position = nn.Parameter(0.02 * torch.randn(1, GRID * GRID, CHANNELS))
        self.patches = nn.Conv2d(3, CHANNELS, PATCH, stride=PATCH)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.norm = nn.LayerNorm(CHANNELS, eps=1e-6)

    def forward(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b rows columns c"]:
        """Normalised patch tokens of pictures that have ImageNet's mean 0 and deviation 1."""
        return self.levels(picture, (len(self.layers),))[0]

    def levels(
        self, picture: Float[Tensor, "b 3 h w"], after: Sequence[int]
    ) -> list[Float[Tensor, "b rows columns c"]]:
        """Normalised patch tokens as they are after some of the layers, counted from 1."""
        patches = self.patches(picture)  # [b, c, rows, columns]
        grid = (patches.shape[-2], patches.shape[-1])
        tokens = patches.flatten(2).mT + self._positions(grid)
        first = (self.class_token + self.class_position).expand(len(tokens), -1, -1)
        tokens = torch.cat([first, tokens], 1)
        found = []
        for number, layer in enumerate(self.layers, 1):
            tokens = layer(tokens)
            if number in after:
                found.append(self.norm(tokens)[:, 1:].unflatten(1, grid))
        return found

    def _positions(self, grid: tuple[int, int]) -> Float[Tensor, "1 n c"]:
        """The learned positions, stretched over another number of patches."""
        learned = self.position.mT.unflatten(-1, (GRID, GRID))
        return interpolate(learned, grid, mode="bicubic", align_corners=False).flatten(2).mT
