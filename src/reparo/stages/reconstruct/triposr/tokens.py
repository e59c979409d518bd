"""From a picture to image tokens: a ViT (Dosovitskiy et al. 2021), with the original's keys."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from reparo.stages.reconstruct.triposr.config import VitConfig

MEAN = (0.485, 0.456, 0.406)  # ImageNet, sRGB 0..1
DEVIATION = (0.229, 0.224, 0.225)

ACTIVATIONS = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "relu": F.relu,
    "silu": F.silu,
}


def resized(rgb: Float[Tensor, "h w 3"], size: int) -> Float[Tensor, "size size 3"]:
    """The picture as a square of `size` px, anti-aliased; other shapes are squeezed."""
    channels = rgb.movedim(-1, 0)[None]
    square = F.interpolate(
        channels, (size, size), mode="bilinear", align_corners=False, antialias=True
    )
    return square[0].movedim(0, -1)


class ImageTokenizer(nn.Module):
    """One token a patch, after the one that stands for the whole picture."""

    def __init__(self, config: VitConfig):
        super().__init__()
        self.model = Vit(config)

    def forward(self, rgb: Float[Tensor, "s s 3"]) -> Float[Tensor, "1 n width"]:
        mean, deviation = rgb.new_tensor(MEAN), rgb.new_tensor(DEVIATION)
        return self.model(((rgb - mean) / deviation).movedim(-1, 0)[None])


class Vit(nn.Module):
    """A vision transformer up to its last norm."""

    def __init__(self, config: VitConfig):
        super().__init__()
        width = config.hidden_size
        self.embeddings = Embeddings(config)
        layers = [Layer(config) for _ in range(config.num_hidden_layers)]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})
        self.layernorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        # in the checkpoint, but TripoSR does not look at what it gives
        self.pooler = nn.ModuleDict({"dense": nn.Linear(width, width)})

    def forward(self, picture: Float[Tensor, "1 3 s s"]) -> Float[Tensor, "1 n width"]:
        tokens = self.embeddings(picture)
        for layer in self.encoder["layer"]:  # type: ignore[union-attr]
            tokens = layer(tokens)
        return self.layernorm(tokens)


class Embeddings(nn.Module):
    """Patches and where they are."""

    def __init__(self, config: VitConfig):
        super().__init__()
        width, patch = config.hidden_size, config.patch_size
        self.trained = config.image_size // patch  # rows and columns of its position embedding
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.position_embeddings = nn.Parameter(torch.zeros(1, self.trained**2 + 1, width))
        self.patch_embeddings = nn.ModuleDict({"projection": nn.Conv2d(3, width, patch, patch)})

    def forward(self, picture: Float[Tensor, "1 3 s s"]) -> Float[Tensor, "1 n width"]:
        patches = self.patch_embeddings["projection"](picture)  # [1, width, rows, rows]
        tokens = torch.cat([self.cls_token, patches.flatten(2).mT], 1)
        return tokens + self._positions(patches.shape[-1])

    def _positions(self, rows: int) -> Float[Tensor, "1 n width"]:
        """The position embedding for that many rows and columns of patches.

        The scale is that of 0.1 patches more, as in DINO, whose rounding it once mended and whose
        users (TripoSR too) were trained with it.
        """
        if rows == self.trained:
            return self.position_embeddings
        first, rest = self.position_embeddings[:, :1], self.position_embeddings[:, 1:]
        grid = rest.mT.unflatten(-1, (self.trained, self.trained))  # [1, width, rows, columns]
        scale = (rows + 0.1) / self.trained
        finer = F.interpolate(
            grid, scale_factor=(scale, scale), mode="bicubic", align_corners=False
        )
        return torch.cat([first, finer.flatten(2).mT], 1)


class Layer(nn.Module):
    """One block: attention, then two dense layers, each after a norm and added to its input."""

    def __init__(self, config: VitConfig):
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.activation = ACTIVATIONS[config.hidden_act]
        self.attention = SelfAttention(config)
        self.intermediate = _dense(width, config.intermediate_size)
        self.output = _dense(config.intermediate_size, width)
        self.layernorm_before = nn.LayerNorm(width, eps=eps)
        self.layernorm_after = nn.LayerNorm(width, eps=eps)

    def forward(self, tokens: Float[Tensor, "1 n width"]) -> Float[Tensor, "1 n width"]:
        tokens = tokens + self.attention(self.layernorm_before(tokens))
        inner = self.intermediate["dense"](self.layernorm_after(tokens))
        return tokens + self.output["dense"](self.activation(inner))


class SelfAttention(nn.Module):
    """Each token gathers from all of them what fits it."""

    def __init__(self, config: VitConfig):
        super().__init__()
        width, bias = config.hidden_size, config.qkv_bias
        self.heads = config.num_attention_heads
        self.attention = nn.ModuleDict(
            {name: nn.Linear(width, width, bias=bias) for name in ("query", "key", "value")}
        )
        self.output = _dense(width, width)

    def forward(self, tokens: Float[Tensor, "1 n width"]) -> Float[Tensor, "1 n width"]:
        query, key, value = (self.attention[name](tokens) for name in ("query", "key", "value"))
        return self.output["dense"](attended(query, key, value, self.heads))


def attended(
    query: Float[Tensor, "1 n width"],
    key: Float[Tensor, "1 m width"],
    value: Float[Tensor, "1 m width"],
    heads: int,
) -> Float[Tensor, "1 n width"]:
    """softmax(q k / sqrt(width / heads)) v, head by head."""
    q, k, v = (one.unflatten(-1, (heads, -1)).transpose(1, 2) for one in (query, key, value))
    # four axes: with three, a CPU keeps all of n x m in memory
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def _dense(inner: int, outer: int) -> nn.ModuleDict:
    """A linear layer under the name that the checkpoint gives it."""
    return nn.ModuleDict({"dense": nn.Linear(inner, outer)})
