"""batch.html: all photos of a batch and what came of them, on pages that need no network."""

import os
from collections.abc import Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote
from xml.etree.ElementTree import Element

from reparo.batch.photos import Line, Task
from reparo.files.folder import whole_file
from reparo.report.page import file_text, policy
from reparo.report.page_parts import duration, html, tag
from reparo.report.page_pictures import data_uri

PAGE = 600  # photos a page: some 10 MB
LINKS = (("report.html", "Report"), ("scene.glb", "scene.glb"))

Known = tuple[Task, Line | None]
"""A photo and its last line; None: nobody was at it yet."""


def write_sheet(out: Path, known: Sequence[Known]) -> None:
    """`batch.html`, and `batch-2.html` and so on where there are many; each whole or not at all."""
    pages = [known[start : start + PAGE] for start in range(0, len(known), PAGE)]
    for index, page in enumerate(pages):
        with whole_file(out / page_name(index)) as path:
            text = _page(page, known, (index, len(pages)))
            path.write_text(text, encoding="utf-8", errors="replace")  # names may be no text
    for stale in range(len(pages), len(pages) + 1000):
        path = out / page_name(stale)
        if not path.exists():
            break
        path.unlink()


def page_name(index: int) -> str:
    """The first page's name has no number."""
    return "batch.html" if index == 0 else f"batch-{index + 1}.html"


def _page(page: Sequence[Known], known: Sequence[Known], place: tuple[int, int]) -> str:
    style = file_text("page.css") + _file("sheet.css")
    script = f'(() => {{\n"use strict";\n{_file("sheet.js")}\n}})();\n'
    counts = {kind: sum(state(line) == kind for _, line in page) for kind in KINDS}
    return Template(_file("sheet.html")).substitute(
        policy=policy(style, (script,)),
        style=style,
        script=script,
        title=escape(_title(known)),
        summary=escape(_summary(known)),
        filters=html(*_filters(counts)),
        cards=html(*(_card(task, line) for task, line in page)),
        pages=html(*_pages(*place)),
        version=escape(version("reparo3d")),
    )


KINDS = {"done": "Done", "failed": "Failed", "waiting": "Not yet"}


def state(line: Line | None) -> str:
    """How it stands with a photo."""
    if line is None:
        return "waiting"
    return "done" if line.get("done") else "failed"


def _title(known: Sequence[Known]) -> str:
    done = sum(state(line) == "done" for _, line in known)
    if done == len(known):
        return "One photo" if done == 1 else f"{done} photos"
    return f"{done} of {len(known)} photos"


def _summary(known: Sequence[Known]) -> str:
    """How many objects, how long, and what is lacking."""
    lines = [line for _, line in known if line is not None]
    made = [line for line in lines if line.get("done")]
    words = [f"{sum(len(line.get('objects', [])) for line in made)} objects"]
    if made:
        mean = sum(_seconds(line) for line in made) / len(made)
        words.append(f"{duration(mean)} a photo")
    words += [f"{len(lines) - len(made)} failed"] if len(lines) > len(made) else []
    words += [f"{len(known) - len(lines)} to come"] if len(known) > len(lines) else []
    ends = [str(line["at"]) for line in lines if "at" in line]
    words += [f"last on {max(ends)[:16].replace('T', ' at ')} UTC"] if ends else []
    return ", ".join(words) + "."


def _filters(counts: dict[str, int]) -> list[Element]:
    """A button a kind of photo; the first shows all."""
    buttons = [_filter("all", "All", sum(counts.values()), "true")]
    buttons += [_filter(kind, KINDS[kind], count, "false") for kind, count in counts.items()]
    return buttons


def _filter(kind: str, words: str, count: int, pressed: str) -> Element:
    number = tag("span", str(count), class_="count")
    button = tag("button", f"{words} ", number, type="button", aria_pressed=pressed)
    button.set("data-kind", kind)
    if not count and kind != "all":
        button.set("disabled", "disabled")
    return button


def _card(task: Task, line: Line | None) -> Element:
    kind, name = state(line), task.photo.name
    line = line or {}
    children = [_picture(task, kind), tag("h2", name, class_="photo-name")]
    if kind == "done":
        children += [_facts(line), _links(task, line)]
    else:
        words = str(line.get("error", "")) or "Nobody was at it yet."
        children.append(tag("p", words, class_="reason"))
    if said := [str(one) for one in line.get("notes", [])]:
        count = "1 note" if len(said) == 1 else f"{len(said)} notes"
        listed = tag("ul", *(tag("li", one) for one in said))
        children.append(tag("details", tag("summary", count), listed))
    card = tag("article", *children, class_=f"shot {kind}", tabindex="-1")
    for key, value in (
        ("kind", kind),
        ("name", name.casefold()),
        ("seconds", f"{_seconds(line):.2f}"),
        ("objects", str(len(line.get("objects", [])))),
    ):
        card.set(f"data-{key}", value)
    return card


def _picture(task: Task, kind: str) -> Element:
    """Photo and scene side by side, the photo alone, or a word where there is neither."""
    if not task.thumbnail.is_file():
        return tag("div", tag("span", "no picture"), class_="strip empty")
    source = data_uri("image/webp", task.thumbnail.read_bytes())
    words = f"{task.photo.name}: photo and scene" if kind == "done" else task.photo.name
    image = tag("img", src=source, alt=words, loading="lazy")
    return tag("div", image, class_="strip")


def _facts(line: Line) -> Element:
    names = [str(name) for name in line.get("objects", [])]
    count = "1 object" if len(names) == 1 else f"{len(names)} objects"
    return tag("p", f"{count}, {duration(_seconds(line))}", class_="facts", title=", ".join(names))


def _links(task: Task, line: Line) -> Element:
    links = [
        tag("a", words, href=_address(task, name), class_="button")
        for name, words in LINKS
        if (task.folder / name).is_file()
    ]
    links += [
        tag("a", Path(name).name, href=_address(task, name), class_="button")
        for name in map(str, line.get("exports", []))
    ]
    return tag("p", *links, class_="links")


def _address(task: Task, name: str) -> str:
    """Relative, so that the folder can be moved."""
    return quote(os.fsencode(f"{task.folder.name}/{name}"))


def _pages(index: int, count: int) -> list[Element]:
    if count == 1:
        return []
    links = [
        tag("a", str(one + 1), href=page_name(one), class_="button", **_current(one == index))
        for one in range(count)
    ]
    return [tag("nav", "Pages ", *links, class_="pages", aria_label="Pages")]


def _current(here: bool) -> dict[str, str]:
    return {"aria_current": "page"} if here else {}


def _seconds(line: Line) -> float:
    value = line.get("seconds")
    return float(value) if isinstance(value, int | float) else 0.0


def _file(name: str) -> str:
    return (files("reparo.batch") / "page_files" / name).read_text(encoding="utf-8")
