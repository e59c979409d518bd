"""Pictures for a page: small, and inside the page itself."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

LONGEST = 1600  # px, of the photo
MASK_LONGEST = 800  # px, of a mask over it
CROP, CUTOUT = 420, 360  # px, longest side
MARGIN = 0.18  # of the object's box, around it
QUALITY = 82  # of WebP
TINT = 70  # opacity of a mask's inside, of 255
FADED = 0.45  # what is not the object is mixed with so much white


def data_uri(kind: str, content: bytes) -> str:
    """The content itself in place of an address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def webp(image: Image.Image, quality: int = QUALITY) -> str:
    """A picture as a data URI."""
    file = io.BytesIO()
    image.save(file, "WEBP", quality=quality, method=5)
    return data_uri("image/webp", file.getvalue())


def within(image: Image.Image, longest: int) -> Image.Image:
    """The picture, no larger than that."""
    shrink = longest / max(image.size)
    if shrink >= 1:
        return image
    width, height = (max(1, round(side * shrink)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def stencil(mask: Image.Image, colour: tuple[int, int, int]) -> str:
    """A mask to lay over the photo: its edge in full colour, its inside a tint."""
    inside = np.asarray(within(mask, MASK_LONGEST)) >= 128
    levels = np.where(edge(inside, 2), 2, inside).astype(np.uint8)
    picture = Image.fromarray(levels)
    picture.putpalette(bytes(colour) * 3)
    file = io.BytesIO()
    picture.save(file, "PNG", transparency=bytes([0, TINT, 255]), optimize=True)
    return data_uri("image/png", file.getvalue())


def crop(
    photo: Image.Image, mask: Image.Image, whole: Image.Image, colour: tuple[int, int, int]
) -> Image.Image:
    """The photo around an object: all else pale, its outline drawn, its hidden part tinted."""
    box = around(whole, photo.size)
    part = within(photo.crop(box), CROP)
    inside, all_of_it = (
        np.asarray(one.crop(box).resize(part.size, Image.Resampling.BILINEAR)) >= 128
        for one in (mask, whole)
    )
    pixels = np.asarray(part).astype(np.float64)
    pixels[~inside] = FADED * 255 + (1 - FADED) * pixels[~inside]
    hidden = all_of_it & ~inside
    pixels[hidden] = 0.45 * pixels[hidden] + 0.55 * np.array(colour)
    pixels[edge(inside, 2)] = colour
    return Image.fromarray(pixels.round().astype(np.uint8))


def cut(photo: Image.Image, mask: Image.Image) -> Image.Image:
    """What the photo shows of an object, on nothing."""
    box = around(mask, photo.size)
    part = photo.crop(box).convert("RGBA")
    part.putalpha(solid(mask).crop(box))
    return within(part, CUTOUT)


def cut_out(path: Path) -> Image.Image:
    """A completed cut-out, without the empty border."""
    with Image.open(path) as image:
        rgba = image.convert("RGBA")
    box = rgba.getchannel("A").getbbox()
    return within(rgba if box is None else rgba.crop(box), CUTOUT)


def around(mask: Image.Image, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of a mask with a margin; `size` is width, height."""
    left, top, right, bottom = solid(mask).getbbox() or (0, 0, *size)
    more = round(MARGIN * max(right - left, bottom - top)) + 2
    return (
        max(0, left - more),
        max(0, top - more),
        min(size[0], right + more),
        min(size[1], bottom + more),
    )


def solid(mask: Image.Image) -> Image.Image:
    """The mask in black and white: 128 and above is inside."""
    return Image.fromarray((np.asarray(mask) >= 128).astype(np.uint8) * 255)


def edge(inside: np.ndarray, thick: int) -> np.ndarray:
    """The pixels [h, w] of a mask within `thick` pixels of its edge."""
    image = Image.fromarray(inside.astype(np.uint8) * 255)
    return inside & (np.asarray(image.filter(ImageFilter.MinFilter(2 * thick + 1))) < 128)
