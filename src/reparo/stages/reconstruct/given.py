"""Meshes from a folder: any generator's, a catalogue's, or the truth."""

from dataclasses import dataclass
from pathlib import Path

from reparo.errors import InputError
from reparo.files.meshes import read_mesh
from reparo.files.soundness import sound
from reparo.scene import Cutout, Mesh
from reparo.stages.reconstruct.arrival import Axis, turned

SUFFIXES = (".glb", ".gltf", ".obj", ".ply")


@dataclass(frozen=True)
class GivenReconstructor:
    """Reads NAME.glb, .gltf, .obj or .ply, whichever is there, in that order.

    Its size and origin stay as they are, since the result is told in the file's own units.
    """

    folder: str | Path
    up: Axis = "+y"  # which of the meshes' own axes points up
    front: Axis = "+z"  # and which to the viewer of an object seen from the front
    upright: bool = True  # they stand as in life; False: as the photo shows them, tilted with it

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Gives the mesh of that name; the cut-out is not looked at."""
        folder = Path(self.folder)
        for suffix in SUFFIXES:
            if (path := folder / f"{name}{suffix}").is_file():
                mesh = sound(read_mesh(path), f"the mesh {path}")
                return turned(mesh, self.up, self.front)
        raise InputError(
            f"wanted a mesh of {name!r} in {folder}, one of "
            f"{', '.join(name + suffix for suffix in SUFFIXES)}, but none is there; add it"
        )
