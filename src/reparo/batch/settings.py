"""What a batch's results depend on, beside the photos."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reparo import settings
from reparo.api import many
from reparo.workspace import Recipe


def fingerprint(options: Mapping[str, Any], export: Mapping[str, Any] | None) -> str:
    """Of all that `options` (of `api.run`) and `export` set; refuses what cannot be.

    A file or folder among the settings stands for its contents.
    """
    chosen = many.chosen_by(options)
    table: dict[str, Any] = {"align": asdict(chosen.align), "world": asdict(chosen.world)}
    for stage in (*settings.STAGES, "features"):
        choice = getattr(chosen, stage)
        table[stage] = choice.use
        table |= {f"{stage}.{key}": value for key, value in choice.recipe.items()}
    return Recipe("batch", table | {"export": dict(export or {})}, {}).fingerprint
