"""What a person has made so far: objects, the scene made of them, what was moved in it.

A state is never changed; each command gives a new one, so that undo is keeping the old one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reparo.errors import InputError
from reparo.files import checks
from reparo.files.names import check_name

POSE = 8  # numbers: translation, quaternion (real part first), scale
Pose = tuple[float, ...]  # world_from_object, as in rounds.json
Click = tuple[float, float, bool]  # x, y in px of the photo; inside the object or not


@dataclass(frozen=True)
class Thing:
    """One object in the photo."""

    name: str  # unique, safe as a file's name
    mask: str  # the mask's file, called after its content
    clicks: tuple[Click, ...] = ()  # that made it; none where a box or the search did


@dataclass(frozen=True)
class State:
    """Everything that undo brings back."""

    things: tuple[Thing, ...] = ()
    scene: str | None = None  # the result that is shown, a folder in results/
    moved: Mapping[str, Pose] = field(default_factory=dict)  # by hand since, by name
    said: str = "start"  # what the last command did, in words

    @property
    def names(self) -> tuple[str, ...]:
        """The objects' names, oldest first."""
        return tuple(thing.name for thing in self.things)

    @property
    def outlines(self) -> dict[str, str]:
        """Each object's mask, by name: all of them that a scene is made of."""
        return {thing.name: thing.mask for thing in self.things}

    def thing(self, name: str) -> Thing:
        """The object of that name."""
        for thing in self.things:
            if thing.name == name:
                return thing
        known = ", ".join(self.names) or "none yet"
        raise InputError(f"there is no object {name!r}; there are: {known}")

    def free_name(self, stem: str = "object") -> str:
        """A name that is not taken: object-1, object-2, ..."""
        number = 1
        while f"{stem}-{number}" in self.names:
            number += 1
        return f"{stem}-{number}"

    def added(self, *things: Thing) -> "State":
        """With these objects too."""
        words = f"{', '.join(thing.name for thing in things)} found"
        return replace(self, things=(*self.things, *things), said=words)

    def changed(self, name: str, mask: str, clicks: Sequence[Click] = ()) -> "State":
        """With another outline for one object."""
        other = replace(self.thing(name), mask=mask, clicks=tuple(clicks))
        return replace(self, things=self._with(name, other), said=f"outline of {name} changed")

    def renamed(self, old: str, new: str) -> "State":
        """With another name for one object; what people type becomes safe in files."""
        safe = safe_name(new)
        others = [name for name in self.names if name != old]
        if safe.casefold() in map(str.casefold, others):  # some disks take Cup and cup for one
            raise InputError(f"there is an object {safe!r} already; choose another name")
        other = replace(self.thing(old), name=safe)
        return replace(self, things=self._with(old, other), said=f"{old} renamed to {safe}")

    def deleted(self, name: str) -> "State":
        """Without one object."""
        self.thing(name)
        kept = tuple(thing for thing in self.things if thing.name != name)
        return replace(self, things=kept, said=f"{name} deleted")

    def merged(self, name: str, other: str, mask: str) -> "State":
        """With `other` taken into `name`, whose outline is now `mask`."""
        if name == other:
            raise InputError("two different objects were wanted to merge; choose another")
        self.thing(other)
        merged = self.deleted(other).changed(name, mask)
        return replace(merged, said=f"{other} merged into {name}")

    def made(self, scene: str, words: str) -> "State":
        """With a new result, in which nothing was moved yet."""
        return replace(self, scene=scene, moved={}, said=words)

    def placed(self, name: str, pose: Pose) -> "State":
        """With one object of the scene moved by hand."""
        return replace(self, moved={**self.moved, name: pose}, said=f"{name} moved")

    def _with(self, name: str, other: Thing) -> tuple[Thing, ...]:
        return tuple(other if thing.name == name else thing for thing in self.things)

    def as_json(self) -> dict[str, Any]:
        """For session.json."""
        things = [
            {"name": thing.name, "mask": thing.mask, "clicks": [list(one) for one in thing.clicks]}
            for thing in self.things
        ]
        moved = {name: list(pose) for name, pose in self.moved.items()}
        return {"things": things, "scene": self.scene, "moved": moved, "said": self.said}

    @classmethod
    def from_json(cls, value: Any, where: str) -> "State":
        """Undoes `as_json`."""
        entry = checks.table(value, where, ("things", "scene", "moved", "said"), ())
        things = tuple(_thing(one, where) for one in entry["things"])
        moved = {
            check_name(name, where): tuple(checks.numbers(pose, where, POSE).tolist())
            for name, pose in entry["moved"].items()
        }
        scene = entry["scene"] and check_name(str(entry["scene"]), where)
        return cls(things, scene, moved, str(entry["said"]))


def safe_name(typed: str) -> str:
    """What was typed as a name for files: "red chair" becomes red-chair."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", typed.strip()).strip("-.")[:60]
    if not name:
        raise InputError(f"a name has letters or digits, got {typed[:60]!r}; type another")
    return name


def _thing(value: Any, where: str) -> Thing:
    entry = checks.table(value, where, ("name", "mask", "clicks"), ())
    clicks = tuple((float(x), float(y), bool(inside)) for x, y, inside in entry["clicks"])
    return Thing(check_name(entry["name"], where), check_name(entry["mask"], where), clicks)
