"""Light on surfaces: a sun with a soft shadow, and a sky that corners see less of."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch.nn.functional import interpolate

from training.rays import Hits, World

SKY_RAYS = 6  # a pixel


@dataclass(frozen=True)
class Light:
    """Where light comes from, in linear RGB."""

    sun: np.ndarray  # unit, towards the sun
    softness: float  # radians: the sun's half angle, about
    sun_colour: np.ndarray
    sky: np.ndarray  # [rows, columns, 3], elevation from straight up to straight down by azimuth

    def seen(self, directions: np.ndarray) -> np.ndarray:
        """The sky's light along unit directions."""
        rows, columns = self.sky.shape[:2]
        row = np.arccos(directions[:, 1].clip(-1, 1)) / np.pi * (rows - 1)
        column = (np.arctan2(directions[:, 0], directions[:, 2]) / (2 * np.pi) + 0.5) * columns
        return self.sky[row.astype(int), column.astype(int) % columns]


def random_light(rng: np.random.Generator) -> Light:
    """Indoors or outdoors, hard or soft, plain or patchy."""
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 1.4)
    sun = np.array(
        [np.cos(height) * np.sin(azimuth), np.sin(height), np.cos(height) * np.cos(azimuth)]
    )
    strength = rng.choice([0.0, 0.5, 1.5, 3.0], p=[0.2, 0.2, 0.35, 0.25])
    warm = 1 + rng.uniform(-0.12, 0.12) * np.array([1, 0, -1])
    return Light(
        sun, rng.uniform(0.01, 0.35), strength * warm, random_sky(rng) * rng.uniform(0.5, 1.1)
    )


def random_sky(rng: np.random.Generator) -> np.ndarray:
    """Clouds of colour over a gradient: what shows behind the ground, and lights the scene."""
    rows, columns = 64, 128
    base, above = rng.uniform(0.2, 0.9, (2, 3)) ** 1.5
    grey = rng.uniform(0, 1)
    base, above = (grey * colour.mean() + (1 - grey) * colour for colour in (base, above))
    sky = base + np.linspace(1, 0, rows)[:, None, None] * (above - base)
    sky = np.broadcast_to(sky, (rows, columns, 3)).copy()
    for size in (16, 6, 2):
        noise = rng.normal(size=(rows, columns, 1)) + 0.3 * rng.normal(size=(rows, columns, 3))
        noise = gaussian_filter(noise, (size / 2, size, 0), mode="wrap")
        sky *= np.exp(rng.uniform(0, 0.7) * noise / (noise.std() + 1e-9))
    if rng.random() < 0.4:  # a window or a lamp
        row, column = rng.integers(5, 30), rng.integers(columns)
        high, wide = rng.integers(4, 12), rng.integers(4, 16)
        sky[row : row + high, column : column + wide] += rng.uniform(1, 4)
    coarse = torch.from_numpy(sky.clip(0.01, 4).astype("f4")).movedim(-1, 0)[None]
    fine = interpolate(coarse, (4 * rows, 4 * columns), mode="bilinear", align_corners=True)
    return np.ascontiguousarray(fine[0].movedim(0, -1).numpy())


def lit(
    world: World, light: Light, points: np.ndarray, hits: Hits, rng: np.random.Generator
) -> np.ndarray:
    """Irradiance over pi at points, linear RGB [n, 3]: noisy by the sky's few rays."""
    start = points + 1e-3 * hits.normal
    total = np.zeros((len(points), 3), "f4")
    for _ in range(SKY_RAYS):
        ball = unit(rng.standard_normal(points.shape, "f4"))
        direction = unit(hits.normal + 0.999 * ball)  # cosine-weighted about the normal
        free = ~world.blocked(start, direction)
        bounce = 0.18 * light.sky.mean() * ~free[:, None]  # what is blocked sends some light too
        total += bounce
        total[free] += light.seen(direction[free])
    total /= SKY_RAYS
    if light.sun_colour.any():
        spread = rng.standard_normal(points.shape, "f4") / 1.7
        direction = (light.sun + light.softness * spread).astype("f4")
        facing = (direction * hits.normal).sum(1).clip(0)
        seen = facing > 0
        seen[seen] = ~world.blocked(start[seen], direction[seen])
        total += (facing * seen)[:, None] * light.sun_colour
    return total


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [n, 3] brought to length 1."""
    return vectors / np.sqrt(np.einsum("ij,ij->i", vectors, vectors) + 1e-20)[:, None]


def smoothed(values: np.ndarray, same: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Means over 5 x 5 pixels of the same object and about the same normal, [h, w, c].

    Down, then across: of a neighbour's neighbours, too, only those like the middle count.
    """
    for axis in (0, 1):
        total, weight = values.copy(), np.ones(values.shape[:2], "f4")
        for step in (-2, -1, 1, 2):
            value, other, facing = (np.roll(one, step, axis) for one in (values, same, normal))
            share = (other == same) & (np.einsum("ijk,ijk->ij", facing, normal) > 0.9)
            total += share[..., None] * value
            weight += share
        values = total / weight[..., None]
    return values


def encoded(linear: np.ndarray, exposure: float) -> np.ndarray:
    """Linear light as sRGB 0..1, with a soft shoulder for what is too bright."""
    value = linear * exposure
    value = np.where(value < 0.7, value, 0.7 + 0.3 * np.tanh((value - 0.7) / 0.3))
    return np.where(value < 0.0031308, 12.92 * value, 1.055 * value.clip(1e-9) ** (1 / 2.4) - 0.055)


def decoded(srgb: np.ndarray) -> np.ndarray:
    """sRGB 0..1 as linear light."""
    return np.where(srgb < 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
