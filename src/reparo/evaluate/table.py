"""Rows of numbers as text for people."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median

Row = Mapping[str, object]


def text_table(rows: Sequence[Row]) -> str:
    """Aligned columns: words to the left, numbers to the right."""
    names, cells = _cells(rows)
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    right = _numeric(names, rows)
    lines = [
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in (names, ["-" * width for width in widths], *cells)
    ]
    return "\n".join(lines)


def markdown_table(rows: Sequence[Row]) -> str:
    """The same as a Markdown table."""
    names, cells = _cells(rows)
    rule = ["---:" if is_number else "---" for is_number in _numeric(names, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (names, rule, *cells))


def summary(rows: Sequence[Row], by: str, higher_is_better: Sequence[str] = ()) -> list[Row]:
    """Median, mean and worst of every measure, three rows per value of the column `by`."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[by], []).append(row)
    result: list[Row] = []
    for value, members in groups.items():
        measures = [name for name, first in members[0].items() if isinstance(first, float)]
        for kind in ("median", "mean", "worst"):
            line: dict[str, object] = {by: value, "of objects": f"{kind} of {len(members)}"}
            for name in measures:
                worst = min if name in higher_is_better else max
                average = {"median": median, "mean": fmean, "worst": worst}[kind]
                line[name] = float(average([row[name] for row in members]))
            result.append(line)
    return result


def _cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return names, [[_show(row.get(name)) for name in names] for row in rows]


def _numeric(names: Sequence[str], rows: Sequence[Row]) -> list[bool]:
    return [all(isinstance(row.get(name), int | float | None) for row in rows) for name in names]


def _show(value: object) -> str:
    """Four figures at most; nothing for what is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, float):
        return str(value)
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"
