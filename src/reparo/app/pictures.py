"""What the photo view shows: the photo with every object tinted, outlined and named."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image, ImageDraw
from torch import Tensor

from reparo.app.state import Click
from reparo.report.overlay import outline, write_name
from reparo.report.page_pictures import within
from reparo.report.pictures import PALETTE, font
from reparo.scene import Region

LONGEST = 1600  # px, of the photo on the page
TINT, CHOSEN = 0.28, 0.42  # how much of an object's colour lies over it
PALE = 0.55  # how much white lies over the photo behind the scene
HATCH = 7  # px between the lines over what is hidden
INVITED = (1280, 800)  # px


def small(photo: Image.Image) -> Image.Image:
    """The photo as large as the page needs it."""
    return within(photo.convert("RGB"), LONGEST)


def faded(photo: Image.Image) -> np.ndarray:
    """The photo [h, w, 3] as a backdrop: pale, so that it is not taken for the objects."""
    return np.asarray(Image.blend(photo, Image.new("RGB", photo.size, "white"), PALE))


def marked(
    photo: Image.Image,
    regions: Sequence[Region],
    selected: str | None,
    whole: Mapping[str, Bool[Tensor, "h w"]],
    clicks: Sequence[Click] = (),
) -> np.ndarray:
    """The small photo [h, w, 3] with its objects; `whole`: outlines with hidden parts, hatched.

    Masks and clicks are in the large photo's pixels.
    """
    size = (photo.width, photo.height)
    pixels = np.asarray(photo).astype(np.float32)
    shown = [Region(region.name, _shrunk(region.visible, size)) for region in regions]
    thick = max(2, round(min(size) / 400))
    for index, region in enumerate(shown):
        colour = np.array(PALETTE[index % len(PALETTE)], np.float32)
        inside, is_selected = region.visible.numpy(), region.name == selected
        tint = CHOSEN if is_selected else TINT
        pixels[inside] = (1 - tint) * pixels[inside] + tint * colour
        if region.name in whole:
            hidden = _shrunk(whole[region.name], size).numpy() & ~inside
            pixels[hidden & _hatch(hidden.shape)] = colour
        edge = outline(region.visible, 2 * thick if is_selected else thick).numpy()
        pixels[edge] = colour
        if is_selected:
            pixels[outline(region.visible, thick // 2 + 1).numpy()] = 255
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    _named(image, shown)
    factor = photo.width / regions[0].visible.shape[1] if regions else 1.0
    _clicked(image, [(x * factor, y * factor, inside) for x, y, inside in clicks])
    return np.asarray(image)


def invitation() -> np.ndarray:
    """What stands where the photo will be."""
    image = Image.new("RGB", INVITED, (244, 246, 249))
    draw = ImageDraw.Draw(image)
    width, height = INVITED
    draw.rounded_rectangle(
        (60, 60, width - 60, height - 60), 28, outline=(160, 174, 192), width=3, fill="white"
    )
    lines = (
        (-70, 56, (34, 40, 49), "Drop a photo here"),
        (5, 27, (86, 98, 114), "or press “Open a photo” on the right"),
        (
            80,
            22,
            (134, 146, 162),
            "Then click the objects you want, and let Reparo make a 3D scene of them",
        ),
    )
    for down, size, colour, words in lines:
        draw.text((width / 2, height / 2 + down), words, colour, font(size), anchor="mm")
    return np.asarray(image)


def _shrunk(mask: Bool[Tensor, "h w"], size: tuple[int, int]) -> Bool[Tensor, "rows columns"]:
    image = Image.fromarray(mask.numpy().astype(np.uint8) * 255)
    return torch.from_numpy(np.array(image.resize(size, Image.Resampling.BILINEAR)) >= 128)


def _hatch(size: tuple[int, ...]) -> np.ndarray:
    y, x = np.indices(size)
    return (x + y) % HATCH < 2


def _named(image: Image.Image, regions: Sequence[Region]) -> None:
    draw, size = ImageDraw.Draw(image), max(14, round(min(image.size) / 36))
    for index, region in enumerate(regions):
        write_name(draw, region, size, PALETTE[index % len(PALETTE)])


def _clicked(image: Image.Image, clicks: Sequence[Click]) -> None:
    draw, radius = ImageDraw.Draw(image), max(5, min(image.size) // 130)
    for x, y, inside in clicks:
        box = (x - radius, y - radius, x + radius, y + radius)
        colour = (64, 192, 87) if inside else (250, 82, 82)
        draw.ellipse(box, fill=colour, outline="white", width=2)
