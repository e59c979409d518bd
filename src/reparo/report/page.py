"""report.html: a result in one file that needs no network and no server.

All that changes from result to result goes in as elements (`page_parts`) or as JSON. The page's own
policy allows its own scripts and style alone, by their hashes, and no address outside the page.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from reparo.errors import InputError
from reparo.files import checks
from reparo.files.folder import whole_file
from reparo.files.images import open_image
from reparo.files.layout_json import LayoutFile, read_layout
from reparo.files.rounds_json import pose_rows
from reparo.report import page_parts as parts
from reparo.report.page_pictures import LONGEST, webp, within
from reparo.report.page_source import Seen, seen_in
from reparo.report.pictures import PALETTE, boxes

REPORT = "report.html"
SCRIPTS = ("view.js", "stage.js", "replay.js", "cards.js", "main.js")  # one script, in this order
MOST = 96 << 20  # bytes of a scene.glb; a browser chokes on more in a page
PREVIEW = 720  # px, longest side of each of its pictures
PREVIEW_WORDS = (  # caption and description of each
    ("The photo", "The photo"),
    ("The scene, as its camera sees it", "The scene on a plain ground"),
    ("Where colours differ: orange a little, red much", "The difference between photo and scene"),
)


def write_page(path: Path, folder: Path, seen: Seen) -> None:
    """Writes the report on a folder with layout.json, scene.glb and preview.png."""
    layout = read_layout(folder / "layout.json")
    if missing := sorted(set(layout.names) - set(seen.masks)):
        raise InputError(f"the object {missing[0]!r} has no mask; lay it out anew")
    notes = checks.read_json(folder / "layout.json").get("notes", [])
    said = notes if isinstance(notes, list) else [notes]
    scene = folder / "scene.glb"
    fits = scene.stat().st_size <= MOST
    lines = [str(line) for line in said] + ([] if fits else ["scene.glb is too large for a page"])
    style, vendor, script = _style(), file_text("vendor/three.js"), _script()
    photo = within(seen.photo, LONGEST)
    reports = list(zip(layout.names, layout.solution.objects, strict=True))
    page = Template(file_text("page.html")).substitute(
        policy=policy(style, (vendor, script)),
        style=style,
        vendor=vendor,
        script=script,
        title=escape(_counted(len(reports))),
        names=escape(_listed(layout.names)),
        summary=escape(_summary(layout, seen)),
        notes=parts.html(*parts.notes(lines)),
        photo=webp(photo),
        tints=parts.html(*(parts.tint(i, seen, name) for i, name in enumerate(layout.names))),
        rows=parts.html(*(parts.row(i, *one) for i, one in enumerate(reports))),
        cards=parts.html(
            *(parts.card(i, name, seen, report) for i, (name, report) in enumerate(reports))
        ),
        preview=_preview(folder / "preview.png"),
        steps=parts.html(parts.steps(seen.made, layout.solution.seconds)),
        version=escape(version("reparo3d")),
        licence=escape(file_text("vendor/three.LICENSE.txt")),
        data=_json(_data(layout, seen, photo.size)),
        scene=base64.b64encode(scene.read_bytes()).decode() if fits else "",
    )
    path.write_text(page, encoding="utf-8")


def remake(out: Path) -> Path:
    """Writes the report of a run's folder anew, from its files."""
    seen = seen_in(out)
    with whole_file(out / REPORT) as path:
        write_page(path, out, seen)
    return out / REPORT


def _data(layout: LayoutFile, seen: Seen, size: tuple[int, int]) -> dict[str, Any]:
    """What the scripts read; poses are [translation, quaternion (real part first), scale]."""
    camera = layout.camera((size[1], size[0]))
    pose = camera.world_from_camera
    rounds = [
        {"step": one.step, "index": one.index, "poses": pose_rows(one.layout)}
        for one in seen.rounds
    ]
    return {
        "names": list(layout.names),
        "camera": {
            "fov_y_deg": layout.fov_y_deg,
            "aspect": size[0] / size[1],
            "pose": [*pose.translation.tolist(), *pose.wxyz.tolist(), 1.0],
        },
        "poses": pose_rows(layout.solution.layout),
        "rounds": rounds,
    }


def _json(data: Mapping[str, Any]) -> str:
    """JSON that may stand in a script element: no < can end it or open a comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def policy(style: str, scripts: Sequence[str]) -> str:
    """Content-Security-Policy: nothing from outside, no script but ours."""
    hashes = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; img-src data: blob:; connect-src data: blob:; "
        f"style-src {_hash(style)}; script-src {hashes}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _style() -> str:
    """The style sheet, and a class a colour of the objects' palette."""
    colours = [f".c{i}{{--own:rgb{colour}}}" for i, colour in enumerate(PALETTE)]
    return file_text("page.css") + "\n".join(colours) + "\n"


def _script() -> str:
    """All of our scripts, in one scope of their own."""
    body = "\n".join(file_text(name) for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{body}\n}})();\n'


def file_text(name: str) -> str:
    """One of the pages' own files."""
    return (files("reparo.report") / "page_files" / name).read_text(encoding="utf-8")


def _preview(path: Path) -> str:
    if not path.is_file():
        return ""
    image = open_image(path).convert("RGB")
    pictures = [within(image.crop(box), PREVIEW) for box in boxes(image.size, 3)]
    pairs = zip(pictures, PREVIEW_WORDS, strict=True)
    return parts.html(*(parts.figure(webp(one), alt, said) for one, (said, alt) in pairs))


def _summary(layout: LayoutFile, seen: Seen) -> str:
    """How the scene was made, in a sentence."""
    took = parts.duration(sum(layout.solution.seconds.values()))
    known = [one.seconds for one in seen.made if one.seconds is not None]
    if seen.made and len(known) == len(seen.made) > 1:
        took += f" of {parts.duration(sum(known))} in all"
    method, stopped = layout.solution.method, layout.solution.stopped
    return f"Laid out by the method “{method}” in {took}; {stopped}."


def _counted(count: int) -> str:
    return "One object from one photo" if count == 1 else f"{count} objects from one photo"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
