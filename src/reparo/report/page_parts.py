"""The parts of a page as elements: whatever text goes in is text when it comes out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from reparo.report.page_pictures import crop, cut, cut_out, stencil, webp
from reparo.report.page_source import Made, Seen, flat
from reparo.report.pictures import PALETTE
from reparo.scene import ObjectReport

CONFIDENCE = {  # layout.json's key -> its name here
    "fit": "Fit",
    "visible": "In sight",
    "distance": "Distance",
    "scale": "Size",
}
NOTABLE = 0.01  # of an object's size: a gap or an overlap worth a sentence
GUESSED = 0.25  # confidence below which a distance or a size is called a guess
NOTHING = 5e-5  # what is smaller is rounding, not a measurement
DIGEST = 64  # letters of a SHA-256, of which a person needs few


def tag(name: str, *children: Element | str, **attributes: str) -> Element:
    """An element; `class_` is the attribute class, `aria_label` is aria-label."""
    fixed = {key.strip("_").replace("_", "-"): value for key, value in attributes.items()}
    element = Element(name, fixed)
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + child
        else:
            element.text = (element.text or "") + child
    return element


def html(*elements: Element) -> str:
    """Elements as HTML."""
    return "\n".join(tostring(one, encoding="unicode", method="html") for one in elements)


def bar(share: float) -> Element:
    """A bar that is so full, 0..1; for the eye alone, the number stands beside it."""
    box = tag("svg", class_="bar", viewBox="0 0 100 6", preserveAspectRatio="none")
    box.set("aria-hidden", "true")
    full = f"{100 * min(max(share, 0.0), 1.0):.1f}"
    SubElement(box, "rect", {"class": "track", "width": "100", "height": "6"})
    SubElement(box, "rect", {"class": "full", "width": full, "height": "6"})
    return box


def row(index: int, name: str, report: ObjectReport) -> Element:
    """An object in the list beside the scene: a switch to show it, a button to select it."""
    switch = tag("input", type="checkbox", role="switch", checked="checked", aria_label=shown(name))
    fit = report.confidence.get("fit")
    parts = [tag("span", class_="dot"), tag("span", name, class_="name")]
    if fit is not None:
        parts.append(tag("span", percent(fit), class_="fit", title="Fit"))
    button = tag("button", *parts, type="button", class_="pick", aria_pressed="false")
    return tag("li", switch, button, class_=f"object {colour(index)}", data_index=str(index))


def shown(name: str) -> str:
    """What an object's switch is called."""
    return f"Show {name}"


def card(index: int, name: str, seen: Seen, report: ObjectReport) -> Element:
    """One object: in the photo, cut out, as a mesh, and what is known of it."""
    pictures = [
        figure(in_photo(index, name, seen), f"{name} in the photo", "In the photo"),
        cut_figure(name, seen),
        mesh_figure(index, name),
    ]
    title = tag("h3", tag("span", class_="dot"), tag("span", name, class_="name"))
    told = tag("p", verdict(report), class_="verdict")
    body = [title, told, tag("div", *pictures, class_="pictures"), measures(report)]
    return tag("article", *body, class_=f"card {colour(index)}", id=f"object-{index}")


def in_photo(index: int, name: str, seen: Seen) -> str:
    """The photo around the object, as a data URI."""
    mask = seen.masks[name]
    return webp(crop(seen.photo, mask, seen.full_masks.get(name, mask), paint(index)))


def cut_figure(name: str, seen: Seen) -> Element:
    """The completed cut-out where there is one, else what the photo shows."""
    file: Path | None = seen.cutouts.get(name)
    if file is not None:
        return figure(webp(cut_out(file)), f"{name}, completed", "Cut out, completed", "clear")
    picture = webp(cut(seen.photo, seen.masks[name]))
    return figure(picture, f"{name}, cut out", "Cut out of the photo", "clear")


def figure(source: str, words: str, caption: str, kind: str = "") -> Element:
    """A picture with a caption."""
    image = tag("img", src=source, alt=words)
    return tag("figure", tag("div", image, class_=f"well {kind}"), tag("figcaption", caption))


def mesh_figure(index: int, name: str) -> Element:
    """Where the mesh is drawn and turned."""
    words = f"The mesh of {name}. Arrow keys turn it."
    canvas = tag("canvas", class_="mesh", tabindex="0", role="img", aria_label=words)
    canvas.set("data-index", str(index))
    caption = tag("figcaption", "Mesh ", tag("span", class_="triangles"))
    return tag("figure", tag("div", canvas, class_="well clear"), caption)


