"""The feature extractor, where laying out asks for one."""

from dataclasses import replace

from reparo.contracts import FeatureExtractor
from reparo.layout.settings import AlignSettings
from reparo.settings import Choice


def features_for(
    chosen: AlignSettings, features: Choice, device: str = "cpu"
) -> FeatureExtractor | None:
    """For the paper's semantic loss; none where nothing looks at features."""
    paper = chosen.paper
    if chosen.method != "paper" or paper.loss != "transport" or not paper.semantic:
        return None
    return replace(features, fields={"device": device, **features.fields}).create()
