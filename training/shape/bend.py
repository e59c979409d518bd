"""Models made others: stretched, tapered and leant, mesh and solid by the same map.

(x, y, z) -> (x s t + a h, h, z s' t + b h), h = s'' y and t = 1 + taper h: easily undone.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from reparo.scene import Mesh
from training.solids import Solid

STRETCH, MOST = 0.25, 1.8  # of each side's logarithm, usual; at most by so much
TAPER = 0.35  # at most, of the width, from the middle to one side above or below
LEAN = 0.1  # sideways a side of height, usual
LEAST = 0.3  # of the width is left by a taper far outside


@dataclass(frozen=True)
class Bend:
    """A map of the space around a model; heights stay in order."""

    stretch: np.ndarray  # [3]
    taper: float
    lean: np.ndarray  # [2], of x and z

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Bend":
        """Always stretched, half tapered, half leant."""
        stretch = np.exp(rng.normal(0, STRETCH, 3)).clip(1 / MOST, MOST)
        taper = rng.uniform(-TAPER, TAPER) * (rng.random() < 0.5)
        lean = rng.normal(0, LEAN, 2).clip(-3 * LEAN, 3 * LEAN) * (rng.random() < 0.5)
        return cls(stretch, float(taper), lean)

    def there(self, points: Tensor) -> Tensor:
        """Where points [n, 3] of the model go."""
        x, y, z = (points * torch.from_numpy(self.stretch).to(points)).unbind(-1)
        wide, (a, b) = self._wide(y), self.lean
        return torch.stack([x * wide + a * y, y, z * wide + b * y], -1)

    def back(self, points: Tensor) -> Tensor:
        """Where they came from."""
        x, y, z = points.unbind(-1)
        wide, (a, b) = self._wide(y), self.lean
        flat = torch.stack([(x - a * y) / wide, y, (z - b * y) / wide], -1)
        return flat / torch.from_numpy(self.stretch).to(points)

    def mesh(self, mesh: Mesh) -> Mesh:
        """A mesh as another."""
        return replace(mesh, vertices=self.there(mesh.vertices))

    def _wide(self, height: Tensor) -> Tensor:
        return (1 + self.taper * height).clamp(min=LEAST)


@dataclass(frozen=True)
class BentSolid:
    """A solid as another; asked just as one."""

    solid: Solid
    bend: Bend

    @property
    def points(self) -> np.ndarray:
        """The middles of what is occupied, [n, 3]."""
        return self.bend.there(torch.from_numpy(self.solid.points)).numpy()

    def sampled(self, points: Tensor, model_from_points: np.ndarray) -> Tensor:
        """Share of the solid about points [n, 3] that a matrix [4, 4] brings to it; outside 0."""
        turn = torch.from_numpy(model_from_points[:3, :3].T.copy()).to(points)
        move = torch.from_numpy(model_from_points[:3, 3].copy()).to(points)
        return self.solid.sampled(self.bend.back(torch.addmm(move, points, turn)), np.eye(4))