def measures(report: ObjectReport) -> Element:
    """Confidence as bars, then whatever was measured, folded away."""
    lines = []
    known = sorted(report.confidence, key=lambda key: [*CONFIDENCE, key].index(key))
    for key in known:
        value, name = report.confidence[key], CONFIDENCE.get(key, key)
        lines.append(tag("div", tag("dt", name), tag("dd", bar(value), percent(value))))
    numbers = {f"error of {key}": value for key, value in report.losses.items()}
    numbers |= {"deepest inside another": report.penetration, "gap below": report.gap}
    size = tag("tr", tag("th", "wide, high, deep", scope="row"), tag("td"), class_="size")
    size.set("hidden", "hidden")  # until the page's script has measured it
    rows = [size]
    rows += [
        tag("tr", tag("th", key, scope="row"), tag("td", number(value)))
        for key, value in numbers.items()
    ]
    more = tag("details", tag("summary", "All numbers"), tag("table", tag("tbody", *rows)))
    return tag("div", tag("dl", *lines, class_="confidence"), more)


def verdict(report: ObjectReport) -> str:
    """How the object came out, in a sentence or two."""
    fit, seen = report.confidence.get("fit", 1.0), report.confidence.get("visible", 1.0)
    levels = ((0.75, "Fits the photo well"), (0.5, "Fits the photo roughly"), (0.3, "Doubtful"))
    words = next((text for least, text in levels if fit >= least), "Not found in the photo")
    said = [words + (", though mostly hidden" if seen < 0.5 else "")]
    if report.penetration > NOTABLE:
        said.append(f"It reaches {percent(report.penetration)} of its size into another")
    if report.gap > NOTABLE:
        said.append(f"It floats {percent(report.gap)} of its size above what it stands on")
    if report.gap < -NOTABLE:
        said.append(f"It is sunk by {percent(-report.gap)} of its size")
    guessed = [
        word
        for key, word in (("distance", "distance"), ("scale", "size"))
        if report.confidence.get(key, 1.0) < GUESSED
    ]
    if guessed:
        said.append(f"The photo hardly fixes its {' and its '.join(guessed)}")
    return ". ".join(said) + "."


def notes(lines: Sequence[str]) -> list[Element]:
    """What was assumed or is doubtful; nothing where there is nothing to say."""
    if not lines:
        return []
    items = [tag("li", line) for line in lines]
    head = tag("h2", "Good to know", id="notes-title")
    inside = [head, tag("ul", *items)]
    return [tag("section", *inside, class_="notes", aria_labelledby="notes-title")]


def steps(made: Sequence[Made], rounds: Mapping[str, float]) -> Element:
    """A table of what was done, by what, in which time; settings folded away.

    `rounds`: seconds of the parts of finding the places.
    """
    longest = max([one.seconds or 0.0 for one in made] + [1e-9])
    body = []
    for one in made:
        time = [bar(one.seconds / longest), duration(one.seconds)] if one.seconds else ["not noted"]
        what = tag("th", one.what, scope="row")
        body.append(tag("tr", what, tag("td", *_by(one)), tag("td", *time, class_="time")))
    total = sum(rounds.values())
    parts = ", ".join(f"{key} {duration(value)}" for key, value in rounds.items())
    foot = tag("caption", f"Finding the places took {duration(total)}: {parts}.") if parts else None
    head = tag("tr", *(tag("th", word, scope="col") for word in ("Step", "By", "Time")))
    children = [*([] if foot is None else [foot]), tag("thead", head), tag("tbody", *body)]
    return tag("table", *children, class_="steps")


def _by(one: Made) -> list[Element]:
    """The backend; its settings and networks folded away, where there are any."""
    lines = {key: short(value) for key, value in flat(one.settings).items()}
    for name, facts in one.networks.items():
        source = str(facts.get("from", ""))
        more = [str(fact) for key, fact in facts.items() if key != "from"]
        told = [source, *(fact for fact in more if fact not in source)]  # which has the version
        lines[f"network {name}"] = ", ".join(filter(None, told))
    if not lines:
        return [tag("span", one.by)]
    rows = [
        tag("tr", tag("th", key, scope="row"), tag("td", value)) for key, value in lines.items()
    ]
    return [tag("details", tag("summary", one.by), tag("table", tag("tbody", *rows)))]


def short(value: str) -> str:
    """Digests cut to what a person compares."""
    return " ".join(word[:8] if len(word) == DIGEST else word for word in value.split(" "))


def tint(index: int, seen: Seen, name: str) -> Element:
    """An object's mask, to be laid over the photo when it is selected."""
    image = tag("img", src=stencil(seen.masks[name], paint(index)), alt="", hidden="hidden")
    image.set("data-index", str(index))
    return image


def percent(share: float) -> str:
    """0.873 as 87 %, with a narrow space that does not break."""
    return f"{100 * share:.0f}\u202f%"


def number(value: float) -> str:
    """Four digits of a measurement."""
    return "0" if abs(value) < NOTHING else f"{value:.4g}"


def duration(seconds: float) -> str:
    """As people say it."""
    if seconds >= 60:
        whole = round(seconds)
        return f"{whole // 60} min {whole % 60} s"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"


def paint(index: int) -> tuple[int, int, int]:
    """An object's colour on pictures."""
    return PALETTE[index % len(PALETTE)]


def colour(index: int) -> str:
    """The class that gives an object its colour on the page."""
    return f"c{index % len(PALETTE)}"
