"""Pretrained networks: what there is, where it lies, and how it gets here."""

from reparo.models.bring import pull
from reparo.models.cache import State, folder_of, home, located, look, path, remove, verify
from reparo.models.consent import accepted, allowing, noting, offline
from reparo.models.keep import keeping, kept
from reparo.models.known import (
    Model,
    Package,
    Repository,
    WeightFile,
    find_model,
    find_models,
    manifest,
)

__all__ = [
    "Model",
    "Package",
    "Repository",
    "State",
    "WeightFile",
    "accepted",
    "allowing",
    "find_model",
    "find_models",
    "folder_of",
    "home",
    "keeping",
    "kept",
    "located",
    "look",
    "manifest",
    "noting",
    "offline",
    "path",
    "pull",
    "remove",
    "verify",
]
