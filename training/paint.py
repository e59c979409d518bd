"""Made-up patterns for floors and walls."""

import numpy as np
from scipy.ndimage import gaussian_filter

SIDE = 128  # px


def random_pattern(rng: np.random.Generator) -> np.ndarray:
    """A picture that repeats, sRGB and alpha 0..1 [SIDE, SIDE, 4]."""
    base = random_colour(rng)
    kind = rng.choice(["plain", "clouds", "boards", "tiles", "stripes", "speckle"])
    value = np.zeros((SIDE, SIDE))
    if kind == "clouds":
        value = _noise(rng, rng.uniform(3, 20))
    elif kind == "boards":
        value = _boards(rng)
    elif kind == "tiles":
        value = _tiles(rng)
    elif kind == "stripes":
        period = int(rng.choice([8, 16, 32]))
        value = np.broadcast_to((np.arange(SIDE) // period % 2) * 2.0 - 1, (SIDE, SIDE))
    elif kind == "speckle":
        value = _noise(rng, 0.7)
    other = random_colour(rng) if rng.random() < 0.3 else base * rng.uniform(0.4, 0.9)
    share = (0.5 + 0.5 * np.tanh(rng.uniform(0.3, 1) * value))[..., None]
    rgb = share * base + (1 - share) * other + 0.02 * rng.normal(size=(SIDE, SIDE, 1))
    return np.concatenate([rgb.clip(0, 1), np.ones((SIDE, SIDE, 1))], -1)


def random_look(rng: np.random.Generator) -> np.ndarray:
    """A pattern, or one colour, sRGB and alpha 0..1 [h, w, 4]."""
    if rng.random() < 0.65:
        return random_pattern(rng)
    colour = np.append(random_colour(rng), 1.0)
    return np.broadcast_to(colour, (2, 2, 4)).copy()


def random_colour(rng: np.random.Generator) -> np.ndarray:
    """Mostly pale or grey, as rooms are."""
    grey = rng.uniform(0.15, 0.95)
    return (grey + rng.choice([0.03, 0.08, 0.2]) * rng.uniform(-1, 1, 3)).clip(0.03, 0.97)


def _noise(rng: np.random.Generator, size: float) -> np.ndarray:
    noise = gaussian_filter(rng.normal(size=(SIDE, SIDE)), size, mode="wrap")
    return noise / (noise.std() + 1e-9)


def _boards(rng: np.random.Generator) -> np.ndarray:
    """Planks with grain along them."""
    number = int(rng.choice([2, 4, 8]))
    grain = gaussian_filter(rng.normal(size=(SIDE, SIDE)), (1, 12), mode="wrap")
    board = np.arange(SIDE) * number // SIDE
    tone = rng.normal(size=number)[board][:, None]
    gap = -3.0 * (np.arange(SIDE) % (SIDE // number) == 0)[:, None]
    return 0.6 * tone + 0.6 * grain / grain.std() + gap


def _tiles(rng: np.random.Generator) -> np.ndarray:
    number = int(rng.choice([2, 4]))
    side = SIDE // number
    place = np.arange(SIDE)
    tone = rng.normal(size=(number, number))[place[:, None] // side, place // side]
    gap = (place % side < 2)[:, None] | (place % side < 2)
    return 0.3 * tone + rng.choice([-3, 3]) * gap
