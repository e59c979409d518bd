"""Which network describes pictures for the paper's semantic loss, and where it computes."""

import pytest
import torch

from reparo import registry, settings
from reparo.errors import InputError
from reparo.evaluate.made_up import made_up_scene, to_problem
from reparo.layout.settings import AlignSettings
from reparo.pipeline import prepared


@pytest.fixture(scope="module")
def problem():
    render = registry.create("render", "torch")
    return to_problem(*made_up_scene(1, render, objects=2, size=(48, 64)))


def test_the_chosen_network_is_built_with_its_settings_where_the_layout_computes(networks, problem):
    table = {"features": {"use": "dinov2", "weights": str(networks.dinov2), "size": 56}}
    chosen = settings.load(overrides=[table, {"align": {"method": "paper"}}])
    there, extract = prepared(problem, chosen.align, chosen.features, "cpu")
    assert there.meshes[0].vertices.device.type == "cpu"
    assert extract is not None
    assert extract.device == "cpu"
    assert extract(torch.rand(48, 64, 3)).shape == (3, 4, 16)


def test_unless_said_it_is_the_packaged_one_and_the_fast_method_needs_none(problem):
    chosen = settings.load()
    assert chosen.features.use == "vit"
    assert prepared(problem, chosen.align, chosen.features, "auto") == (problem, None)
    packaged = settings.features_choice([])
    assert prepared(problem, AlignSettings(method="paper"), packaged, "cpu")[1] is not None


def test_a_wrong_setting_names_the_right_ones():
    with pytest.raises(InputError, match="wieght"):
        settings.load(overrides=[{"features": {"use": "dinov2", "wieght": "a"}}])
