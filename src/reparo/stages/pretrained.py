"""Networks in the model hub's folder layout, read from a local folder through `transformers`.

The folder holds config.json, model.safetensors (or its parts and their index) and
preprocessor_config.json. Nothing is fetched, nothing pickled is read, no code of the folder's is
run. Every weight that the network has must be in the file: none is made up at random.
"""

import gc
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch

from reparo import models
from reparo.errors import InputError, MissingExtra
from reparo.files.checks import read_json

Precision = Literal["float32", "float16", "bfloat16"]
Loaded = TypeVar("Loaded")

EXTRA = "pip install 'reparo3d[paper]'"

_kept: dict[Hashable, Any] = {}


@dataclass(frozen=True)
class Network:
    """Which class of `transformers` reads which folders."""

    cls: str  # in transformers
    types: tuple[str, ...]  # config.json's model_type
    example: str  # a repository that has it


@dataclass(frozen=True)
class Place:
    """Where a network computes, and in which numbers."""

    device: str = "auto"
    precision: Precision = "float32"

    def chosen(self) -> tuple[torch.device, torch.dtype]:
        """The device that `auto` means here, and torch's name for the numbers."""
        device = torch.device(_best() if self.device == "auto" else self.device)
        if device.type == "cpu" and self.precision == "float16":
            raise InputError(
                "float16 needs a GPU, and this is computed on the cpu; take float32 or bfloat16"
            )
        return device, getattr(torch, self.precision)


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def only_one(key: Hashable, make: Callable[[], Loaded]) -> Loaded:
    """What was made for this key last time, if nothing else was made since.

    One slot for all stages: what another stage kept is let go before `make` begins, so that no two
    networks are in memory at once. Where networks are to stay (`models.keeping`), so does this one.
    """
    if key not in _kept:
        if not models.kept():
            forget()
        _kept[key] = make()
    return _kept[key]


def forget() -> None:
    """Lets go of the network that is kept, if there is one."""
    if _kept:
        _kept.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def read_config(folder: Path, networks: tuple[Network, ...]) -> tuple[Network, dict[str, Any]]:
    """Which of these networks the folder holds, and its config.json."""
    wanted = " or ".join(network.example for network in networks)
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(
            f"a network's folder as in {wanted} was wanted, but {folder} has no config.json; "
            "give the folder that holds it"
        )
    table = read_json(path)
    kind = table.get("model_type") if isinstance(table, dict) else None
    for network in networks:
        if kind in network.types:
            return network, table
    raise InputError(
        f"a network as in {wanted} was wanted, but {path} says model_type {kind!r}; give the "
        "folder of such a network"
    )


def load(folder: Path, network: Network, table: dict[str, Any], place: Place) -> Any:
    """The frozen network with the folder's weights, all of them; `table` is its config.json."""
    if not any(folder.glob("model*.safetensors")):
        raise InputError(
            f"{folder} must hold model.safetensors, and has none; pickled weights are not read, "
            "take a folder with safetensors"
        )
    device, dtype = place.chosen()
    library = transformers()
    shown = library.utils.logging.is_progress_bar_enabled()
    library.utils.logging.disable_progress_bar()
    try:
        made = getattr(library, network.cls)
        model, report = made.from_pretrained(
            folder,
            config=made.config_class.from_dict(table),
            local_files_only=True,
            use_safetensors=True,
            dtype=dtype,
            output_loading_info=True,
        )
    except MemoryError:
        raise
    except Exception as error:  # transformers and safetensors fail in many ways on a bad file
        raise InputError(
            f"{folder} could not be read as a {network.cls} ({_first_line(error)}); bring the "
            "folder anew"
        ) from error
    finally:
        if shown:
            library.utils.logging.enable_progress_bar()
    if lacking := [*report["missing_keys"], *report["mismatched_keys"]]:
        raise InputError(
            f"{folder} lacks {len(lacking)} weights of a {network.cls}, such as "
            f"{sorted(map(str, lacking))[0]}; bring the folder anew"
        )
    return model.to(device).eval().requires_grad_(False)


def transformers() -> Any:
    """The library, imported only now."""
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"this network needs the package {error.name!r}; `{EXTRA}` brings it"
        ) from error
    return transformers


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:200]
