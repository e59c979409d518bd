"""Where the things of made-up scenes come from."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from training import library
from training.library import Model
from training.shape.bend import Bend
from training.shape.built import mesh_of
from training.shape.pictures import repainted
from training.shape.split import BUILT

MODELS = 0.5  # of a varied stock; the rest are made-up pieces
BENT = 0.75  # of the things of a varied stock
SIDES = (0.2, 1.6)  # metres of a made-up piece's longest side
PIECES = 1_000_000


@dataclass(frozen=True)
class Stock:
    """The models of one side of the split, as they are.

    Varied: half made-up pieces; most things are bent and many painted anew, so that hardly any is
    met twice and none can be known by heart.
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
        if self.varied and rng.random() > MODELS:
            number = int(rng.integers(PIECES))
            size = np.float32(np.exp(rng.uniform(*np.log(SIDES))))
            chosen = Model(f"{BUILT}{number:06d}", mesh_of(number), size)
        else:
            name = self.names[rng.integers(len(self.names))]
            chosen = library.model(self.library, name)
        if not self.varied:
            return chosen
        mesh = repainted(chosen.mesh, rng)
        if rng.random() < BENT:
            mesh = Bend.random(rng).mesh(mesh)
        return replace(chosen, mesh=mesh)
