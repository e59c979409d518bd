"""Settings: TOML to frozen records, presets, and an answer for each wrong key.

One table a stage, `use` picks the backend, the rest are its fields; `[world]` and `[align]` have
their own. What is said later wins: preset, `--config` file, `--set`, and the command's own options.
"""

import inspect
import math
import tomllib
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from functools import reduce
from importlib.resources import files
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from reparo import registry
from reparo.contracts import Note, Progress, unsaid
from reparo.errors import InputError
from reparo.layout.settings import AlignSettings
from reparo.scene import Ground

STAGES = ("segment", "depth", "complete", "reconstruct")
LISTENERS = ("progress", "note")  # fields that the pipeline fills, and nobody else
CIRCUMSTANCES = ("device", "seconds", "retries", "token_variable", "logs")

Table = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """One stage's backend: its name, and the fields it is built with."""

    stage: str
    use: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings that change a result; where and how patiently it is made are not."""
        return {key: value for key, value in self.fields.items() if key not in CIRCUMSTANCES}

    @property
    def values(self) -> list[str]:
        """What the backend's fields are set to, as text, said or not."""
        parameters = inspect.signature(registry.find(self.stage, self.use)).parameters
        fields = {name: parameter.default for name, parameter in parameters.items()}
        return [str(value) for value in (fields | dict(self.fields)).values()]

    def create(
        self,
        progress: Progress | None = None,
        logs: Path | None = None,
        note: Note = unsaid,
    ) -> Any:
        """Builds the backend, which gets what it has fields for.

        `progress`: who wants to know how far it is; `logs`: a folder for what programs say;
        `note`: who keeps what it says of a result.
        """
        known = _hints(registry.find(self.stage, self.use))
        offered = {"progress": progress, "logs": logs, "note": note}
        told = {key: value for key, value in offered.items() if key in known}
        return registry.create(self.stage, self.use, **{**told, **self.fields})


@dataclass(frozen=True)
class WorldSettings:
    """The world that `run` chooses: y up, ground at y = 0, the camera above it."""

    fov_y_deg: float | None = None  # None: what the photo's EXIF says, else `usual_fov_y_deg`
    usual_fov_y_deg: float = 50.0  # between a phone's 1x lens upright (64) and lengthwise (39)
    pitch_deg: float = 15.0  # downwards; a standing person's look at things on the floor or a table
    ground: Ground | None = "supported"  # on the ground, or on what the picture shows below
    height: tuple[str, float] | None = None  # an object's name and real height in metres

    def __post_init__(self) -> None:
        for name, low, high in (("fov_y_deg", 0, 180), ("usual_fov_y_deg", 0, 180)):
            value = getattr(self, name)
            if value is not None and not low < value < high:
                raise InputError(f"world.{name} lies between {low} and {high} degrees, got {value}")
        if not 0 < self.pitch_deg < 90:
            raise InputError(f"world.pitch_deg lies between 0 and 90, got {self.pitch_deg}")
        if self.height and not 0 < self.height[1] < math.inf:
            raise InputError(f"a height is a number of metres above 0, got {self.height[1]}")


PACKAGED = Choice("features", "vit")  # unless said otherwise


@dataclass(frozen=True)
class LicenceSettings:
    """What the user agrees to."""

    accept: tuple[str, ...] = ()  # names of licences that restrict use, such as CC-BY-NC-4.0


@dataclass(frozen=True)
class Settings:
    """All that `run` can be told, checked."""

    segment: Choice
    depth: Choice
    complete: Choice
    reconstruct: Choice
    world: WorldSettings
    align: AlignSettings
    licences: LicenceSettings = LicenceSettings()
    features: Choice = PACKAGED  # for the paper's semantic loss
    device: str = "auto"  # where the method "paper" lays out


def load(
    preset: str = "embedded",
    config: Path | None = None,
    overrides: Sequence[Table] = (),
    *,
    device: str = "auto",
    seed: int = 0,
) -> Settings:
    """Reads the preset, lays `config` and then `overrides` over it, checks every key and value."""
    layers = [_preset(preset), *([_read(config)] if config else []), *overrides]
    tables = reduce(overlaid, layers, {})
    known = (*STAGES, "features", "world", "align", "licences")
    for name, table in tables.items():
        if name not in known:
            raise InputError(f"there are no settings {name!r}; there are: {', '.join(known)}")
        if not isinstance(table, dict):
            raise InputError(f"the settings {name!r} are a table, got {table!r}")
    again = _finds_again(tables.get("segment", {}), layers[0].get("segment", {}))
    common = {"device": device, "seed": seed, "segmenter": again}
    choices = {stage: _choice(stage, tables.get(stage, {}), common) for stage in STAGES}
    world = WorldSettings(**checked("world", WorldSettings, tables.get("world", {})))
    offered = {name: common[name] for name in common if name in _hints(AlignSettings)}
    align = align_settings([tables], **offered)
    agreed = LicenceSettings(**checked("licences", LicenceSettings, tables.get("licences", {})))
    features = features_choice([tables])
    return Settings(
        **choices, world=world, align=align, licences=agreed, features=features, device=device
    )


def align_settings(overrides: Sequence[Mapping[str, Any]], **said: Any) -> AlignSettings:
    """How to lay out: what is `said`, under the tables [align] of the overrides."""
    table = reduce(overlaid, [dict(one.get("align", {})) for one in overrides], said)
    return AlignSettings(**checked("align", AlignSettings, table))


