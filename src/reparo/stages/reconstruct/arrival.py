"""What comes back from outside, brought into the object's frame: the one place where that is done.

Read as one mesh, checked, no larger than agreed, turned to y up and front +z, in the unit box.
"""

from pathlib import Path
from typing import Literal

import torch

from reparo.errors import InputError
from reparo.files.meshes import read_mesh
from reparo.files.soundness import simplified, sound
from reparo.scene import Mesh

Axis = Literal["+x", "-x", "+y", "-y", "+z", "-z"]
MOST_BYTES = 2**30  # of a mesh's file


def arrived(path: Path, name: str, axes: tuple[Axis, Axis], most_faces: int) -> Mesh:
    """The mesh in a file as the contract wants it; `axes`: which of its own are up and front."""
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise InputError(
            f"the mesh of {name!r} takes {path.stat().st_size / 2**20:.0f} MB, at most "
            f"{MOST_BYTES / 2**20:.0f} were wanted; have a smaller one made"
        )
    mesh = simplified(sound(read_mesh(path), f"the mesh of {name!r}"), most_faces)
    return in_unit_box(turned(mesh, *axes))


def turned(mesh: Mesh, up: Axis, front: Axis) -> Mesh:
    """The mesh with its `up` along +y and its `front` along +z; nothing is mirrored."""
    if up == "+y" and front == "+z":
        return mesh
    if up[1] == front[1]:
        raise InputError(f"a mesh's up and front are at a right angle, got {up} and {front}")
    y, z = (_unit(axis).to(mesh.vertices) for axis in (up, front))
    ours_from_its = torch.stack([torch.linalg.cross(y, z), y, z])
    return _moved(mesh, mesh.vertices @ ours_from_its.mT)


def in_unit_box(mesh: Mesh) -> Mesh:
    """The mesh with its box centred and the longest side 1."""
    lowest, highest = mesh.bounds
    middle, longest = (lowest + highest) / 2, (highest - lowest).max()
    return _moved(mesh, (mesh.vertices - middle) / longest)


def _moved(mesh: Mesh, vertices: torch.Tensor) -> Mesh:
    return Mesh(vertices, mesh.faces, mesh.uv, mesh.colours, mesh.materials, mesh.face_material)


def _unit(axis: Axis) -> torch.Tensor:
    unit = torch.zeros(3)
    unit["xyz".index(axis[1])] = 1.0 if axis[0] == "+" else -1.0
    return unit
