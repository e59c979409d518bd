"""What all report pictures share: tensors to pictures, a plain type, panels with labels."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

PAPER = (255, 255, 255)
INK = (70, 74, 82)
GAP = 8  # px between panels and around them
TYPE = 13  # px; of labels

# Distinct on photos and from each other, also for most colour-blind people (after Okabe and Ito).
PALETTE = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
)


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own type, so that nothing needs to be installed."""
    return ImageFont.load_default(size)


def to_image(rgb: Float[Tensor, "h w 3"]) -> Image.Image:
    """A picture of sRGB values 0..1."""
    eight_bit = (rgb.detach().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    return Image.fromarray(np.ascontiguousarray(eight_bit))


def mask_image(mask: Bool[Tensor, "h w"]) -> Image.Image:
    """A grey picture, white inside."""
    return Image.fromarray(mask.cpu().numpy().astype(np.uint8) * 255)


def backdrop(size: tuple[int, int]) -> Float[Tensor, "h w 3"]:
    """A light studio grey, brighter at the top."""
    level = torch.linspace(0.965, 0.875, size[0])
    tint = torch.tensor([0.99, 1.0, 1.015]).to(level)
    return (level[:, None, None] * tint).clamp(max=1).expand(*size, 3)


def fitted(image: Image.Image, height: int) -> Image.Image:
    """The picture at that height, in proportion."""
    width = max(1, round(image.width * height / image.height))
    if (width, height) == image.size:
        return image
    return image.resize((width, height), Image.Resampling.LANCZOS)


def boxes(size: tuple[int, int], count: int) -> list[tuple[int, int, int, int]]:
    """Where `count` labelled panels of one width are on a sheet of `size` (width, height)."""
    width = (size[0] - GAP * (count + 1)) // count
    lefts = [GAP + i * (width + GAP) for i in range(count)]
    return [(left, GAP, left + width, size[1] - GAP - TYPE - 9) for left in lefts]


def panels(
    images: Sequence[Image.Image], labels: Sequence[str], type_size: int = TYPE
) -> Image.Image:
    """Pictures of one height side by side, a label under each."""
    strip = type_size + 9 if any(labels) else 0
    width = sum(image.width for image in images) + GAP * (len(images) + 1)
    sheet = Image.new("RGB", (width, images[0].height + 2 * GAP + strip), PAPER)
    draw = ImageDraw.Draw(sheet)
    left = GAP
    for image, label in zip(images, labels, strict=True):
        sheet.paste(image.convert("RGB"), (left, GAP))
        middle = (left + image.width / 2, GAP + image.height + strip / 2 + 2)
        draw.text(middle, label, fill=INK, font=font(type_size), anchor="mm")
        left += image.width + GAP
    return sheet