def features_choice(overrides: Sequence[Mapping[str, Any]]) -> Choice:
    """What describes pictures where the method asks for it: the tables [features], laid over."""
    table = reduce(overlaid, [dict(one.get("features", {})) for one in overrides], {"use": "vit"})
    return _choice("features", table, {})  # it computes where the layout does


def assignment(text: str) -> Table:
    """Reads one `--set`: `align.match_rounds=8` becomes {"align": {"match_rounds": 8}}."""
    key, equals, value = text.partition("=")
    names = key.strip().split(".")
    if not equals or len(names) < 2 or not all(names):
        raise InputError(f"--set wants table.key=value, as in align.seed=1, got {text!r}")
    try:
        parsed: Any = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()  # a bare word or path needs no quotes
    for name in reversed(names):
        parsed = {name: parsed}
    return parsed


def overlaid(below: Table, above: Table) -> Table:
    """Merges two tables; where `use` changes, the other backend's fields are left behind."""
    if "use" in above and above["use"] != below.get("use"):
        return above
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = overlaid(below[key], value) if both else value
    return merged


def checked(table: str, target: Callable[..., Any], values: Table) -> Table:
    """The values as `target`'s parameters want them, or an InputError that says what is right."""
    hints = {key: hint for key, hint in _hints(target).items() if key not in LISTENERS}
    for key in values:
        if key not in hints:
            raise InputError(
                f"{table} has no setting {key!r}; it has: {', '.join(hints) or 'none'}"
            )
    for name, parameter in inspect.signature(target).parameters.items():
        if parameter.default is parameter.empty and name not in values:
            raise InputError(f"{table} needs the setting {name!r}; give it")
    return {key: _fitted(f"{table}.{key}", value, hints[key]) for key, value in values.items()}


def presets() -> list[str]:
    """The names of those that come with the package."""
    folder = files("reparo") / "presets"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir())


def _preset(name: str) -> Table:
    folder, known = files("reparo") / "presets", presets()
    if name not in known:
        raise InputError(
            f"there is no preset {name!r}; there are: {', '.join(known)}; "
            "a file of yours goes to --config"
        )
    return tomllib.loads((folder / f"{name}.toml").read_text())


def _read(config: Path) -> Table:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{config} is no TOML file that can be read: {error}") from error


def _choice(stage: str, table: Table, common: Table) -> Choice:
    use = table.get("use")
    if not isinstance(use, str):
        known = ", ".join(registry.names(stage))
        raise InputError(f'{stage}.use names a backend ({known}), as in use = "given"; got {use!r}')
    backend = registry.find(stage, use)
    given = {key: value for key, value in table.items() if key != "use"}
    offered = {name: common[name] for name in common if name in _hints(backend)}
    return Choice(stage, use, checked(f"{stage} backend {use!r}", backend, offered | given))


def _finds_again(*tables: Table) -> Table | None:
    """For backends that look again: the first of these segmenters that can be asked in a box."""
    asked = ("boxes", "points", "text")  # where the photo's objects are: another picture's matter
    for table in tables:
        use = table.get("use")
        if isinstance(use, str) and "boxes" in _hints(registry.find("segment", use)):
            return {key: value for key, value in table.items() if key not in asked}
    return None


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    """Parameter names and types, in order."""
    hints = typing.get_type_hints(target)
    return {name: hints.get(name, Any) for name in inspect.signature(target).parameters}


def _fitted(name: str, value: Any, hint: Any) -> Any:
    """`value` as the type that `hint` asks for: TOML has no tuples, paths or whole floats."""
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return hint(**checked(name, hint, value))
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for option in sorted(options, key=lambda option: option is not Path):  # a path before text
        fits, result = _as(value, option)
        if fits:
            return result
    wanted = " or ".join(_in_words(option) for option in options if option is not NoneType)
    raise InputError(f"{name} is {wanted}, got {value!r}")


def _as(value: Any, hint: Any) -> tuple[bool, Any]:
    origin = get_origin(hint) or hint
    if origin is Literal:
        return value in get_args(hint), value
    if origin is Path:
        return isinstance(value, str | Path), Path(value) if isinstance(value, str) else value
    if origin is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        return fits, float(value) if fits else value
    if origin is int:
        return isinstance(value, int) and not isinstance(value, bool), value
    if origin is tuple:
        return _as_tuple(value, get_args(hint))
    if inspect.isclass(origin) and origin.__module__ == "builtins":
        return isinstance(value, origin), value
    return True, value  # anything richer is the backend's own business


def _as_tuple(value: Any, hints: tuple[Any, ...]) -> tuple[bool, Any]:
    if not isinstance(value, list | tuple):
        return False, value
    if len(hints) == 2 and hints[1] is ...:
        hints = hints[:1] * len(value)
    if hints and len(hints) != len(value):
        return False, value
    parts = [_as(item, hint) for item, hint in zip(value, hints or [Any] * len(value), strict=True)]
    return all(fits for fits, _ in parts), tuple(item for _, item in parts)


def _in_words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(option) for option in get_args(hint))
    plain = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    return plain.get(
        get_origin(hint) or hint,
        {tuple: "a list", Path: "a path"}.get(get_origin(hint) or hint, str(hint)),
    )
