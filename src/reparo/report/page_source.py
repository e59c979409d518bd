"""What a report shows, taken from a result's files or from memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from reparo.errors import InputError
from reparo.files import checks
from reparo.files.folder import is_result, is_scene
from reparo.files.images import open_image
from reparo.files.layout_json import read_layout
from reparo.files.names import check_name, inside
from reparo.files.rounds_json import read_rounds
from reparo.scene import Round, Similarity
from reparo.workspace import NOTE

STEPS = {  # folder of a run's step -> what it does, in words
    "1-segment": "Find the objects",
    "2-depth": "How far everything is",
    "3-complete": "Complete what is hidden",
    "4-reconstruct": "Make the meshes",
    "5-layout": "Find their places",
}
LAYOUT = "5-layout"


@dataclass(frozen=True)
class Made:
    """One step: by what, with which settings, in which time."""

    what: str  # in words
    by: str  # backend
    settings: Mapping[str, Any] = field(default_factory=dict)  # may be nested
    seconds: float | None = None  # None: nobody noted it
    networks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # name -> facts


@dataclass(frozen=True)
class Seen:
    """What a report shows beside layout.json, scene.glb and preview.png."""

    photo: Image.Image  # RGB
    masks: Mapping[str, Image.Image]  # L, by name: the visible part
    full_masks: Mapping[str, Image.Image] = field(default_factory=dict)  # L; hidden parts too
    cutouts: Mapping[str, Path] = field(default_factory=dict)  # RGBA files
    rounds: Sequence[Round] = ()  # in the result's own world
    made: Sequence[Made] = ()


def seen_in(out: Path) -> Seen:
    """What a run left in its folder; an `InputError` says what is missing."""
    scene = out / "scene"
    if not is_result(out) or not is_scene(scene) or not (out / "scene.glb").is_file():
        raise InputError(
            f"a report is made of layout.json, scene.glb and scene/ of a run, {out} lacks some of "
            "them; name a folder that `reparo run` left"
        )
    path = scene / "scene.json"
    top = checks.read_json(path)
    masks = dict(_mask(scene, entry, f"{path}: objects") for entry in _list(top["objects"], path))
    image = checks.text(top["image"], f"{path}: image")
    whole = {name: scene / "full_masks" / f"{name}.png" for name in masks}
    cutouts = {name: out / "steps/3-complete" / name / f"{name}.png" for name in masks}
    return Seen(
        open_image(inside(scene, image, f"{path}: image")).convert("RGB"),
        masks,
        {name: open_image(file).convert("L") for name, file in whole.items() if file.is_file()},
        {name: file for name, file in cutouts.items() if file.is_file()},
        _rounds(out),
        made_in(out / "steps"),
    )


def made_in(steps: Path) -> list[Made]:
    """How a run's steps were made, as far as their notes tell."""
    found = []
    for step, what in STEPS.items():
        notes = [_note(path) for path in sorted((steps / step).rglob(NOTE))]
        notes = [note for note in notes if note]
        if not notes:
            continue
        times = [note["seconds"] for note in notes if isinstance(note.get("seconds"), int | float)]
        networks = {name: facts for note in notes for name, facts in _dict(note, "models").items()}
        found.append(
            Made(
                what,
                ", ".join(sorted({str(note.get("backend")) for note in notes})),
                _dict(notes[0], "settings"),
                sum(times) if len(times) == len(notes) else None,
                {name: facts for name, facts in networks.items() if isinstance(facts, dict)},
            )
        )
    return found


def flat(settings: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Nested settings as lines: `paper.blur` and its value in words."""
    lines: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            lines |= flat(value, f"{above}{key}.")
        else:
            lines[above + str(key)] = _in_words(value)
    return lines


def _in_words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "not said", True: "yes", False: "no"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _mask(scene: Path, entry: Any, where: str) -> tuple[str, Image.Image]:
    table = entry if isinstance(entry, dict) else {}
    name = check_name(checks.text(table.get("name"), f"{where}.name"), f"{where}.name")
    file = inside(scene, checks.text(table.get("mask"), f"{where}.mask"), f"{where}.mask")
    return name, open_image(file).convert("L")


def _rounds(out: Path) -> tuple[Round, ...]:
    """The search's rounds; what brought its best layout to the final world brings them too."""
    folder = out / "steps" / LAYOUT
    if not (folder / "layout.json").is_file():
        return ()
    final, best = read_layout(out / "layout.json"), read_layout(folder / "layout.json")
    rounds = read_rounds(folder / "rounds.json", best.names)
    if final.names != best.names:
        return ()
    moved = final.solution.layout @ best.solution.layout.inverse()
    return tuple(Round(one.step, one.index, _unit(moved @ one.layout)) for one in rounds)


def _unit(layout: Similarity) -> Similarity:
    length = layout.wxyz.norm(dim=-1, keepdim=True)
    return Similarity(layout.wxyz / length, layout.translation, layout.scale)


def _note(path: Path) -> dict[str, Any]:
    try:
        note = checks.read_json(path)
    except InputError:
        return {}
    return note if isinstance(note, dict) and "backend" in note else {}


def _dict(note: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = note.get(key)
    return value if isinstance(value, dict) else {}


def _list(value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{path}: objects must be a list; run it anew")
    return value
