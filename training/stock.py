"""Where the things of made-up scenes come from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from reparo.scene import Mesh
from training import library
from training.library import Model
from training.rays import moved
from training.shape.bend import Bend
from training.shape.built import mesh_of
from training.shape.pictures import repainted
from training.shape.pile import about, any_turn
from training.shape.split import BUILT

MODELS, JUMBLES = 0.4, 0.3  # of a varied stock; the rest are made-up pieces
BENT = 0.75  # of the things of a varied stock
SIDES = (0.2, 1.6)  # metres of a made-up thing's longest side
PARTS, APART = (2, 5), 0.35  # things in a jumble; how far from its middle, along each axis
PIECES = 1_000_000


@dataclass(frozen=True)
class Stock:
    """The models of one side of the split, as they are.

    Varied: models, made-up pieces, and jumbles of several grown into one, which are like nothing
    that has a name; most are bent and many painted anew, so that hardly any is met twice.
    """

    library: Path
    held_out: bool = False
    varied: bool = False

    @cached_property
    def names(self) -> list[str]:
        """Of the models."""
        return library.names(self.library, self.held_out)

    def one(self, rng: np.random.Generator) -> Model:
        """Any of them."""
        if not self.varied:
            return self._model(rng)
        if rng.random() < JUMBLES:
            return self._jumble(rng)
        share = MODELS / (1 - JUMBLES)
        return _another(self._model(rng) if rng.random() < share else _piece(rng), rng)

    def _model(self, rng: np.random.Generator) -> Model:
        return library.model(self.library, self.names[rng.integers(len(self.names))])

    def _jumble(self, rng: np.random.Generator) -> Model:
        meshes, names = [], []
        for _ in range(int(rng.integers(PARTS[0], PARTS[1] + 1))):
            part = _another(self._model(rng) if rng.random() < 0.5 else _piece(rng), rng)
            turn = any_turn(rng) if rng.random() < 0.5 else about(1, rng.uniform(0, 2 * np.pi))
            place = rng.uniform(-APART, APART, 3)
            meshes.append(moved(part.mesh, turn, rng.uniform(0.3, 1), place))
            names.append(part.name)
        mesh = together(meshes)
        low, high = mesh.bounds
        middle, longest = (low + high) / 2, float((high - low).max())
        mesh = replace(mesh, vertices=(mesh.vertices - middle) / longest)
        return Model("+".join(names), mesh, _size(rng))


def together(meshes: Sequence[Mesh]) -> Mesh:
    """Several as one, each with its own looks."""
    before = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])]).tolist()
    looks = np.cumsum([0, *(len(mesh.materials) for mesh in meshes[:-1])]).tolist()
    return Mesh(
        torch.cat([mesh.vertices for mesh in meshes]),
        torch.cat([mesh.faces + n for mesh, n in zip(meshes, before, strict=True)]),
        torch.cat([mesh.uv for mesh in meshes]),
        torch.cat([mesh.colours for mesh in meshes]),
        tuple(material for mesh in meshes for material in mesh.materials),
        torch.cat([mesh.face_material + n for mesh, n in zip(meshes, looks, strict=True)]),
    )


def _piece(rng: np.random.Generator) -> Model:
    number = int(rng.integers(PIECES))
    return Model(f"{BUILT}{number:06d}", mesh_of(number), _size(rng))


def _size(rng: np.random.Generator) -> np.float32:
    return np.float32(np.exp(rng.uniform(*np.log(SIDES))))


def _another(model: Model, rng: np.random.Generator) -> Model:
    """Often bent, often painted anew."""
    mesh = repainted(model.mesh, rng)
    if rng.random() < BENT:
        mesh = Bend.random(rng).mesh(mesh)
    return replace(model, mesh=mesh)
