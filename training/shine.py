"""What shiny surfaces mirror: things around them, and the sky."""

import numpy as np

from training.light import Light, decoded, unit
from training.rays import Hits, World

SHINY = 0.6  # of the scenes have shiny things, and in these so many of the things are
STRAIGHT_ON = (0.02, 0.5)  # how much those mirror of what they face; lacquer, metal
LIT = 0.6  # of the sky's mean: how brightly mirrored things are lit


def random_shine(rng: np.random.Generator, count: int) -> np.ndarray:
    """How much each of so many meshes mirrors if looked at straight on, 0..1 [count]."""
    shine = np.exp(rng.uniform(*np.log(STRAIGHT_ON), count))
    return np.where(rng.random(count) < SHINY, shine, 0.0) * (rng.random() < SHINY)


def mirrored(
    world: World, light: Light, place: np.ndarray, rays: np.ndarray, hits: Hits, shine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Its share of the light [n, 1], more the flatter it is looked at (Schlick), and what it is."""
    share, seen = np.zeros((len(rays), 1), "f4"), np.zeros((len(rays), 3), "f4")
    chosen = (hits.found & (shine[hits.mesh] > 0)).nonzero()[0]
    if not len(chosen):
        return share, seen
    ahead, normal = unit(rays[chosen]), hits.normal[chosen]
    straight = -np.einsum("ij,ij->i", ahead, normal).clip(-1, 0)
    least = shine[hits.mesh[chosen]]
    share[chosen, 0] = least + (1 - least) * (1 - straight) ** 5
    back = (ahead + 2 * straight[:, None] * normal).astype("f4")
    points = place + hits.distance[chosen, None] * rays[chosen]
    there = world.first((points + 1e-3 * normal).astype("f4"), back)
    things = LIT * (light.sky.mean() + 0.3 * light.sun_colour.mean()) * decoded(there.colour)
    seen[chosen] = np.where(there.found[:, None], things, light.seen(back))
    return share, seen
