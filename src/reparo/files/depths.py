"""Depth maps in and out: `.npy`, float32 [h, w]."""

from pathlib import Path

import numpy as np

from reparo.errors import InputError
from reparo.scene import Depth


def read_depth(path: Path, kind: str) -> Depth:
    """A depth map of the given kind; inf, nan and enormous values are unknown."""
    if not path.is_file():
        raise InputError(f"no depth map at {path}; check the path")
    try:
        values = np.load(path, allow_pickle=False)
    except Exception as error:  # the parser raises whatever it likes on broken files
        raise InputError(
            f"{path} is cut short or not a .npy file of plain numbers, a float32 [height, width] "
            "array was wanted; write it with numpy.save"
        ) from error
    if not isinstance(values, np.ndarray):
        values.close()
        raise InputError(
            f"{path} is a .npz archive, one .npy array was wanted; save the depth map alone"
        )
    try:
        plain = values.astype(np.float64) if values.dtype.kind in "fiu" else values
        return Depth.from_array(plain, kind)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def write_depth(path: Path, depth: Depth) -> None:
    """The values as stored, unknown pixels as nan."""
    values = depth.values.cpu().numpy().astype(np.float32)
    values[~depth.known.cpu().numpy()] = np.nan
    with path.open("wb") as file:  # numpy would add a suffix to a path without one
        np.save(file, values)
