"""Reads a checkpoint's folder as it was published: `config.yaml` and `model.ckpt`."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reparo.errors import InputError, MissingExtra
from reparo.stages.reconstruct.triposr.config import read_config
from reparo.stages.reconstruct.triposr.model import TripoSr

FILES = ("model.safetensors", "model.ckpt")  # the first that is there


def load(folder: str | Path, device: str | torch.device = "cpu") -> TripoSr:
    """The network, in float32, frozen; nothing but the folder is asked.

    The ViT has the shape that `vit/config.json` says, without it that of facebook/dino-vitb16.
    """
    folder = Path(folder)
    config = read_config(folder)
    with torch.device("meta"):  # takes no memory until the weights are there
        model = TripoSr(config)
    path = _weights_file(folder)
    weights = _read(path)
    _check(path, model.state_dict(), weights)
    ready = {name: value.to(device, torch.float32) for name, value in weights.items()}
    model.load_state_dict(ready, assign=True)
    return model.requires_grad_(False).eval()


def _weights_file(folder: Path) -> Path:
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"{folder} needs the weights {' or '.join(reversed(FILES))}, but neither is there; "
        "give the folder as published"
    )


def _read(path: Path) -> Mapping[str, Tensor]:
    """The tensors by name; from a pickle nothing but tensors is taken."""
    try:
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (MissingExtra, MemoryError):
        raise
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} must hold tensors and nothing else, but something else is in it or it is "
            "broken; fetch it again from its publisher"
        ) from error
    except Exception as error:  # the readers' own kinds: of a cut zip, a bad header, end of file
        raise InputError(f"cannot read {path} ({error}); fetch it again") from error
    if not isinstance(weights, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()
    ):
        raise InputError(f"{path} must hold tensors by name, as published; fetch it again")
    return weights


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"reading {path.name} needs the package safetensors, which is not installed; "
            "`pip install safetensors` brings it"
        ) from error
    return load_file(path)


def _check(path: Path, wanted: Mapping[str, Any], given: Mapping[str, Tensor]) -> None:
    """Every name once, with its shape."""
    missing = [name for name in wanted if name not in given]
    if missing:
        raise InputError(
            f"{path} lacks {_some(missing)}, which config.yaml (or the ViT's config) asks for; "
            "give the config and the weights of one checkpoint"
        )
    extra = [name for name in given if name not in wanted]
    if extra:
        raise InputError(
            f"{path} has {_some(extra)}, for which config.yaml (or the ViT's config) has no place; "
            "give the config and the weights of one checkpoint"
        )
    for name, value in given.items():
        if value.shape != wanted[name].shape:
            raise InputError(
                f"{path}: {name} must be {list(wanted[name].shape)} by config.yaml and "
                f"vit/config.json (without it: dino-vitb16), got {list(value.shape)}; give the "
                "config and the weights of one checkpoint"
            )


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{rest}"
