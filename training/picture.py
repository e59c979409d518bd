"""One picture of a made-up scene, with everything that is true of it."""

from dataclasses import dataclass

import numpy as np

from reparo.scene import Mesh
from training.light import Light, decoded, encoded, lit, smoothed, unit
from training.rays import World


@dataclass(frozen=True)
class View:
    """A camera; y up, it looks along -z of its own frame."""

    rotation: np.ndarray  # [3, 3], world from camera
    place: np.ndarray  # [3]
    fov_y: float  # radians
    side: int  # px of the square picture

    def rays(self, offset: np.ndarray | float = 0.5) -> np.ndarray:
        """Directions through the pixels, z = 1 along the axis, [side * side, 3]."""
        at = (np.arange(self.side) + 0.5) / self.side * 2 - 1
        tangent = np.tan(self.fov_y / 2)
        x, y = np.meshgrid(at * tangent, -at * tangent)
        shift = (np.asarray(offset) - 0.5) * 2 * tangent / self.side
        own = np.stack([x.ravel(), y.ravel(), -np.ones(x.size)], -1)
        own[:, :2] += shift
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


def look(world: World, view: View, light: Light, rng: np.random.Generator) -> Truth:
    """Casts one ray a pixel for what is true, and a second, beside it, for softer edges."""
    shape = (view.side, view.side)
    first, linear = _shaded(world, view, light, rng, np.array([0.25, 0.25]))
    second, other = _shaded(world, view, light, rng, np.array([0.75, 0.75]))
    middle = world.first(np.broadcast_to(view.place, (view.side**2, 3)), view.rays())
    mean = (linear + other) / 2
    bright = np.quantile(mean, rng.uniform(0.75, 0.97)) + 1e-3
    rgb = encoded(mean, rng.uniform(0.5, 0.95) / bright)
    disparity = np.where(middle.found, 1 / np.maximum(middle.distance, 1e-6), 0)
    pixels = (rgb.clip(0, 1) * 255).round().astype(np.uint8).reshape(*shape, 3)
    return Truth(pixels, disparity.reshape(shape), middle.mesh.reshape(shape))


def _shaded(
    world: World, view: View, light: Light, rng: np.random.Generator, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Linear light at a place within each pixel; the sky behind where nothing is met."""
    rays = view.rays(offset)
    hits = world.first(np.broadcast_to(view.place, rays.shape), rays)
    linear = light.seen(unit(rays))
    found = hits.found
    points = (view.place + hits.distance[:, None] * rays).astype("f4")
    met = type(hits)(hits.mesh[found], hits.distance[found], hits.normal[found], hits.colour[found])
    light_there = np.zeros_like(linear)
    light_there[found] = lit(world, light, points[found], met, rng)
    shape = (view.side, view.side)
    light_there = smoothed(
        light_there.reshape(*shape, 3), hits.mesh.reshape(shape), hits.normal.reshape(*shape, 3)
    ).reshape(-1, 3)
    linear[found] = decoded(hits.colour[found]) * light_there[found]
    return hits, linear


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
