"""Which of two objects hides the other, from their outlines and, where there is one, depth."""

import torch
from jaxtyping import Bool
from torch import Tensor

from reparo.scene import Depth
from reparo.stages.complete.cutout import dilate

BORDER = 3  # px: outlines that come this close touch


def hides(
    other: Bool[Tensor, "h w"], region: Bool[Tensor, "h w"], depth: Depth | None = None
) -> bool:
    """Whether `other` may hide a part of `region`: they touch, and the other one is nearer."""
    touch_other = other & dilate(region, BORDER)
    if not touch_other.any():
        return False
    return _lowest(other) > _lowest(region)


def _lowest(mask: Bool[Tensor, "h w"]) -> float:
    """The row of the lowest pixels, a few strays left out."""
    return float(torch.quantile(mask.nonzero()[:, 0].double(), 0.998))
