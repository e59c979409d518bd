"""Every recipe in docs/generators.md is one that the settings take, as it stands there."""

import re
import tomllib
from pathlib import Path

import pytest

from reparo import registry, settings

PAGE = (Path(__file__).parents[2] / "docs" / "generators.md").read_text()
RECIPES = re.findall(r"```toml\n(.*?)\n```", PAGE, re.DOTALL)


def test_all_recipes_are_found():
    assert len(RECIPES) == 8


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_can_be_copied_into_a_config_file(recipe, tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(recipe)
    chosen = settings.load(config=tmp_path / "mine.toml").reconstruct
    assert chosen.fields.keys() >= tomllib.loads(recipe)["reconstruct"].keys() - {"use"}
    monkeypatch.setattr(Path, "is_dir", lambda _: True)  # the checkouts are not here
    registry.create("reconstruct", chosen.use, **chosen.fields)


@pytest.mark.parametrize("backend", ["command", "http"])
def test_the_page_names_every_setting(backend):
    for name in settings._hints(registry.find("reconstruct", backend)):
        assert name == "logs" or f"`{name}`" in PAGE
