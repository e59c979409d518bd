"""Completes hidden parts from outlines alone: a stand-in for an inpainting network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.scene import Cutout, Depth, Photo, Region
from reparo.stages.complete.cutout import core, make_cutout, shown
from reparo.stages.complete.mirror import Mirror, look_up
from reparo.stages.complete.order import hiders_of
from reparo.stages.complete.outline import complete_outline


@dataclass(frozen=True)
class SymmetryCompleter:
    """Continues outlines smoothly, and symmetrically where they are, behind what hides them.

    Never outside the masks of the hiding objects. Hidden colours are the mirror image's where that
    is seen, else spread from the visible part: plausible from afar, without detail.
    """

    largest: int = 512  # px, the cut-out's side

    def __call__(
        self, photo: Photo, region: Region, others: Sequence[Region], depth: Depth | None
    ) -> Cutout:
        """Needs a region with a visible pixel."""
        visible = shown(region)
        hiders = hiders_of(region, others, depth)
        invented = torch.zeros((*visible.shape, 4), dtype=photo.rgb.dtype)
        if hiders.any():
            found = complete_outline(visible.cpu().numpy(), hiders.cpu().numpy())
            invented[..., :3] = mirrored(photo, region, found.mirror)
            invented[..., 3] = torch.from_numpy(found.hidden).to(invented)
        return make_cutout(photo, visible, invented, depth, self.largest)


def mirrored(photo: Photo, region: Region, mirror: Mirror | None) -> Float[Tensor, "h w 3"]:
    """The photo reflected; nan where the mirror image is not a visible inner pixel."""
    height, width = photo.size
    if mirror is None:
        return torch.full((height, width, 3), torch.nan, dtype=photo.rgb.dtype)
    inner = core(region.visible).cpu().numpy()
    source = np.where(inner, np.arange(height * width).reshape(height, width), -1)
    y, x = np.mgrid[:height, :width]
    index = torch.from_numpy(look_up(source, *mirror.reflect(x, y), outside=-1)).long()
    colours = photo.rgb.cpu().reshape(-1, 3)[index.clamp_min(0)]
    return torch.where((index >= 0)[..., None], colours, torch.nan)
