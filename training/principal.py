"""The transformer's tokens in fewer channels: what every training reads.

Principal components are a linear map, so that a shipped network has it folded into its own first
layer and looks at the transformer's own tokens.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

COMPONENTS = 384
FIT_ON = 200  # pictures
EVERY = 3  # tokens: neighbours are alike


@dataclass(frozen=True)
class Projection:
    """Tokens to their principal components."""

    matrix: Float[Tensor, "k t"]

    def __call__(self, tokens: Float[Tensor, "b t r c"]) -> Float[Tensor, "b k r c"]:
        """Of whole pictures."""
        flat = self.matrix.to(tokens) @ tokens.flatten(2)
        return flat.unflatten(2, tokens.shape[2:])

    def folded(self, weight: Float[Tensor, "m k 1 1"]) -> Float[Tensor, "m t 1 1"]:
        """The weights of a 1 x 1 layer on components, as it is on tokens."""
        return (weight[:, :, 0, 0] @ self.matrix.to(weight))[:, :, None, None]

    def save(self, file: Path) -> None:
        """As `read_projection` reads it."""
        np.save(file, self.matrix.numpy())


def read_projection(file: Path) -> Projection:
    """As it was saved."""
    return Projection(torch.from_numpy(np.load(file)))


def principal(tokens: Float[Tensor, "n t r c"], components: int = COMPONENTS) -> Projection:
    """Directions of the most power, about the mean of no picture: so nothing is to be added back.

    The strong ones are made weaker by the square root of the usual whitening, and all together
    have unit deviation.
    """
    flat = tokens.movedim(1, -1).flatten(0, 2)[::EVERY].double()
    values, vectors = torch.linalg.eigh(flat.mT @ flat / len(flat))
    values, vectors = values.flip(0)[:components], vectors.flip(1)[:, :components]
    matrix = (vectors / values.clamp_min(1e-12) ** 0.25).mT
    return Projection((matrix / (flat @ matrix.mT).std()).float())
