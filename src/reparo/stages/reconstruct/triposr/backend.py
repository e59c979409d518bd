"""A mesh from TripoSR: any object, also what the photo does not show of it.

Written against the original's outputs with random weights; never run with the trained ones.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from reparo import models
from reparo.errors import InputError
from reparo.scene import Cutout, Material, Mesh
from reparo.stages.reconstruct.arrival import in_unit_box
from reparo.stages.reconstruct.triposr.checkpoint import load
from reparo.stages.reconstruct.triposr.framing import framed
from reparo.stages.reconstruct.triposr.mesh import Cutting, Surface, surface
from reparo.stages.reconstruct.triposr.model import TripoSr

NAME = "triposr"  # of the network that is asked for unless a folder is given
COARSEST = 64  # grid points: less shows no object
AXES = [1, 2, 0]  # ours from the field's: it has x to the viewer, y to the viewer's right, z up


@dataclass(frozen=True)
class TripoSrReconstructor:
    """One picture in, a closed mesh with a colour at each vertex out."""

    weights: str | Path = NAME  # a checkpoint's folder, or the name of a pulled network
    resolution: int = 256  # grid points along the cube's side; time and triangles grow with it
    threshold: float = 25.0  # density on the surface; lower is thicker
    chunk: int = 32768  # points asked at once; less takes less memory
    smallest_part: float = 0.01  # of the largest part's area: smaller ones are dropped
    device: str = "auto"

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Sees the cut-out on grey and cuts the mesh out of the field."""
        if self.resolution < 2 or self.chunk < 1 or not self.threshold > 0:
            raise InputError(
                "TripoSR needs a resolution of 2 or more, a chunk of 1 or more and a threshold "
                f"above 0, got {self.resolution}, {self.chunk} and {self.threshold}; raise them"
            )
        picture = framed(cutout, name)
        model = _model(models.located(self.weights), _device(self.device))
        how = Cutting(self.resolution, self.threshold, self.chunk, self.smallest_part)
        found = surface(model, model.triplanes(picture), how)
        if not len(found.faces):
            raise InputError(
                f"TripoSR saw nothing in the cut-out of {name!r}: no density is above "
                f"{self.threshold:g}; look at the cut-out, or lower the threshold"
            )
        return as_mesh(found, name, cutout.rgba.dtype)

    def smaller(self) -> "TripoSrReconstructor | None":
        """A coarser grid, fewer points at once; the network itself has one size."""
        if self.resolution <= COARSEST:
            return None
        coarser = max(COARSEST, self.resolution // 2)
        return replace(self, resolution=coarser, chunk=max(1, self.chunk // 4))

    def close(self) -> None:
        """Lets go of the network."""
        _model.cache_clear()


def as_mesh(found: Surface, name: str, dtype: torch.dtype) -> Mesh:
    """The surface in the object's frame: y up, front +z, its box centred, the longest side 1.

    So the picture's scale, and the object's share of it, are undone.
    """
    vertices = torch.from_numpy(found.vertices[:, AXES]).to(dtype)
    colours = np.concatenate([found.colours, np.ones((len(vertices), 1))], 1)
    mesh = Mesh(
        vertices,
        torch.from_numpy(found.faces),
        vertices.new_zeros(len(vertices), 2),
        torch.from_numpy(colours).to(dtype),
        (Material(name=name),),
        torch.zeros(len(found.faces), dtype=torch.long),
    )
    return in_unit_box(mesh)


def _device(name: str) -> str:
    """The device that `auto` means here."""
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@lru_cache(maxsize=1)
def _model(folder: Path, device: str) -> TripoSr:
    """Read once: a scene has many objects."""
    return load(folder, device)
