"""Checks on values from JSON; each names its place in the file, such as `camera.fov_y_deg`."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.scene import Similarity, matrix_to_quaternion

RIGID_TOLERANCE = 1e-3
REACH = 1e9  # units; lengths beyond it, and scales below its inverse, are slips


def read_json(path: Path) -> Any:
    """A file's JSON, strictly: UTF-8, each key once, no NaN or Infinity."""
    if not path.is_file():
        raise InputError(f"no file {path}; check the path")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once_each)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} must be valid JSON: {error}; mend or rewrite it") from error


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twin!r} stands twice in one object")
    return found


def table(value: Any, where: str, needed: Sequence[str], optional: Sequence[str]) -> dict[str, Any]:
    """An object with the needed keys, and no keys but those and the optional ones."""
    if not isinstance(value, dict):
        raise InputError(f"{where} must be an object {{...}}, got {_show(value)}")
    allowed = [*needed, *optional]
    if unknown := sorted(set(value) - set(allowed)):
        raise InputError(
            f"{where} has an unknown key {unknown[0]!r}; it may have: {', '.join(allowed)}"
        )
    if missing := [key for key in needed if key not in value]:
        raise InputError(f"{where} lacks the key {missing[0]!r}; add it")
    return value


def text(value: Any, where: str, choices: Sequence[str] = ()) -> str:
    """A string that is not empty, one of `choices` if there are any."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{where} must be a string, got {_show(value)}")
    if choices and value not in choices:
        raise InputError(f"{where} must be one of {', '.join(choices)}, got {_show(value)}")
    return value


def number(value: Any, where: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number strictly between `low` and `high`."""
    wanted = f"{where} must be a finite number" + _range(low, high)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{wanted}, got {_show(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result) or not low < result < high:
        raise InputError(f"{wanted}, got {_show(value)}")
    return result


def _range(low: float, high: float) -> str:
    if math.isfinite(high):
        return f" above {low:g} and below {high:g}"
    return f" above {low:g}" if math.isfinite(low) else ""


def numbers(value: Any, where: str, count: int) -> Float[Tensor, " n"]:
    """A list of so many numbers within reach."""
    return torch.tensor(_listed(value, where, count, REACH), dtype=torch.get_default_dtype())


def scale(value: Any, where: str) -> float:
    """A size factor above 0 that single precision can work with."""
    return number(value, where, 1 / REACH, REACH)


def _listed(value: Any, where: str, count: int, reach: float) -> list[float]:
    if not isinstance(value, list) or len(value) != count:
        raise InputError(f"{where} must be a list of {count} numbers, got {_show(value)}")
    return [number(item, where, -reach, reach) for item in value]


def quaternion(value: Any, where: str) -> Float[Tensor, "4"]:
    """[w, x, y, z] of any length but 0, made a unit one."""
    wxyz = torch.tensor(_listed(value, where, 4, math.inf), dtype=torch.float64)
    largest = wxyz.abs().max()  # first, lest the squares overflow or vanish
    if largest == 0:
        raise InputError(f"{where} must not be all zeros; [1, 0, 0, 0] turns nothing")
    return torch.nn.functional.normalize(wxyz / largest, dim=0).to(torch.get_default_dtype())


def rigid_motion(value: Any, where: str) -> Similarity:
    """A 4x4 matrix, row-major, that turns and moves; small errors of its rotation are mended."""
    if not isinstance(value, list) or len(value) != 4:
        raise InputError(f"{where} must be 4 rows of 4 numbers, got {_show(value)}")
    rows = [_listed(row, where, 4, REACH) for row in value]
    matrix = torch.tensor(rows, dtype=torch.float64)
    turn, last = matrix[:3, :3], matrix.new_tensor([0.0, 0.0, 0.0, 1.0])
    error = (turn @ turn.mT - torch.eye(3, dtype=turn.dtype)).abs().max()
    off = (matrix[3] - last).abs().max()
    if error > RIGID_TOLERANCE or off > RIGID_TOLERANCE or turn.det() < 0:
        raise InputError(
            f"{where} must be a rigid motion (rotation and translation, last row 0 0 0 1), "
            "got one that scales, shears, mirrors or has another last row; "
            "write the camera's pose, row by row"
        )
    left, _, right = torch.linalg.svd(turn)  # the nearest rotation
    kind = torch.get_default_dtype()
    wxyz = matrix_to_quaternion(left @ right).to(kind)
    return Similarity(wxyz, matrix[:3, 3].to(kind), torch.ones((), dtype=kind))


def number_table(value: Any, where: str) -> Mapping[str, float]:
    """An object whose values are all finite numbers."""
    if not isinstance(value, dict):
        raise InputError(f"{where} must be an object {{...}}, got {_show(value)}")
    return {key: number(item, f"{where}.{key}") for key, item in value.items()}


def _show(value: Any) -> str:
    """A value in few letters."""
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 60 else shown[:57] + "..."
