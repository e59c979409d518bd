"""A result as notebooks show it: photo, render and difference, and what is known of each object."""

import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from reparo.report.page_parts import duration, percent
from reparo.report.page_pictures import webp, within
from reparo.scene.notebook import FACTS, counted, framed, object_facts, table

if TYPE_CHECKING:
    from reparo.api.results import Reconstruction

WIDEST = 1200  # px of the picture
COLUMNS = ("fit", "in sight")


def result_html(found: "Reconstruction") -> str:
    """Self-contained, a few dozen kilobytes."""
    scene, solution = found.scene, found.solution
    took = duration(sum(solution.seconds.values()))
    said = f"{counted(scene)}, laid out by {solution.method} in {took}; {solution.stopped}"
    unit = " in metres" if found.world.metric else ""
    rows = [
        [name, *facts, *(_share(report.confidence.get(key)) for key in ("fit", "visible"))]
        for name, facts, report in zip(
            scene.names, object_facts(scene), solution.objects, strict=True
        )
    ]
    head = ["object", *(f"{fact}{unit}" for fact in FACTS[:2]), *FACTS[2:], *COLUMNS]
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return framed(said, _picture(found), table(head, rows), f"<ul>{notes}</ul>" if notes else "")


def _picture(found: "Reconstruction") -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "preview.png"
        found.write_preview(path)
        with Image.open(path) as image:
            source = webp(within(image.convert("RGB"), WIDEST))
    style = "max-width:100%;border-radius:6px;margin-bottom:8px"
    return f'<img src="{source}" alt="Photo, render and difference" style="{style}">'


def _share(value: float | None) -> str:
    return "" if value is None else percent(value)
