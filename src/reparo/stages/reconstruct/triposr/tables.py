"""Tables of a file as frozen records; each way to be wrong has its sentence."""

import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from reparo.errors import InputError

Record = TypeVar("Record")

REFERENCE = re.compile(r"\$\{([\w.]+)\}")  # as in `in_channels: ${tokenizer.num_channels}`


def filled(
    record: type[Record], table: object, where: str, ignored: Collection[str] = ()
) -> Record:
    """The record that a table describes; keys that are not its fields must be `ignored` ones."""
    if not isinstance(table, Mapping):
        raise InputError(f"{where} is a table, got {table!r}; restore the file as published")
    known = {one.name: one for one in fields(record)}  # type: ignore[arg-type]
    for key in table:
        if key not in known and key not in ignored:
            raise InputError(
                f"{where} has the unknown key {key!r}; known are {', '.join(known)}: remove it"
            )
    for name, one in known.items():
        if name not in table and one.default is MISSING:
            raise InputError(f"{where} needs the key {name!r}, which is not there; add it")
    hints = get_type_hints(record)
    given = {name: fitted(table[name], hints[name], f"{where}: {name}") for name in known
             if name in table}  # fmt: skip
    return record(**given)


def fitted(value: Any, hint: Any, where: str) -> Any:
    """The value as the type that is wanted; YAML reads some numbers, as 1e-5, as text."""
    if get_origin(hint) is UnionType:
        if value is None:
            return None
        hint = next(option for option in get_args(hint) if option is not NoneType)
    if get_origin(hint) is Literal:
        word = "none" if value is None else value
        if word in get_args(hint):
            return word
        raise InputError(f"{where} is one of {', '.join(get_args(hint))}, got {value!r}; mend it")
    number = _number(value)
    if hint is int and isinstance(number, int) and number > 0:
        return number
    if hint is float and number is not None:
        return float(number)
    if hint in (bool, str) and isinstance(value, hint):
        return value
    words = {int: "a whole number above 0", float: "a number", bool: "true or false", str: "text"}
    raise InputError(f"{where} is {words[hint]}, got {value!r}; mend it")


def resolved(value: Any, root: Any, where: str, depth: int = 0) -> Any:
    """The same tables with each `${section.key}` replaced by what stands there."""
    if isinstance(value, Mapping):
        return {key: resolved(item, root, where, depth) for key, item in value.items()}
    found = REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return value
    target = root
    for key in found[1].split("."):
        if not isinstance(target, Mapping) or key not in target or depth > 10:
            raise InputError(f"{where}: {value} leads nowhere; put the number itself there")
        target = target[key]
    return resolved(target, root, where, depth + 1)


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
