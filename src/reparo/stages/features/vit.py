"""Describes patches with a vision transformer of the DINOv2 family.

The packaged weights were fine-tuned by their author to find what stands out; they are a stand-in
for the original DINOv2, and no number from them is a DINOv2 number.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from reparo.stages.vision.backbone import in_patches, normalised, packaged
from reparo.stages.vision.transformer import Transformer


@dataclass(frozen=True)
class VitFeatures:
    """Patch tokens [rows, columns, 384] of a picture of any size; differentiable, frozen."""

    size: int = 224  # px of the longer side that the network sees; it learned at 518
    device: str = "cpu"

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> Float[Tensor, "rows columns channels"]:
        return tokens(packaged(self.device), rgb, self.size)


def tokens(
    network: Transformer, rgb: Float[Tensor, "h w 3"], size: int
) -> Float[Tensor, "rows columns channels"]:
    """The network's view of a picture whose longer side is brought to about `size` pixels."""
    picture = in_patches(network, rgb, size)
    return network(normalised(picture))[0].to(rgb.device, rgb.dtype)
