"""Photos as they come, masks, and pictures that are none."""

import io
import math
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from reparo.errors import InputError
from reparo.files import images
from reparo.files.images import read_mask, read_photo, write_image, write_mask

ORIENTATION, EXIF_IFD, FOCAL, FOCAL_35 = 0x0112, 0x8769, 0x920A, 0xA405


def corners(height=6, width=9):
    """Red at the top left, green at the top right, blue at the bottom left, else grey."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    pixels[0, 0], pixels[0, -1], pixels[-1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return pixels


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, 1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, -1)),
    ],
)
def test_a_photo_is_turned_as_its_exif_says(tmp_path, orientation, stored):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored(corners())))
    image.save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(read_photo(tmp_path / "photo.png").to_array(), corners())


def rgba():
    pixels = np.full((4, 5, 4), 255, np.uint8)
    pixels[..., :3] = (200, 100, 50)
    pixels[0, 0, 3] = 0
    return Image.fromarray(pixels)


def palette():
    image = Image.new("P", (5, 4), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    image.putpixel((0, 0), 0)
    return image


GREY = Image.new("L", (5, 4), 90)
DEEP_GREY = Image.fromarray(np.full((4, 5), 90 * 257, np.uint16))
KINDS = {
    "rgba": (rgba(), "png", (200, 100, 50), (255, 255, 255)),
    "rgba-webp": (rgba(), "webp", (200, 100, 50), (255, 255, 255)),
    "palette": (palette(), "png", (200, 100, 50), (0, 0, 0)),
    "palette-gif": (palette(), "gif", (200, 100, 50), (0, 0, 0)),
    "grey": (GREY, "png", (90, 90, 90), (90, 90, 90)),
    "grey-jpeg": (GREY, "jpg", (90, 90, 90), (90, 90, 90)),
    "grey-alpha": (Image.merge("LA", (GREY, GREY)), "png", (197, 197, 197), (197, 197, 197)),
    "black-and-white": (Image.new("1", (5, 4), 1), "png", (255, 255, 255), (255, 255, 255)),
    "16-bit grey": (DEEP_GREY, "png", (90, 90, 90), (90, 90, 90)),
    "16-bit grey TIFF": (DEEP_GREY, "tif", (90, 90, 90), (90, 90, 90)),
    "32-bit float": (Image.new("F", (5, 4), 0.4), "tif", (102, 102, 102), (102, 102, 102)),
    "CMYK": (Image.new("CMYK", (5, 4), (0, 255, 255, 0)), "jpg", (254, 0, 0), (254, 0, 0)),
    "CMYK TIFF": (Image.new("CMYK", (5, 4), (0, 255, 255, 0)), "tif", (255, 0, 0), (255, 0, 0)),
    "YCbCr": (Image.new("YCbCr", (5, 4), (90, 128, 128)), "jpg", (90, 90, 90), (90, 90, 90)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_is_read_as_a_viewer_shows_it(tmp_path, kind):
    image, suffix, colour, corner = KINDS[kind]
    path = tmp_path / f"photo.{suffix}"
    image.save(path, **({"lossless": True, "exact": True} if suffix == "webp" else {}))
    pixels = read_photo(path).to_array().astype(int)
    assert pixels.shape == (4, 5, 3)
    assert np.abs(pixels[2, 2] - colour).max() <= 2
    assert np.abs(pixels[0, 0] - corner).max() <= 2


def test_16_bit_colour_keeps_its_upper_byte(tmp_path):
    """Written by hand, as Pillow writes no 48-bit PNG."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    row = b"\0" + struct.pack(">HHH", 200 * 257, 100 * 257, 50 * 257) * 3
    header = struct.pack(">IIBBBBB", 3, 2, 16, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * 2)) + chunk(b"IEND", b"")
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    pixels = read_photo(tmp_path / "deep.png").to_array()
    assert (pixels == (200, 100, 50)).all()


def test_a_photo_6000_pixels_wide_is_read_whole(tmp_path):
    Image.new("RGB", (6000, 40), (10, 20, 30)).save(tmp_path / "wide.jpg")
    assert read_photo(tmp_path / "wide.jpg").size == (40, 6000)


def test_a_photo_beyond_pillows_warning_is_read_without_one(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    Image.new("RGB", (8, 5)).save(tmp_path / "photo.png")
    assert read_photo(tmp_path / "photo.png").size == (5, 8)


def test_a_picture_that_claims_too_many_pixels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 30)
    Image.new("RGB", (8, 5)).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match="8x5"):
        read_photo(tmp_path / "photo.png")


def test_a_picture_too_large_even_for_pillow_is_called_large_not_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15)
    Image.new("RGB", (8, 5)).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match=r"million pixels.*scale it down"):
        read_photo(tmp_path / "photo.png")


@pytest.mark.parametrize("profile", ["sRGB", "broken"])
def test_a_colour_profile_that_changes_nothing_changes_nothing(tmp_path, profile):
    data = b"no profile"
    if profile == "sRGB":
        data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(corners()).save(tmp_path / "photo.png", icc_profile=data)
    found = read_photo(tmp_path / "photo.png").to_array().astype(int)
    assert np.abs(found - corners()).max() <= 1


