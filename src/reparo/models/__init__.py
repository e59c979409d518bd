"""Pretrained networks: what there is, where it lies, and how it gets here."""

from reparo.models.bring import pull
from reparo.models.cache import State, home, located, path, remove, verify
from reparo.models.known import Model, WeightFile, find_model, find_models, manifest

__all__ = [
    "Model",
    "State",
    "WeightFile",
    "find_model",
    "find_models",
    "home",
    "located",
    "manifest",
    "path",
    "pull",
    "remove",
    "verify",
]
