"""Masks over the photo: which pixels were taken for which object."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image, ImageDraw
from torch import Tensor

from reparo.report.pictures import PALETTE, font, to_image
from reparo.scene import Photo, Region


def overlay(photo: Photo, regions: Sequence[Region], names: bool = True) -> Image.Image:
    """The photo with every region tinted, outlined and, if asked, named, each in its own colour."""
    rgb = photo.rgb.detach().clone()
    thick = max(1, round(min(photo.size) / 200))
    for i, region in enumerate(regions):
        colour = rgb.new_tensor(PALETTE[i % len(PALETTE)]) / 255
        mask = region.visible.to(rgb.device)
        rgb[mask] = 0.68 * rgb[mask] + 0.32 * colour
        rgb[outline(mask, thick)] = colour
    image = to_image(rgb)
    if names:
        draw = ImageDraw.Draw(image)
        size = max(11, round(min(photo.size) / 26))
        for i, region in enumerate(regions):
            write_name(draw, region, size, PALETTE[i % len(PALETTE)])
    return image


def outline(mask: Bool[Tensor, "h w"], thick: int) -> Bool[Tensor, "h w"]:
    """The mask's pixels within `thick` pixels of its edge."""
    outside = (~mask).to(torch.float32)[None, None]
    near = torch.nn.functional.max_pool2d(outside, 2 * thick + 1, stride=1, padding=thick)
    return mask & (near[0, 0] > 0)


def write_name(
    draw: ImageDraw.ImageDraw, region: Region, size: int, colour: tuple[int, int, int]
) -> None:
    """Writes a region's name at the pixel nearest to its middle, all of it inside the photo."""
    rows, columns = np.nonzero(region.visible.cpu().numpy())
    if len(rows) == 0:
        return
    nearest = np.hypot(rows - rows.mean(), columns - columns.mean()).argmin()
    left, top, right, bottom = draw.textbbox((0, 0), region.name, font=font(size), anchor="mm")
    wide, high = (right - left) / 2 + 4, (bottom - top) / 2 + 3
    height, width = region.visible.shape
    x = min(max(float(columns[nearest]), wide), max(width - wide, wide))
    y = min(max(float(rows[nearest]), high), max(height - high, high))
    frame = (x - wide, y - high, x + wide, y + high)
    draw.rounded_rectangle(frame, radius=4, fill=(28, 30, 34), outline=colour)
    draw.text((x, y), region.name, fill=(255, 255, 255), font=font(size), anchor="mm")
