"""Pictures as cameras, phones and editors make them, from pictures as they are rendered."""

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

GREY = 0.1  # of the pictures have no colour
CAST = 0.08  # usual difference of one colour's gain
CONTRAST, COLOURS = (0.6, 1.5), (0.3, 1.5)
SOFT, SHARP = 0.4, 0.2  # shares of the pictures
QUALITY = (25, 95)  # of JPEG, in half of them


def developed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other colours, contrast and sharpness, uint8 [h, w, 3]; nothing moves."""
    gain = np.exp(rng.normal(0, CAST, 3))
    tone = np.exp(rng.normal(0, 0.25))
    values = ((rgb / 255.0) ** tone * gain).clip(0, 1)
    picture = Image.fromarray((values * 255).round().astype(np.uint8))
    picture = ImageEnhance.Contrast(picture).enhance(rng.uniform(*CONTRAST))
    colours = 0.0 if rng.random() < GREY else rng.uniform(*COLOURS)
    picture = ImageEnhance.Color(picture).enhance(colours)
    chance = rng.random()
    if chance < SOFT:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    elif chance < SOFT + SHARP:
        picture = picture.filter(ImageFilter.UnsharpMask(rng.uniform(1, 3), 100))
    if rng.random() < 0.5:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=int(rng.integers(*QUALITY)))
        picture = Image.open(file)
    return np.asarray(picture.convert("RGB"))
