"""One picture of a made-up scene, with everything that is true of it."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from reparo.scene import Mesh
from training.light import Light, decoded, encoded, received, unit
from training.rays import Hits, World
from training.shine import mirrored

GRAINY, GRAIN = 0.5, 0.03  # share of the pictures with a camera's noise, and how much at most


@dataclass(frozen=True)
class View:
    """A camera; y up, it looks along -z of its own frame."""

    rotation: np.ndarray  # [3, 3], world from camera
    place: np.ndarray  # [3]
    fov_y: float  # radians
    side: int  # px of the square picture

    def rays(self, at: float = 0.5) -> np.ndarray:
        """Directions through the pixels, z = 1 along the axis, [side * side, 3].

        `at` is the place within a pixel, from its top left corner (0) to its lower right one (1).
        """
        across = (np.arange(self.side) + at) / self.side * 2 - 1
        tangent = np.tan(self.fov_y / 2)
        x, y = np.meshgrid(across * tangent, -across * tangent)
        own = np.stack([x.ravel(), y.ravel(), -np.ones(x.size)], -1)
        return (own @ self.rotation.T).astype("f4")

    def seen(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels [n, 2] (x, y; corners at integers) and z of points in the world."""
        own = (points - self.place) @ self.rotation
        z = -own[:, 2]
        scale = self.side / 2 / np.tan(self.fov_y / 2) / np.maximum(z, 1e-6)
        return self.side / 2 + np.stack([own[:, 0], -own[:, 1]], -1) * scale[:, None], z


@dataclass(frozen=True)
class Truth:
    """What is seen, and what is true of it, [side, side]."""

    rgb: np.ndarray  # uint8 [.., 3]
    disparity: np.ndarray  # 1 / z; 0 where nothing is met
    index: np.ndarray  # of the mesh; -1: nothing


def look(
    world: World,
    view: View,
    light: Light,
    rng: np.random.Generator,
    shine: np.ndarray | None = None,
) -> Truth:
    """Casts one ray a pixel; outlines are softened as a lens would. `shine` is of each mesh."""
    shape = (view.side, view.side)
    rays = view.rays()
    hits = world.first(np.broadcast_to(view.place, rays.shape), rays)
    linear = _shaded(world, light, rays, view.place, hits, rng)
    if shine is not None:
        share, seen = mirrored(world, light, view.place, rays, hits, shine)
        linear += share * (seen - linear)
    linear = linear.reshape(*shape, 3)
    index = hits.mesh.reshape(shape)
    linear = np.where(_outlines(index)[..., None], uniform_filter(linear, (3, 3, 1)), linear)
    bright = np.quantile(linear, rng.uniform(0.75, 0.97)) + 1e-3
    rgb = encoded(linear, rng.uniform(0.5, 0.95) / bright)
    if rng.random() < GRAINY:
        rgb = rgb + rng.uniform(0, GRAIN) * rng.standard_normal(rgb.shape, "f4")
    disparity = np.where(hits.found, 1 / np.maximum(hits.distance, 1e-6), 0)
    pixels = (rgb.clip(0, 1) * 255).round().astype(np.uint8)
    return Truth(pixels, disparity.reshape(shape), index)


def _shaded(
    world: World,
    light: Light,
    rays: np.ndarray,
    place: np.ndarray,
    hits: Hits,
    rng: np.random.Generator,
) -> np.ndarray:
    """Linear light along rays; the sky where nothing is met."""
    linear = light.seen(unit(rays))
    found = hits.found
    points = (place + hits.distance[:, None] * rays).astype("f4")
    linear[found] = decoded(hits.colour[found]) * received(world, light, points, hits, rng)[found]
    return linear


def _outlines(index: np.ndarray) -> np.ndarray:
    """Pixels with a neighbour of another object."""
    return maximum_filter(index, 3) != minimum_filter(index, 3)


def full_masks(meshes: list[Mesh], view: View) -> np.ndarray:
    """Each object alone and whole, bool [n, side, side]."""
    masks = np.zeros((len(meshes), view.side * view.side), bool)
    rays = view.rays()
    for index, mesh in enumerate(meshes):
        pixels, z = view.seen(mesh.vertices.numpy().astype(float))
        if (z <= 0.01).any():  # reaches behind the camera: look everywhere
            low, high = np.zeros(2, int), np.full(2, view.side)
        else:
            low = np.floor(pixels.min(0)).astype(int).clip(0, view.side)
            high = np.ceil(pixels.max(0)).astype(int).clip(0, view.side)
        inside = np.zeros((view.side, view.side), bool)
        inside[low[1] : high[1], low[0] : high[0]] = True
        chosen = inside.ravel().nonzero()[0]
        if len(chosen):
            origins = np.broadcast_to(view.place, (len(chosen), 3))
            masks[index, chosen] = World([mesh]).first(origins, rays[chosen]).found
    return masks.reshape(-1, view.side, view.side)
