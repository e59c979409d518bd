"""Scenes as notebooks show them: a table that keeps to the notebook's own colours."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from reparo.scene.scene import Scene

CELL = "padding:3px 12px 3px 0;text-align:left;font-variant-numeric:tabular-nums"
HEAD = f"{CELL};font-weight:600;border-bottom:1px solid currentColor"


def scene_html(scene: "Scene") -> str:
    """Each object's middle and size in the world, and how fine its mesh is."""
    height, width = scene.camera.size
    said = f"camera of {scene.camera.fov_y_deg:.0f}°, {width} x {height} px"
    rows = [[name, *facts] for name, facts in zip(scene.names, object_facts(scene), strict=True)]
    return framed(f"Scene: {counted(scene)}, {said}", table(["object", *FACTS], rows))


FACTS = ("middle (x, y, z)", "size (x, y, z)", "triangles")


def object_facts(scene: "Scene") -> list[list[str]]:
    """For each object, what stands in the columns `FACTS`."""
    facts = []
    for index, mesh in enumerate(scene.meshes):
        placed = scene.layout[index].apply(mesh.vertices)
        low, high = placed.amin(0), placed.amax(0)
        facts.append([_point((low + high) / 2), _point(high - low), f"{len(mesh.faces):,}"])
    return facts


def counted(scene: "Scene") -> str:
    """How many objects there are."""
    return "1 object" if len(scene.names) == 1 else f"{len(scene.names)} objects"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells hold text: whatever stands in them is escaped."""
    lines = [_row("th", head, HEAD), *(_row("td", row, CELL) for row in rows)]
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>'


def framed(title: str, *parts: str) -> str:
    """A block with a title; the parts are HTML."""
    head = f'<div style="font-weight:600;margin-bottom:6px">{escape(title)}</div>'
    return f'<div class="reparo" style="overflow-x:auto">{head}{"".join(parts)}</div>'


def _row(kind: str, cells: Sequence[str], style: str) -> str:
    inside = "".join(f'<{kind} style="{style}">{escape(cell)}</{kind}>' for cell in cells)
    return f"<tr>{inside}</tr>"


def _point(values: torch.Tensor) -> str:
    return ", ".join(f"{value + 0.0:.2f}" for value in values.detach().cpu().tolist())
