"""Which network describes pictures for the paper's semantic loss, and where it computes."""

import pytest
import torch

from reparo import settings
from reparo.errors import InputError
from reparo.layout.settings import AlignSettings
from reparo.pipeline import features_for


def test_the_chosen_network_is_built_with_its_settings_where_the_layout_computes(networks):
    table = {"features": {"use": "dinov2", "weights": str(networks.dinov2), "size": 56}}
    chosen = settings.load(overrides=[table, {"align": {"method": "paper"}}])
    extract = features_for(chosen.align, chosen.features, "cpu")
    assert extract is not None
    assert extract.device == "cpu"
    assert extract(torch.rand(48, 64, 3)).shape == (3, 4, 16)


def test_unless_said_it_is_the_packaged_one_and_the_fast_method_needs_none():
    chosen = settings.load()
    assert chosen.features.use == "vit"
    assert features_for(chosen.align, chosen.features) is None
    assert features_for(AlignSettings(method="paper"), settings.features_choice([])) is not None


def test_a_wrong_setting_names_the_right_ones():
    with pytest.raises(InputError, match="wieght"):
        settings.load(overrides=[{"features": {"use": "dinov2", "wieght": "a"}}])
