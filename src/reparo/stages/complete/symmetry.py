"""Completes hidden parts from the outline alone: a stand-in for an inpainting network."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from reparo.errors import InputError
from reparo.scene import Cutout, Depth, Photo, Region
from reparo.stages.complete.cutout import make_cutout
from reparo.stages.complete.order import hides


@dataclass(frozen=True)
class SymmetryCompleter:
    """Goes on behind what hides the object, by convexity; never outside the hiding objects."""

    largest: int = 512  # px, the cut-out's side

    def __call__(
        self, photo: Photo, region: Region, others: Sequence[Region], depth: Depth | None
    ) -> Cutout:
        """Needs a region with a visible pixel."""
        if not region.visible.any():
            raise InputError(f"the mask of {region.name!r} has no pixel; draw what shows of it")
        hiders = [o.visible for o in others if hides(o.visible, region.visible, depth)]
        hidden = torch.zeros_like(region.visible)
        if hiders:
            hidden = _hull(region.visible) & torch.stack(hiders).any(0) & ~region.visible
        invented = torch.full((*hidden.shape, 4), torch.nan).to(photo.rgb)
        invented[..., 3] = hidden.to(photo.rgb)
        return make_cutout(photo, region.visible, invented, depth, self.largest)


def _hull(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    from skimage.morphology import convex_hull_image

    return torch.from_numpy(convex_hull_image(mask.cpu().numpy()))
