"""From masks to regions: disjoint, largest first."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from reparo.scene import Region


def disjoint_regions(names: Sequence[str], masks: Sequence[Bool[Tensor, "h w"]]) -> list[Region]:
    """Regions of these masks; where two overlap, the smaller is taken to be in front.

    A mask that others cover wholly gives no region.
    """
    if not masks:
        return []
    areas = [int(mask.sum()) for mask in masks]
    owner = torch.full(masks[0].shape, -1, device=masks[0].device)
    for index in sorted(range(len(masks)), key=lambda i: (-areas[i], names[i])):
        owner[masks[index]] = index
    regions = [Region(name, owner == index) for index, name in enumerate(names)]
    shown = [region for region in regions if region.area]
    return sorted(shown, key=lambda region: -region.area)
