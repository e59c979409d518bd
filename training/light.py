"""Light on surfaces: a sun with a soft shadow, and a sky that corners see less of."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch.nn.functional import interpolate

from training.rays import Hits, World

SKY_RAYS = 4  # a pixel
# Pixels between the five that a mean is of, one round after the other.
SPREAD_SKY, SPREAD_SUN = (1, 2, 4), (1, 2)


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


def received(
    world: World, light: Light, points: np.ndarray, hits: Hits, rng: np.random.Generator
) -> np.ndarray:
    """Irradiance over pi at what a square picture's pixels show, linear RGB [n, 3]; else 0."""
    side, found = round(len(points) ** 0.5), hits.found
    same, normal = hits.mesh.reshape(side, side), hits.normal.reshape(side, side, 3)
    start = (points + 1e-3 * hits.normal)[found].astype("f4")

    def even(values: np.ndarray, steps: Sequence[int]) -> np.ndarray:
        whole = np.zeros((len(points), values.shape[1]), "f4")
        whole[found] = values
        smooth = smoothed(whole.reshape(side, side, -1), same, normal, steps)
        return smooth.reshape(len(points), -1)[found]

    total = np.zeros((len(points), 3), "f4")
    total[found] = even(_of_sky(world, light, (start, hits.normal[found]), rng), SPREAD_SKY)
    if light.sun_colour.any():
        facing = (hits.normal[found] @ light.sun).clip(0)[:, None]
        seen = even(_sees_sun(world, light, (start, facing[:, 0] > 0), rng), SPREAD_SUN)
        total[found] += facing * seen * light.sun_colour
    return total


def _of_sky(
    world: World, light: Light, where: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """The sky's part at places and normals, [n, 3]: noisy, its rays are few."""
    start, normal = where
    total = np.zeros(start.shape, "f4")
    for _ in range(SKY_RAYS):
        ball = unit(rng.standard_normal(start.shape, "f4"))
        direction = unit(normal + 0.999 * ball)  # cosine-weighted about the normal
        free = ~world.blocked(start, direction)
        bounce = 0.18 * light.sky.mean() * ~free[:, None]  # what is blocked sends some light too
        total += bounce
        total[free] += light.seen(direction[free])
    return total / SKY_RAYS


def _sees_sun(
    world: World, light: Light, where: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Whether places see the sun [n, 1]: those that face it, by one ray to a spot on its disc."""
    start, facing = where
    spread = rng.standard_normal(start.shape, "f4") / 1.7
    direction = (light.sun + light.softness * spread).astype("f4")
    seen = facing.astype("f4")
    seen[facing] = ~world.blocked(start[facing], direction[facing])
    return seen[:, None]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [n, 3] brought to length 1."""
    return vectors / np.sqrt(np.einsum("ij,ij->i", vectors, vectors) + 1e-20)[:, None]


def smoothed(
    values: np.ndarray, same: np.ndarray, normal: np.ndarray, steps: Sequence[int]
) -> np.ndarray:
    """Means over pixels of the same object and about the same normal, [h, w, c].

    A round for each of `steps`: over 5 x 5 pixels so far apart, down, then across (an "a trous"
    filter with stops at edges, Dammertz et al. 2010).
    """
    for step, axis in product(steps, (0, 1)):
        total, weight = values.copy(), np.ones(values.shape[:2], "f4")
        for off in (-2 * step, -step, step, 2 * step):
            value, other, facing = (np.roll(one, off, axis) for one in (values, same, normal))
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
