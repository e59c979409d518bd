"""Meshes from a folder: any generator's, a catalogue's, or the truth."""

from dataclasses import dataclass
from pathlib import Path

from reparo.errors import InputError
from reparo.files.meshes import read_mesh
from reparo.scene import Cutout, Mesh

SUFFIXES = (".glb", ".gltf", ".obj", ".ply")


@dataclass(frozen=True)
class GivenReconstructor:
    """Reads NAME.glb, .gltf, .obj or .ply, whichever is there, in that order."""

    folder: str | Path

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Gives the mesh of that name; the cut-out is not looked at."""
        folder = Path(self.folder)
        for suffix in SUFFIXES:
            if (path := folder / f"{name}{suffix}").is_file():
                return read_mesh(path)
        raise InputError(
            f"wanted a mesh of {name!r} in {folder}, one of "
            f"{', '.join(name + suffix for suffix in SUFFIXES)}, but none is there; add it"
        )
