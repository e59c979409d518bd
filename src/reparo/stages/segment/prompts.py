"""Where the user says the objects are: boxes or points, from JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from reparo.errors import InputError
from reparo.files.checks import numbers, read_json
from reparo.files.names import check_name

Size = tuple[int, int]  # height and width, px
Box = tuple[float, float, float, float]  # x0, y0, x1, y1, px
Prompt = TypeVar("Prompt")


@dataclass(frozen=True)
class Points:
    """Clicks on one object and beside it."""

    at: list[tuple[float, float]]  # x, y, px
    inside: list[bool]


def read_boxes(path: Path, size: Size) -> dict[str, Box]:
    """`{name: [x0, y0, x1, y1]}` in pixels of the photo."""
    return _read(path, lambda value, where: _box(value, where, size))


def read_points(path: Path, size: Size) -> dict[str, Points]:
    """`{name: [[x, y, inside 0|1], ...]}` in pixels of the photo."""
    return _read(path, lambda value, where: _points(value, where, size))


def _read(path: Path, parse: Callable[[Any, str], Prompt]) -> dict[str, Prompt]:
    entries = read_json(path)
    if not isinstance(entries, dict) or not entries:
        raise InputError(f'{path} must be an object with an entry per name, like {{"chair": ...}}')
    for name in entries:
        check_name(name, f"each name in {path}")
    return {name: parse(value, f"{name!r} in {path}") for name, value in entries.items()}


def _box(value: Any, where: str, size: Size) -> Box:
    x0, y0, x1, y1 = numbers(value, where, 4).tolist()
    if not (x0 < x1 and y0 < y1):
        raise InputError(f"{where} must be [x0, y0, x1, y1] with x0 < x1 and y0 < y1, got {value}")
    height, width = size
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
        raise InputError(f"{where} must lie in the photo's {width}x{height} pixels, got {value}")
    return x0, y0, x1, y1


def _points(value: Any, where: str, size: Size) -> Points:
    if not isinstance(value, list) or not value:
        raise InputError(f"{where} must be a list of [x, y, inside], got {str(value)[:80]}")
    rows = [numbers(row, f"each point of {where}", 3).tolist() for row in value]
    for x, y, inside in rows:
        if not (0 <= x <= size[1] and 0 <= y <= size[0]):
            raise InputError(
                f"each point of {where} must lie in the photo's {size[1]}x{size[0]} pixels, "
                f"got [{x:g}, {y:g}]"
            )
        if inside not in (0, 1):
            raise InputError(f"each point of {where} ends in 1 (inside) or 0, got {inside:g}")
    if not any(inside for _, _, inside in rows):
        raise InputError(f"{where} needs at least one point inside the object: [x, y, 1]")
    return Points([(x, y) for x, y, _ in rows], [bool(inside) for _, _, inside in rows])
