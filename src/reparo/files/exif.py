"""The lens, as a photo's EXIF tells it."""

import logging
import math

from PIL import ExifTags, Image

log = logging.getLogger(__name__)

FILM_DIAGONAL = math.hypot(36, 24)  # mm
UNIT_IN_MM = {2: 25.4, 3: 10.0, 4: 1.0}  # FocalPlaneResolutionUnit: inch, centimetre, millimetre


def fov_from_exif(exif: Image.Exif, size: tuple[int, int]) -> float | None:
    """Vertical field of view in degrees of the turned picture of `size`, or None.

    A focal length f "in 35 mm film" has equal diagonal angles by definition (CIPA DCG-001), so in
    pixels it is f / 43.27 mm * hypot(h, w), however the picture is turned or resized; then
    fov_y = 2 atan(h / 2 / focal). Without it, the true focal length and the sensor's diagonal,
    which is hypot(PixelXDimension, PixelYDimension) / FocalPlaneXResolution, say the same.
    """
    try:
        tags = exif.get_ifd(ExifTags.IFD.Exif)
    except Exception as error:  # broken metadata is no reason to refuse a photo
        log.debug("EXIF left out: %s", error)
        return None
    ratio = _film_ratio(tags) or _sensor_ratio(tags)
    if not ratio:
        return None
    fov = math.degrees(2 * math.atan(size[0] / 2 / (ratio * math.hypot(*size))))
    return fov if 1 < fov < 150 else None  # anything else is a slip of the camera's


def _film_ratio(tags: dict[int, object]) -> float | None:
    focal = _positive(tags.get(ExifTags.Base.FocalLengthIn35mmFilm))
    return focal / FILM_DIAGONAL if focal else None


def _sensor_ratio(tags: dict[int, object]) -> float | None:
    """Focal length over the sensor's diagonal."""
    base = ExifTags.Base
    focal = _positive(tags.get(base.FocalLength))
    density = _positive(tags.get(base.FocalPlaneXResolution))
    width, height = (
        _positive(tags.get(tag)) for tag in (base.ExifImageWidth, base.ExifImageHeight)
    )
    unit = UNIT_IN_MM.get(tags.get(base.FocalPlaneResolutionUnit, 2))  # type: ignore[arg-type]
    if not (focal and density and width and height and unit):
        return None
    return focal / (math.hypot(width, height) / density * unit)


def _positive(value: object) -> float | None:
    """The number above 0 that a tag holds, None for whatever else cameras write."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
