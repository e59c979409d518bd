"""Colours for pixels that the photo does not show."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad


def fill(rgb: Float[Tensor, "h w 3"], known: Bool[Tensor, "h w"]) -> Float[Tensor, "h w 3"]:
    """Keeps the known pixels and spreads their colours smoothly over all others.

    Push-pull: known colours are averaged down a pyramid until one pixel is left; on the way up a
    level's unknown pixels take the coarser level's colour (Gortler et al. 1996, section 3.3).
    """
    if not known.any():
        return torch.full_like(rgb, 0.5)
    weight = known.to(rgb.dtype)[None, None]
    colour = rgb.permute(2, 0, 1)[None] * weight
    return _pull(colour, weight)[0].permute(1, 2, 0)


def _pull(colour: Tensor, weight: Tensor) -> Tensor:
    """`colour` [1, 3, h, w] is multiplied by `weight` [1, 1, h, w], 0..1; returns plain colour."""
    height, width = weight.shape[-2:]
    if bool((weight > 0.999).all()) or max(height, width) == 1:
        return colour / weight.clamp_min(1e-9)
    odd = (0, width % 2, 0, height % 2)
    small_weight = avg_pool2d(pad(weight, odd), 2) * 4
    small_colour = avg_pool2d(pad(colour, odd), 2) * 4
    # one known pixel of four is enough to know the coarse one
    share = small_weight.clamp(max=1) / small_weight.clamp_min(1e-9)
    coarse = _pull(small_colour * share, small_weight.clamp(max=1))
    padded = (height + height % 2, width + width % 2)
    fine = interpolate(coarse, size=padded, mode="bilinear", align_corners=False)
    return colour + (1 - weight) * fine[..., :height, :width]
