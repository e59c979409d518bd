"""How the shape network is shown a cut-out."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.scene import Cutout
from reparo.stages.reconstruct.shape_network import CLOSE, GROUND, SEEN, Shape, ShapeHead
from reparo.stages.vision.backbone import levels
from reparo.stages.vision.transformer import Transformer


def on_grey(rgba: Float[Tensor, "b 4 h w"]) -> Float[Tensor, "b 3 h w"]:
    """The object on plain ground."""
    return rgba[:, :3] * rgba[:, 3:] + GROUND * (1 - rgba[:, 3:])


def resized(rgba: Float[Tensor, "b 4 h w"], side: int) -> Float[Tensor, "b 4 p p"]:
    """Another size; colours count as much as alpha, and there are none outside."""
    premultiplied = torch.cat([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], 1)
    small = interpolate(premultiplied, (side, side), mode="bilinear", antialias=True)
    return torch.cat([small[:, :3] / small[:, 3:].clamp(min=1e-3), small[:, 3:]], 1).clamp(0, 1)


@torch.inference_mode()
def seen(cutout: Cutout, focal: float, head: ShapeHead, network: Transformer) -> Shape:
    """The solid and the back that the network sees; `focal` in sides.

    It looks twice, the second time at the mirror image; what it says is the mean.
    """
    weight = head.tokens.weight
    rgba = cutout.rgba.detach().movedim(-1, 0)[None].to(weight)
    both = torch.cat([rgba, rgba.flip(-1)])
    tokens = levels(network, on_grey(resized(both, SEEN))).to(weight)
    x, y, z = cutout.up or (0.0, 0.0, 0.0)
    up = weight.new_tensor([[x, y, z], [-x, y, z]])
    said = head(tokens, resized(both, CLOSE), weight.new_tensor([focal, focal]), up)
    solid, back = ((one[:1] + one[1:].flip(-1)) / 2 for one in (said.solid, said.back))
    return Shape(solid, back)
