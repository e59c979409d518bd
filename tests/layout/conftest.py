"""Made-up scenes with known layout."""

from functools import cache

import pytest

from reparo import registry
from reparo.evaluate.made_up import made_up_scene
from reparo.scene import Observation, Scene


@cache
def _made_up(seed: int) -> tuple[Scene, Observation]:
    return made_up_scene(seed, registry.create("render", "torch"), size=(192, 256))


@pytest.fixture(params=[1, 2, 4])
def made_up(request) -> tuple[Scene, Observation]:
    return _made_up(request.param)


@pytest.fixture
def cut_on_both_sides() -> tuple[Scene, Observation]:
    """Its stairs show between two objects that hide their left and right ends."""
    return _made_up(3)


@pytest.fixture
def with_vase() -> tuple[Scene, Observation]:
    """Its vase is a solid of revolution with a pattern on it."""
    return _made_up(2)


@pytest.fixture
def first_made_up() -> tuple[Scene, Observation]:
    return _made_up(1)


@pytest.fixture
def render():
    return registry.create("render", "torch")
