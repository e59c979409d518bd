"""Pictures in and out: photos as they come, masks, PNG."""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image, ImageOps
from torch import Tensor

from reparo.errors import InputError
from reparo.files.exif import fov_from_exif
from reparo.scene import Photo

log = logging.getLogger(__name__)

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
MAX_PIXELS = 178_000_000  # a picture that claims more is a mistake or a trap, Pillow says, too


def read_photo(path: Path) -> Photo:
    """A photo in any of the usual forms: turned by its EXIF, on white where see-through, sRGB."""
    image = open_image(path)
    fov_y_deg = fov_from_exif(image.getexif(), (image.height, image.width))
    return Photo.from_array(np.array(_as_srgb(image)), fov_y_deg)


def read_mask(path: Path, size: tuple[int, int], name: str) -> Bool[Tensor, "h w"]:
    """The mask of the object `name`: 128 and above is inside; see-through is outside."""
    image = _eight_bit(open_image(path))
    if (image.height, image.width) != size:
        raise InputError(
            f"the mask of {name!r} must have the photo's {size[1]}x{size[0]} pixels, "
            f"{path} has {image.width}x{image.height}; resize it without smoothing"
        )
    inside = np.asarray(_flatten(image, "black").convert("L")) >= 128
    if not inside.any():
        raise InputError(
            f"the mask of {name!r} must have pixels at 128 or above, {path} has none; "
            "paint the object white on black"
        )
    return torch.from_numpy(inside)


def write_mask(path: Path, mask: Bool[Tensor, "h w"]) -> None:
    """An 8-bit grey PNG: 255 inside, 0 outside."""
    Image.fromarray(mask.cpu().numpy().astype(np.uint8) * 255).save(path)


def write_image(path: Path, pixels: Float[Tensor, "h w c"]) -> None:
    """A PNG of sRGB values 0..1: three channels, or four with alpha."""
    eight_bit = (pixels.detach().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    Image.fromarray(np.ascontiguousarray(eight_bit)).save(path)


def open_image(path: Path) -> Image.Image:
    """A picture file decoded whole and turned as its EXIF says."""
    if not path.is_file():
        what = "a folder; name one picture in it" if path.is_dir() else "nothing; check the path"
        raise InputError(f"no picture at {path}: there is {what}")
    try:
        with warnings.catch_warnings():  # sizes are judged here, odd metadata harms nobody
            warnings.simplefilter("ignore")
            Image.init()
            known = [form for form in FORMATS if form in Image.OPEN]
            with Image.open(path, formats=known) as image:
                _refuse_giants(path, image)
                image.load()
                return ImageOps.exif_transpose(image)
    except InputError:
        raise
    except Image.DecompressionBombError as error:  # before it could be asked for its size
        raise InputError(_too_large(path, "more")) from error
    except Exception as error:  # decoders raise whatever they like on broken files
        raise InputError(_what_is_wrong(path)) from error


def rgba_array(image: Image.Image) -> np.ndarray:
    """8-bit RGBA [h, w, 4] of any decoded picture."""
    return np.asarray(_eight_bit(image).convert("RGBA"))


def _refuse_giants(path: Path, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise InputError(_too_large(path, f"{image.width}x{image.height}"))


def _too_large(path: Path, said: str) -> str:
    most = MAX_PIXELS // 1_000_000
    return f"a picture may have at most {most} million pixels, {path} says {said}; scale it down"


def _what_is_wrong(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        return f"{path} cannot be opened: {error.strerror}; mend its permissions"
    if not head:
        return f"{path} is empty, a picture was wanted; save it again"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return f"{path} is a HEIC picture, which cannot be read; save it as JPEG or PNG"
    return f"{path} is cut short or not a PNG, JPEG, WebP or TIFF picture; save it again as PNG"


def _as_srgb(image: Image.Image) -> Image.Image:
    """RGB on white; colours go through the picture's own profile where it has one."""
    profile = image.info.get("icc_profile")
    image = _flatten(_eight_bit(image), "white")
    if profile:
        try:
            return _through_profile(image, profile)
        except Exception as error:  # a broken profile is no reason to refuse a photo
            log.debug("colour profile left out: %s", error)
    return image.convert("RGB")


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    import io

    from PIL import ImageCms

    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.profileToProfile(
        image, own, ImageCms.createProfile("sRGB"), outputMode="RGB"
    ) or image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Deep grey pictures by their upper byte; every other mode as it is."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image).astype(np.float64)
    if image.mode == "F":  # 0..1 by custom
        values = np.nan_to_num(values) * 255
    elif values.max(initial=0) > 255 or image.mode != "I":
        values = values / 257  # 65535 is white
    return Image.fromarray(values.clip(0, 255).round().astype(np.uint8))


def _flatten(image: Image.Image, ground: str) -> Image.Image:
    """Pictures with alpha laid on a plain ground; every other mode as it is."""
    if not image.has_transparency_data:
        return image.convert("RGB") if image.mode == "P" else image
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), rgba).convert("RGB")
