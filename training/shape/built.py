"""Made-up pieces without end, each from its number: a mesh and its solid, both exact.

A contact sheet: python -m training.shape.built SHEET.png [--count 40] [--first 0]
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import tyro
from PIL import Image

from reparo.scene import Material, Mesh
from training.paint import random_colour, random_pattern
from training.shape.anyhow import free
from training.shape.furniture import FURNITURE
from training.shape.household import THINGS
from training.shape.pile import Part, Pile
from training.shape.sheet import shots
from training.solids import BORDER, VOXELS, Solid

KINDS = (*FURNITURE, *THINGS, *(5 * (free,)))
STUFFS = 4


def piece(number: int) -> tuple[Mesh, Solid]:
    """A mesh in the unit cube, and the solid of the same parts."""
    pile = _pile(number)
    mesh = joined(pile.parts)
    return _in_unit_cube(mesh, pile.rng), filled(pile.parts, *_box(mesh))


def mesh_of(number: int) -> Mesh:
    """The mesh alone, which is quick."""
    pile = _pile(number)
    return _in_unit_cube(joined(pile.parts), pile.rng)


def _pile(number: int) -> Pile:
    pile = Pile(np.random.default_rng([20, number]))
    KINDS[int(pile.rng.integers(len(KINDS)))](pile)
    return pile


def _box(mesh: Mesh) -> tuple[tuple[np.ndarray, float], np.ndarray]:
    """Middle and longest side; all sides in longest ones."""
    low, high = mesh.bounds.double().numpy()
    longest = float((high - low).max())
    return ((low + high) / 2, longest), (high - low) / longest


def _in_unit_cube(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    (middle, longest), _ = _box(mesh)
    vertices = ((mesh.vertices.double().numpy() - middle) / longest).astype("f4")
    mesh = replace(mesh, vertices=torch.from_numpy(vertices), materials=stuffs(rng))
    return replace(mesh, uv=mesh.uv / longest * rng.uniform(1, 4))


def joined(parts: list[Part]) -> Mesh:
    """All parts as one mesh, each triangle with corners of its own, painted along its face."""
    corners, material = [], []
    for part in parts:
        vertices, faces = part.form.mesh()
        corners.append((vertices @ part.turn.T + part.place)[faces])
        material.append(np.full(len(faces), part.stuff))
    points = np.concatenate(corners)  # [f, 3, 3]
    normal = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    kept = np.linalg.norm(normal, axis=1) > 1e-12
    points, normal = points[kept], np.abs(normal[kept])
    axis = normal.argmax(1)
    flat = np.stack([np.where(axis == 0, 2, 0), np.where(axis == 1, 2, 1)], -1)
    uv = np.take_along_axis(points, flat[:, None].repeat(3, 1), 2)
    points, uv = (torch.from_numpy(one.astype("f4")).flatten(0, 1) for one in (points, uv))
    faces = torch.arange(len(points)).reshape(-1, 3)
    material = torch.from_numpy(np.concatenate(material)[kept])
    return Mesh(points, faces, uv, torch.ones(len(points), 4), (), material)


def filled(parts: list[Part], box: tuple[np.ndarray, float], size: np.ndarray) -> Solid:
    """The parts' own insides on the grid of a piece; `box`: its middle and longest side."""
    middle, longest = box
    shape = np.ceil(size * VOXELS).astype(int).clip(1) + 2 * BORDER
    corner = -shape / 2 / VOXELS
    cell = longest / VOXELS
    inside = np.zeros(shape, bool)
    for part in parts:
        vertices = part.form.mesh()[0] @ part.turn.T + part.place
        low, high = (
            ((end - middle) / longest - corner) * VOXELS
            for end in (vertices.min(0), vertices.max(0))
        )
        first = np.floor(low - 1.5).astype(int).clip(0, shape)
        last = np.ceil(high + 1.5).astype(int).clip(0, shape)
        axes = [(np.arange(a, b) + 0.5) / VOXELS for a, b in zip(first, last, strict=True)]
        axes = [
            (along + corner[i]) * longest + middle[i] - part.place[i]
            for i, along in enumerate(axes)
        ]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        found = part.form.inside((points @ part.turn).astype("f4"), cell)
        window = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        inside[window] |= found.reshape(inside[window].shape)
    return Solid(inside, corner)


def stuffs(rng: np.random.Generator) -> tuple[Material, ...]:
    """Plain or patterned materials, some of them alike."""
    found: list[Material] = []
    for _ in range(STUFFS):
        if found and rng.random() < 0.25:
            found.append(found[-1])
        elif rng.random() < 0.35:
            pattern = torch.from_numpy(random_pattern(rng).astype("f4"))
            found.append(Material(texture=pattern))
        else:
            bright = rng.uniform(0.05, 0.95, 3) if rng.random() < 0.4 else random_colour(rng)
            found.append(Material((*map(float, bright), 1.0)))
    return tuple(found)


def main(sheet: tyro.conf.Positional[Path], /, count: int = 40, first: int = 0) -> None:
    """Draws some."""
    rows = [np.concatenate(shots(piece(first + number)[0], 110), 1) for number in range(count)]
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % 4)
    high = len(rows) // 4
    columns = [np.concatenate(rows[i * high : (i + 1) * high]) for i in range(4)]
    Image.fromarray(np.concatenate(columns, 1)).save(sheet)


if __name__ == "__main__":
    tyro.cli(main)
