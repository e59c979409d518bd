"""The feature extractor, where laying out asks for one."""

from reparo import registry
from reparo.contracts import FeatureExtractor
from reparo.layout.settings import AlignSettings


def features_for(chosen: AlignSettings, device: str = "cpu") -> FeatureExtractor | None:
    """For the paper's semantic loss; none where nothing looks at features."""
    paper = chosen.paper
    if chosen.method != "paper" or paper.loss != "transport" or not paper.semantic:
        return None
    return registry.create("features", "vit", device=device)
