"""Doors for what comes from memory: arrays, other libraries' objects, or paths."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from reparo.errors import InputError
from reparo.files.checks import rigid_motion
from reparo.files.depths import read_depth
from reparo.files.images import read_mask, read_photo
from reparo.files.meshes import read_mesh
from reparo.scene import Camera, Depth, Mesh, Photo


def as_photo(given: str | Path | np.ndarray | Photo) -> Photo:
    """A picture to explain."""
    if isinstance(given, Photo):
        return given
    return Photo.from_array(given) if isinstance(given, np.ndarray) else read_photo(Path(given))


def as_mask(given: Any, size: tuple[int, int], name: str) -> Bool[Tensor, "h w"]:
    """One object's visible part."""
    if isinstance(given, str | Path):
        return read_mask(Path(given), size, name)
    mask = torch.as_tensor(given)
    mask = mask if mask.dtype == torch.bool else mask >= 128
    if tuple(mask.shape) != size or not mask.any():
        raise InputError(
            f"the mask of {name!r} has the photo's size {list(size)} and pixels that are True or "
            f"at least 128, got {list(mask.shape)} with {int(mask.sum())} such pixels"
        )
    return mask


def as_mesh(given: Any, name: str) -> Mesh:
    """A record as it is; a file; or anything that exports GLB, as trimesh's objects do."""
    if isinstance(given, Mesh):
        return given
    if isinstance(given, str | Path):
        return read_mesh(Path(given))
    if not hasattr(given, "export"):
        raise InputError(
            f"the mesh of {name!r} is a reparo Mesh, a trimesh object or a path, got a "
            f"{type(given).__name__}"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.glb"
        given.export(path)
        return read_mesh(path)


def as_depth(given: Any, kind: str) -> Depth | None:
    """A depth map, if there is one."""
    if given is None or isinstance(given, Depth):
        return given
    if isinstance(given, str | Path):
        return read_depth(Path(given), kind)
    return Depth.from_array(np.asarray(given), kind)


def as_camera(photo: Photo, fov_y_deg: float | None, camera_to_world: Any) -> Camera:
    """The photo's camera; its field of view is the caller's, else the one that the file tells."""
    fov = fov_y_deg if fov_y_deg is not None else photo.fov_y_deg
    if fov is None or not 0 < fov < 180:
        raise InputError(
            "the camera's vertical field of view lies between 0 and 180 degrees, got "
            f"{fov}; say fov_y_deg"
        )
    if camera_to_world is None:
        return Camera.from_fov(fov, photo.size)
    rows = np.asarray(camera_to_world, dtype=float).tolist()
    return Camera.from_fov(fov, photo.size, rigid_motion(rows, "camera_to_world"))
