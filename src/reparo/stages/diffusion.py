"""Diffusion networks in the model hub's folder layout, read from a local folder by `diffusers`.

The folder holds model_index.json, which names the parts, and a folder for each part. Nothing is
fetched, nothing pickled is read, no code of the folder's is run, and only parts that the two
libraries know are built. Every weight that a part has must be in its file.
"""

import inspect
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from reparo.errors import BackendFailed, InputError, MissingExtra
from reparo.files.checks import read_json
from reparo.stages.pretrained import EXTRA, Place, transformers

SKIPPED = ("safety_checker", "feature_extractor", "image_processor", "image_encoder_2")
HALF = "fp16"  # the variant that half precision files are called by


def load(folder: Path, kinds: Sequence[str], place: Place, needs: Sequence[str] = ()) -> Any:
    """The frozen pipeline of one of these classes, on its device.

    Parts that only filter or preprocess pictures are left out: pictures come preprocessed, and
    what is painted is a part of the user's own photo. `needs` are parts that must be there.
    """
    index = _index(folder, kinds)
    device, dtype = place.chosen()
    library = diffusers()
    with undisturbed():
        try:
            parts: dict[str, Any] = {name: None for name in SKIPPED if name in index}
            expected = inspect.signature(getattr(library, index["_class_name"])).parameters
            wanted = {name: index[name] for name in expected if name in index}
            for name, (home, cls) in _networks(folder, wanted, needs).items():
                parts[name] = _network(folder / name, _class(library, home, cls), dtype)
            pipeline = getattr(library, index["_class_name"]).from_pretrained(
                folder, local_files_only=True, use_safetensors=True, torch_dtype=dtype,
                **_unfiltered(index), **parts,
            )  # fmt: skip
        except (InputError, MissingExtra):
            raise
        except Exception as error:  # the libraries fail in many ways on a bad file
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise InputError(
                f"{folder} could not be read as a {index['_class_name']} ({reason}); bring the "
                "folder anew"
            ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline if device.type == "cpu" else _on_device(pipeline, device)


def weight_files(folder: Path) -> list[Path]:
    """A part's files; none where it is missing or pickled."""
    return sorted(folder.glob("*.safetensors"))


@contextmanager
def undisturbed() -> Iterator[None]:
    """For every call of a pipeline: float32 is the default type, as the libraries expect it to be.

    And no bars and hints, which are about things that users don't choose here.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with warnings.catch_warnings(), _quietly():
            # the schedulers turn tensors into arrays in a way that newer numpys frown on
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        torch.set_default_dtype(before)


def finite(values: torch.Tensor, what: str) -> torch.Tensor:
    """The values, unless half precision's range was too small for them."""
    if not values.isfinite().all():
        raise BackendFailed(
            f'{what} came out with numbers that are not finite; try precision = "float32"'
        )
    return values


def diffusers() -> Any:
    """The library, imported only now."""
    try:
        import diffusers
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"this network needs the package {error.name!r}; `{EXTRA}` brings it"
        ) from error
    return diffusers


def _index(folder: Path, kinds: Sequence[str]) -> dict[str, Any]:
    path = folder / "model_index.json"
    if not path.is_file():
        raise InputError(
            f"a folder of a {kinds[0]} was wanted, but {folder} has no model_index.json; give "
            "the folder that holds it"
        )
    index = read_json(path)
    found = index.get("_class_name") if isinstance(index, dict) else None
    if found not in kinds:
        raise InputError(
            f"a {' or '.join(kinds)} was wanted, but {path} says {found!r}; give the folder of "
            "such a network"
        )
    return index


def _networks(
    folder: Path, listed: dict[str, Any], needs: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """The parts with weights, and where their classes are."""
    found = {}
    for name, entry in listed.items():
        there = isinstance(entry, list) and len(entry) == 2 and all(entry)
        if there and name not in SKIPPED and weight_files(folder / name):
            found[name] = (entry[0], entry[1])
    if lacking := [name for name in needs if name not in found]:
        raise InputError(
            f"{folder} must hold {lacking[0]}/*.safetensors, and has none; pickled weights are "
            "not read, take a folder with safetensors"
        )
    return found


def _class(library: Any, home: str, cls: str) -> Any:
    homes = {"diffusers": library, "transformers": transformers()}
    if home == "shap_e":
        from diffusers.pipelines import shap_e

        homes[home] = shap_e
    found = getattr(homes.get(home), cls, None)
    if found is None:
        raise InputError(f"the part {home}.{cls} is not known; take the network's own folder")
    return found


def _network(folder: Path, cls: Any, dtype: torch.dtype) -> Any:
    """One part with all its weights."""
    files = weight_files(folder)
    half = all(f".{HALF}" in file.name for file in files)
    numbers = "dtype" if cls.__module__.startswith("transformers.") else "torch_dtype"
    network, report = cls.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        variant=HALF if half else None,
        output_loading_info=True,
        **{numbers: dtype},
    )
    if lacking := [*report["missing_keys"], *report["mismatched_keys"]]:
        raise InputError(
            f"{folder} lacks {len(lacking)} weights of a {cls.__name__}, such as "
            f"{sorted(map(str, lacking))[0]}; bring the folder anew"
        )
    return network.eval().requires_grad_(False)


def _unfiltered(index: dict[str, Any]) -> dict[str, Any]:
    return {"requires_safety_checker": False} if "safety_checker" in index else {}


def _on_device(pipeline: Any, device: torch.device) -> Any:
    """On CUDA part after part, the others wait in main memory; else as a whole, in slices."""
    if device.type == "cuda":
        pipeline.enable_model_cpu_offload(device=device)
        return pipeline
    pipeline.enable_attention_slicing()
    return pipeline.to(device)


@contextmanager
def _quietly() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("diffusers", "transformers")]
    levels = [logger.level for logger in loggers]
    sayings = [library.utils.logging for library in (diffusers(), transformers())]
    shown = [saying.is_progress_bar_enabled() for saying in sayings]
    try:
        for logger, saying in zip(loggers, sayings, strict=True):
            logger.setLevel(logging.ERROR)
            saying.disable_progress_bar()
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for saying, bar in zip(sayings, shown, strict=True):
            if bar:
                saying.enable_progress_bar()
