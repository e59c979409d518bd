"""What stands about in lived-in rooms and is nobody's object: full shelves, boxes, pictures.

It stands along the back wall, so that what the scene is about has something other than a plain wall
behind it.
"""

from dataclasses import dataclass

import numpy as np
import torch

from reparo.scene import Material, Mesh
from training.paint import random_look
from training.rays import moved
from training.stock import Stock

CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
BOARD = 0.025  # metres
MODELS = 10  # of furniture among the clutter, at most: each one takes time


@dataclass(frozen=True)
class Wall:
    """A wall on the floor: a place on its foot, and its way along and out into the room, unit."""

    foot: np.ndarray  # [3], amid what the camera sees
    along: np.ndarray  # [3]
    out: np.ndarray  # [3]
    height: float
    span: float  # to either side of the foot that the camera may see

    def at(self, along: float, height: float, out: float) -> np.ndarray:
        """A point in the world."""
        return self.foot + along * self.along + [0, height, 0] + out * self.out

    @property
    def turn(self) -> np.ndarray:
        """[3, 3], world from (along, up, out)."""
        return np.stack([self.along, [0, 1, 0], self.out], 1)


def clutter(rng: np.random.Generator, stock: Stock, wall: Wall, size: float) -> list[Mesh]:
    """Things along a wall; `size` is that of a usual piece of furniture here, in scene units."""
    things = _Things(rng, stock)
    meshes: list[Mesh] = []
    at = -wall.span
    while at < wall.span:
        wide = size * rng.uniform(0.3, 1.3)
        kind = rng.choice(
            ["shelf", "pile", "model", "picture", "nothing"], p=[0.3, 0.2, 0.2, 0.1, 0.2]
        )
        if kind == "shelf":
            meshes += _shelf(things, wall, (at, wide), size)
        elif kind == "pile":
            meshes += _pile(things, wall, (at, wide), size)
        elif kind == "model":
            sides = (wide, size * rng.uniform(0.4, 1.4), wide)
            meshes.append(things.standing(wall, (at, 0, rng.uniform(0.02, 0.5) * size), sides))
        elif kind == "picture":
            high = rng.uniform(0.3, 0.7) * size
            place = wall.at(at, rng.uniform(0.5, 1.3) * size, 0.004 * size)
            meshes.append(box(rng, place, wall.turn * (wide, high, 0.01 * size)))
        at += wide * rng.uniform(1.0, 1.4)
    return meshes


class _Things:
    """Boxes and models by chance; not too many models."""

    def __init__(self, rng: np.random.Generator, stock: Stock) -> None:
        self.rng, self.stock, self.left = rng, stock, MODELS

    def standing(
        self, wall: Wall, place: tuple[float, float, float], sides: tuple[float, float, float]
    ) -> Mesh:
        """Something within a box whose lower left rear corner is at (along, height, out)."""
        rng = self.rng
        if self.left and rng.random() < 0.5:
            self.left -= 1
            chosen = self.stock.one(rng).mesh
            low, high = chosen.bounds.numpy().astype(float)
            scale = float((np.array(sides) / np.maximum(high - low, 1e-3)).min())
            foot = np.array([(low[0] + high[0]) / 2, low[1], low[2]])
            at = wall.at(place[0] + sides[0] / 2, place[1], place[2])
            return moved(chosen, wall.turn, scale, at - wall.turn @ foot * scale)
        shown = np.array(sides) * rng.uniform(0.5, 1, 3)
        angle = rng.normal() * 0.15
        cos, sin = np.cos(angle), np.sin(angle)
        turn = wall.turn @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        return box(rng, wall.at(*place), turn * shown)


def _shelf(things: _Things, wall: Wall, where: tuple[float, float], size: float) -> list[Mesh]:
    """Boards between uprights, with things on them."""
    rng, (start, wide) = things.rng, where
    deep, high = size * rng.uniform(0.2, 0.5), size * rng.uniform(0.6, 2.6)
    board, look = BOARD * size * rng.uniform(0.7, 2), random_look(rng)
    levels = np.linspace(rng.uniform(0, 0.15) * size, high, int(rng.integers(2, 7)))
    meshes = [
        box(rng, wall.at(start, 0, out), wall.turn * (board, high, board), look)
        for start in (start, start + wide - board)
        for out in (0.01 * size, deep)
    ]
    gap = levels[1] - levels[0]
    for level in levels:
        part = wall.turn * (wide, board, deep)
        meshes.append(box(rng, wall.at(start, level, 0.01 * size), part, look))
        at = start + board
        while at < start + wide - 0.1 * size and rng.random() < 0.85:
            sides = size * rng.uniform(0.08, 0.4), gap * rng.uniform(0.3, 0.9), deep * 0.9
            sides = (min(sides[0], start + wide - at), *sides[1:])
            meshes.append(
                things.standing(wall, (at, level + board, rng.uniform(0, 0.2) * deep), sides)
            )
            at += sides[0] * rng.uniform(1, 1.5)
    return meshes


def _pile(things: _Things, wall: Wall, where: tuple[float, float], size: float) -> list[Mesh]:
    """Boxes on boxes."""
    rng, (start, wide), height = things.rng, where, 0.0
    meshes = []
    for _ in range(int(rng.integers(1, 4))):
        sides = (
            wide * rng.uniform(0.5, 1),
            size * rng.uniform(0.1, 0.5),
            size * rng.uniform(0.2, 0.5),
        )
        meshes.append(things.standing(wall, (start, height, 0.05 * size), sides))
        height = float(meshes[-1].vertices[:, 1].max())
    return meshes


def box(
    rng: np.random.Generator, corner: np.ndarray, edges: np.ndarray, look: np.ndarray | None = None
) -> Mesh:
    """A box from a corner along the columns of `edges` [3, 3], all sides with one look."""
    vertices, uv, faces = [], [], []
    look = random_look(rng) if look is None else look
    for number, side in enumerate(SIDES):
        vertices.append(CORNERS[list(side)] @ edges.T + corner)
        uv.append([[0, 0], [1, 0], [1, 1], [0, 1]])
        faces += [
            [4 * number, 4 * number + 1, 4 * number + 2],
            [4 * number, 4 * number + 2, 4 * number + 3],
        ]
    return Mesh(
        torch.from_numpy(np.concatenate(vertices).astype("f4")),
        torch.tensor(faces),
        torch.tensor(uv, dtype=torch.float32).reshape(-1, 2) * float(rng.uniform(0.2, 2)),
        torch.ones(24, 4),
        (Material(texture=torch.from_numpy(look.astype("f4"))),),
        torch.zeros(12, dtype=torch.long),
    )
