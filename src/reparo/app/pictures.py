"""What the photo view shows: the photo with every object tinted, outlined and named."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool
from PIL import Image, ImageDraw
from torch import Tensor

from reparo.app.masks import page_size
from reparo.app.state import Click
from reparo.report.overlay import write_name
from reparo.report.page_pictures import edge
from reparo.report.pictures import PALETTE, font
from reparo.scene import Region

TINT, CHOSEN = 0.28, 0.42  # how much of an object's colour lies over it
PALE = 0.55  # how much white lies over the photo behind the scene
HATCH = 7  # px between the lines over what is hidden
INVITED = (1280, 800)  # px


def small(photo: Image.Image) -> Image.Image:
    """The photo as large as the page needs it."""
    height, width = page_size((photo.height, photo.width))
    return photo.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


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

    All is in the small photo's pixels.
    """
    pixels = np.array(photo)
    thick = max(2, round(min(photo.size) / 400))
    for index, region in enumerate(regions):
        inside, is_selected = region.visible.numpy(), region.name == selected
        outline = whole[region.name].numpy() if region.name in whole else inside
        box = _around(inside | outline)
        drawn, colour = pixels[box], np.array(PALETTE[index % len(PALETTE)])
        inside, hidden = inside[box], (outline & ~inside)[box]
        tint = CHOSEN if is_selected else TINT
        drawn[inside] = (1 - tint) * drawn[inside] + tint * colour
        drawn[hidden & _hatch(hidden.shape)] = colour
        drawn[edge(inside, 2 * thick if is_selected else thick)] = colour
        if is_selected:
            drawn[edge(inside, thick // 2 + 1)] = 255
    image = Image.fromarray(pixels)
    _named(image, regions)
    _clicked(image, clicks)
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


def _around(inside: np.ndarray) -> tuple[slice, slice]:
    """The box of what is inside, and a pixel beside it, so that its outline is its edge."""
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    return slice(top, rows[-1] + 2), slice(left, columns[-1] + 2)


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
