"""From planes to density and colour at any point."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from reparo.stages.reconstruct.triposr.config import DecoderConfig, FieldConfig

SEEN_BY_PLANE = ((0, 1), (0, 2), (1, 2))  # axes of a point that are a plane's column and row

ACTIVATIONS = {
    "none": lambda x: x,
    "exp": torch.exp,
    "trunc_exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "relu": F.relu,
    "silu": F.silu,
    "elu": F.elu,
    "gelu": F.gelu,
}


class Decoder(nn.Module):
    """Dense layers from a point's features to four numbers: density, and three of colour."""

    def __init__(self, config: DecoderConfig):
        super().__init__()
        bend = {"relu": nn.ReLU, "silu": nn.SiLU}[config.activation]
        widths = [config.in_channels, *[config.n_neurons] * config.n_hidden_layers]
        layers: list[nn.Module] = []
        for inner, outer in pairwise(widths):
            layers += [nn.Linear(inner, outer, bias=config.bias), bend()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 4, bias=config.bias))

    def forward(self, features: Float[Tensor, "n c"]) -> Float[Tensor, "n 4"]:
        return self.layers(features)


def sampled(
    planes: Float[Tensor, "3 c s s"], places: Float[Tensor, "n 3"], reduction: str
) -> Float[Tensor, "n features"]:
    """What the three planes show at places in -1..1, bilinearly; 0 beyond their border.

    A plane spans -1..1 from its first cell's outer edge to its last one's. Its features come one
    plane after the other (`concat`) or as their mean.
    """
    grids = torch.stack([places[:, axes] for axes in SEEN_BY_PLANE])[:, None]  # [3, 1, n, 2]
    found = F.grid_sample(planes, grids, mode="bilinear", align_corners=False)[:, :, 0]
    return found.mean(0).mT if reduction == "mean" else found.flatten(0, 1).mT


def activated(
    answers: Float[Tensor, "n 4"], config: FieldConfig
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
    """Density and colour from the decoder's numbers."""
    density = ACTIVATIONS[config.density_activation](answers[:, 0] + config.density_bias)
    return density, ACTIVATIONS[config.color_activation](answers[:, 1:])
