"""The sRGB curve (IEC 61966-2-1): files of the glTF kind multiply light, pictures store sRGB."""

import torch
from jaxtyping import Float
from torch import Tensor


def srgb_from_linear(linear: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Encodes light, 0..1, as a picture stores it."""
    linear = linear.clamp(0, 1)
    curve = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curve)


def linear_from_srgb(srgb: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Decodes a picture's values, 0..1, to light; undoes `srgb_from_linear`."""
    srgb = srgb.clamp(0, 1)
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def encode_rgb(rgba: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
    """`srgb_from_linear` on the colour, alpha as it is."""
    return torch.cat([srgb_from_linear(rgba[..., :3]), rgba[..., 3:]], -1)


def decode_rgb(rgba: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
    """`linear_from_srgb` on the colour, alpha as it is."""
    return torch.cat([linear_from_srgb(rgba[..., :3]), rgba[..., 3:]], -1)
