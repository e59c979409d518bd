"""From image tokens to planes: learned plane tokens look at themselves and at the picture."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from reparo.stages.reconstruct.triposr.config import (
    PlanesConfig,
    TransformerConfig,
    UpsamplerConfig,
)
from reparo.stages.reconstruct.triposr.tokens import attended

INNER = 4  # times as many channels inside a block's feed-forward part


class PlaneTokens(nn.Module):
    """The planes that every picture starts from, one token a cell, plane by plane, row by row."""

    def __init__(self, config: PlanesConfig):
        super().__init__()
        size = config.plane_size
        self.embeddings = nn.Parameter(torch.zeros(3, config.num_channels, size, size))

    def forward(self) -> Float[Tensor, "1 c n"]:
        return self.embeddings.movedim(1, 0).flatten(1)[None]

    def planes(self, tokens: Float[Tensor, "1 c n"]) -> Float[Tensor, "3 c s s"]:
        """The way back."""
        return tokens[0].unflatten(-1, (3, *self.embeddings.shape[-2:])).movedim(1, 0)


class PlaneTransformer(nn.Module):
    """Blocks between two linear layers, added to what came in."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.norm = nn.GroupNorm(config.norm_num_groups, config.in_channels, eps=1e-6)
        self.proj_in = nn.Linear(config.in_channels, config.width)
        blocks = [Block(config) for _ in range(config.num_layers)]
        self.transformer_blocks = nn.ModuleList(blocks)
        self.proj_out = nn.Linear(config.width, config.in_channels)

    def forward(
        self, tokens: Float[Tensor, "1 c n"], image: Float[Tensor, "1 m width"]
    ) -> Float[Tensor, "1 c n"]:
        inner = self.proj_in(self.norm(tokens).mT)  # [1, n, width]
        for block in self.transformer_blocks:
            inner = block(inner, image)
        return self.proj_out(inner).mT + tokens


class Block(nn.Module):
    """Self-attention, attention to the image, feed-forward: each after a norm, added to its input.

    Two settings, off in the official model, change what is looked at: `only_cross_attention` has
    the first attention look at the image too; `double_self_attention` gives the second one the
    plane tokens' own width, though it still looks at the image.
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        width, affine = config.width, config.norm_elementwise_affine
        self.first_sees_image = config.only_cross_attention
        self.norm1 = nn.LayerNorm(width, elementwise_affine=affine)
        self.attn1 = Attention(config, config.first_source_width)
        second = config.second_source_width
        self.norm2 = nn.LayerNorm(width, elementwise_affine=affine) if second else None
        self.attn2 = Attention(config, second) if second else None
        self.norm3 = nn.LayerNorm(width, elementwise_affine=affine)
        self.ff = FeedForward(width, config.activation_fn)

    def forward(
        self, tokens: Float[Tensor, "1 n width"], image: Float[Tensor, "1 m image_width"]
    ) -> Float[Tensor, "1 n width"]:
        normed = self.norm1(tokens)
        tokens = tokens + self.attn1(normed, image if self.first_sees_image else normed)
        if self.attn2 is not None and self.norm2 is not None:
            tokens = tokens + self.attn2(self.norm2(tokens), image)
        return tokens + self.ff(self.norm3(tokens))


class Attention(nn.Module):
    """Each token gathers from a source what fits it."""

    def __init__(self, config: TransformerConfig, source_width: int):
        super().__init__()
        width, bias = config.width, config.attention_bias
        self.heads = config.num_attention_heads
        self.to_q = nn.Linear(width, width, bias=bias)
        self.to_k = nn.Linear(source_width, width, bias=bias)
        self.to_v = nn.Linear(source_width, width, bias=bias)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(
        self, tokens: Float[Tensor, "1 n width"], source: Float[Tensor, "1 m source_width"]
    ) -> Float[Tensor, "1 n width"]:
        gathered = attended(self.to_q(tokens), self.to_k(source), self.to_v(source), self.heads)
        return self.to_out[0](gathered)


class FeedForward(nn.Module):
    """Widens, bends, narrows; number 1 of the checkpoint's list is its dropout."""

    def __init__(self, width: int, activation: str):
        super().__init__()
        bent = Bent(width, INNER * width, activation)
        self.net = nn.ModuleList([bent, nn.Identity(), nn.Linear(INNER * width, width)])

    def forward(self, tokens: Float[Tensor, "1 n width"]) -> Float[Tensor, "1 n width"]:
        return self.net[2](self.net[0](tokens))


class Bent(nn.Module):
    """A linear layer and what makes it bend; GEGLU (Shazeer 2020) bends one half by the other."""

    def __init__(self, width: int, inner: int, activation: str):
        super().__init__()
        self.activation = activation
        self.proj = nn.Linear(width, inner * (2 if activation == "geglu" else 1))

    def forward(self, tokens: Float[Tensor, "1 n width"]) -> Float[Tensor, "1 n inner"]:
        inner = self.proj(tokens)
        if self.activation == "geglu":
            value, gate = inner.chunk(2, -1)
            return value * F.gelu(gate)
        if self.activation == "geglu-approximate":  # no gate, in spite of its name
            return inner * torch.sigmoid(1.702 * inner)
        return F.gelu(inner, approximate="tanh" if self.activation != "gelu" else "none")


class Upsampler(nn.Module):
    """Each cell of a plane becomes 2 x 2, with fewer channels."""

    def __init__(self, config: UpsamplerConfig):
        super().__init__()
        self.upsample = nn.ConvTranspose2d(config.in_channels, config.out_channels, 2, 2)

    def forward(self, planes: Float[Tensor, "3 c s s"]) -> Float[Tensor, "3 d t t"]:
        return self.upsample(planes)
