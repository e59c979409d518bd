"""One object's picture as a cut-out, and the colours of its back."""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from reparo.scene import Material, Mesh
from training.light import Light, decoded, encoded, random_light, received
from training.paint import random_colour
from training.picture import View
from training.rays import World

GRID = 64  # px of the back


def repainted(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """Half of the models with other colours, part by part: shape is not to be read from paint."""
    if rng.random() < 0.5:
        return mesh
    return replace(mesh, materials=tuple(_repainted(one, rng) for one in mesh.materials))


def _repainted(material: Material, rng: np.random.Generator) -> Material:
    if rng.random() < 0.5:
        return material
    colour = random_colour(rng)
    if material.texture is not None:  # tinted, its pattern kept
        texture = material.texture.clone()
        texture[..., :3] *= torch.from_numpy(0.4 + 0.6 * colour).to(texture)
        return replace(material, texture=texture)
    return replace(material, base_colour=(*map(float, colour), material.base_colour[3]))


def pictures(mesh: Mesh, view: View, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The front as the photo shows it and the back as if lit the same, uint8 RGBA."""
    light = random_light(rng)
    low = float(mesh.vertices[:, 1].min()) - 1e-3
    world, alone = World([mesh, _ground(low)]), World([mesh])
    samples = [_shaded(world, view, light, rng, offset) for offset in (0.25, 0.75)]
    seen = sum(found for _, _, found in samples)  # 0..2
    linear = sum(colour for colour, _, _ in samples) / np.maximum(seen, 1)[:, None]
    irradiance = sum(light for _, light, _ in samples).sum(0) / max(seen.sum(), 1)
    behind, found = _behind(alone, view)
    shape, small = (view.side, view.side), (GRID, GRID)
    bright = np.quantile(linear[seen > 0], rng.uniform(0.75, 0.97)) if seen.any() else 1.0
    exposure = rng.uniform(0.5, 0.95) / (bright + 1e-3)
    front = encoded(linear, exposure).reshape(*shape, 3)
    back = encoded(decoded(behind) * irradiance, exposure).reshape(*small, 3)
    cut = _softened(_bytes(front, seen.reshape(shape) / 2), rng)
    return cut, _bytes(back, found.reshape(small))


def _softened(rgba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the pictures as if the object were smaller in its photo: 60 px or more."""
    if rng.random() < 0.5:
        return rgba
    full = len(rgba)
    side = int(np.exp(rng.uniform(np.log(60), np.log(full))))
    picture = Image.fromarray(rgba, "RGBA").convert("RGBa")  # colours count as much as alpha
    small = picture.resize((side, side), Image.Resampling.BOX)
    large = small.resize((full, full), Image.Resampling.BILINEAR)
    return np.array(large.convert("RGBA"))


def _shaded(
    world: World, view: View, light: Light, rng: np.random.Generator, offset: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear colours, irradiance and what shows the first mesh, at a place within each pixel."""
    rays = view.rays(offset)
    hits = world.first(np.broadcast_to(view.place, rays.shape), rays)
    seen = hits.mesh == 0
    shown = replace(hits, mesh=np.where(seen, 0, -1))  # the ground need not be lit
    irradiance = received(world, light, view.place + hits.distance[:, None] * rays, shown, rng)
    return decoded(hits.colour) * irradiance, irradiance, seen


def _behind(world: World, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Colours met on the pixels' rays from far behind."""
    rays = replace(view, side=GRID).rays()
    far = np.linalg.norm(view.place) + 2
    hits = world.first(view.place + far * rays, -rays)
    return hits.colour, hits.found


def _ground(height: float) -> Mesh:
    """Where the model stands."""
    corners = torch.tensor([[-9, 0, -9], [-9, 0, 9], [9, 0, 9], [9, 0, -9]], dtype=torch.float)
    corners[:, 1] = height
    return Mesh.plain(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]))


def _bytes(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    both = np.concatenate([rgb.clip(0, 1), alpha[..., None]], -1)
    return (both * 255).round().astype(np.uint8)