@pytest.mark.parametrize("turned", [False, True])
def test_field_of_view_comes_from_the_35_mm_focal_length(tmp_path, turned):
    """On 36x24 mm film a 35 mm lens sees 24 mm upright: 2 atan(12 / 35); turned, 36 mm."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6 if turned else 1
    exif.get_ifd(EXIF_IFD)[FOCAL_35] = 35
    Image.new("RGB", (360, 240)).save(tmp_path / "photo.jpg", exif=exif)
    photo = read_photo(tmp_path / "photo.jpg")
    half = 18 if turned else 12
    assert photo.fov_y_deg == pytest.approx(math.degrees(2 * math.atan(half / 35)))


def test_field_of_view_comes_from_the_sensor_where_35_mm_is_missing(tmp_path):
    """A sensor of 36 mm on 360 pixels, 10 pixels a millimetre, is 35 mm film again."""
    exif = Image.Exif()
    tags = exif.get_ifd(EXIF_IFD)
    tags[FOCAL], tags[0xA20E], tags[0xA210] = 35.0, 100.0, 3  # pixels a centimetre
    tags[0xA002], tags[0xA003] = 360, 240
    Image.new("RGB", (180, 120)).save(tmp_path / "photo.jpg", exif=exif)
    expected = math.degrees(2 * math.atan(12 / 35))
    assert read_photo(tmp_path / "photo.jpg").fov_y_deg == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("focal", [None, 0, 65535])
def test_field_of_view_is_unknown_where_exif_says_nothing_sensible(tmp_path, focal):
    exif = Image.Exif()
    if focal is not None:
        exif.get_ifd(EXIF_IFD)[FOCAL_35] = focal
    Image.new("RGB", (36, 24)).save(tmp_path / "photo.jpg", exif=exif)
    assert read_photo(tmp_path / "photo.jpg").fov_y_deg is None


def encoded(form):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, form)
    return file.getvalue()


BROKEN = {
    "empty": b"",
    "text": b"This is not a picture, it is a sentence.",
    "cut PNG": encoded("PNG")[:2000],
    "cut JPEG": encoded("JPEG")[:1500],
    "cut WebP": encoded("WEBP")[:700],
    "cut TIFF": encoded("TIFF")[:3000],
    "PNG of 8 bytes": encoded("PNG")[:8],
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_picture_is_refused_in_a_sentence_that_names_it(tmp_path, kind):
    path = tmp_path / "photo.png"
    path.write_bytes(BROKEN[kind])
    with pytest.raises(InputError, match=r"photo\.png is .*save it again"):
        read_photo(path)


def test_a_heic_picture_is_named_as_such(tmp_path):
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with pytest.raises(InputError, match=r"HEIC.*JPEG"):
        read_photo(path)


@pytest.mark.parametrize(("where", "why"), [("missing.png", "nothing"), (".", "a folder")])
def test_a_missing_picture_is_refused(tmp_path, where, why):
    with pytest.raises(InputError, match=f"no picture at .*: there is {why}"):
        read_photo(tmp_path / where)


def test_a_mask_and_a_picture_come_back_as_written(tmp_path):
    mask = torch.rand(7, 5) > 0.5
    write_mask(tmp_path / "mask.png", mask)
    assert torch.equal(read_mask(tmp_path / "mask.png", (7, 5), "chair"), mask)
    levels = torch.randint(0, 256, (7, 5, 3)) / 255
    write_image(tmp_path / "image.png", levels)
    torch.testing.assert_close(read_photo(tmp_path / "image.png").rgb, levels)


def test_128_is_inside_and_127_is_not(tmp_path):
    Image.fromarray(np.array([[127, 128, 255, 0]], np.uint8)).save(tmp_path / "mask.png")
    found = read_mask(tmp_path / "mask.png", (1, 4), "chair")
    assert found.tolist() == [[False, True, True, False]]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_white_is_inside_in_masks_of_every_mode(tmp_path, mode):
    pixels = np.zeros((3, 4), np.uint8)
    pixels[1, 2] = 255
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels.astype(np.uint16) * 257)
    image.convert(mode).save(tmp_path / "mask.png")
    found = read_mask(tmp_path / "mask.png", (3, 4), "chair")
    assert found.nonzero().tolist() == [[1, 2]]


def test_see_through_is_outside_a_mask(tmp_path):
    pixels = np.full((1, 2, 4), 255, np.uint8)
    pixels[0, 0, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png", (1, 2), "chair").tolist() == [[False, True]]


def test_a_mask_of_another_size_is_refused(tmp_path):
    write_mask(tmp_path / "mask.png", torch.ones(3, 4, dtype=torch.bool))
    with pytest.raises(InputError, match=r"'chair'.*5x3.*4x3"):
        read_mask(tmp_path / "mask.png", (3, 5), "chair")


def test_a_mask_of_faint_pixels_is_refused(tmp_path):
    Image.new("L", (4, 3), 127).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"'chair'.*128"):
        read_mask(tmp_path / "mask.png", (3, 4), "chair")
