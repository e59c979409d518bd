"""Where laying out is done, and the feature extractor if it asks for one."""

import torch

from reparo import registry
from reparo.contracts import FeatureExtractor
from reparo.layout.devices import moved_to
from reparo.layout.settings import AlignSettings
from reparo.scene import Problem
from reparo.settings import Choice


def prepared(
    problem: Problem, chosen: AlignSettings, features: Choice, device: str
) -> tuple[Problem, FeatureExtractor | None]:
    """The problem on the device where it is solved best, and features for the semantic loss.

    The method "fast" has its home on the CPU, and looks at no features.
    """
    if chosen.method != "paper":
        return problem, None
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    there, paper = moved_to(problem, device), chosen.paper
    if paper.loss != "transport" or not paper.semantic:
        return there, None
    return there, registry.create("features", features.use, **{**features.fields, "device": device})
