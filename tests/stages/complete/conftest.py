"""Stand-ins for the networks, and tiny ones in the hub's layout."""

from pathlib import Path

import pytest
from hidden_scene import Finder, Painter
from tiny_diffusion import write_inpainting

from reparo import registry
from reparo.stages.complete import paint


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("networks")
    return {
        "sd": write_inpainting(root / "sd"),
        "half": write_inpainting(root / "half", half=True),
        "xl": write_inpainting(root / "xl", xl=True),
    }


@pytest.fixture
def painter(monkeypatch):
    stand_in = Painter()
    monkeypatch.setattr(paint, "only_one", lambda key, make: stand_in)
    return stand_in


@pytest.fixture
def finder(monkeypatch):
    monkeypatch.setattr(registry, "find", lambda stage, name: Finder)
    Finder.seen.clear()
    return {"use": "finder", "boxes": "of-the-photo.json"}
