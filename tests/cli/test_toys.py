"""The example that the README begins with."""

from pathlib import Path

import pytest
import trimesh

from reparo.evaluate.folder import evaluate_run
from reparo.registry import create

TOYS = Path(__file__).parents[2] / "examples/toys"


@pytest.mark.slow
def test_the_example_is_covered_by_its_own_scene(reparo, tmp_path):
    """Mean overlap of the placed objects with their masks at least 0.8, colours within 18 dB."""
    out = tmp_path / "out"
    code, _, error = reparo("run", TOYS / "photo.png", "--masks", TOYS / "masks", "-o", out)
    assert code == 0, error
    found = dict(evaluate_run(out, create("render", "torch")))
    assert set(found) == {"caballito", "chicken", "crate", "teddyBear"}
    assert sum(errors.mask_iou for errors in found.values()) / 4 >= 0.8
    assert sum(errors.psnr for errors in found.values()) / 4 >= 18
    assert trimesh.load_scene(out / "scene.glb").bounds[0, 1] == pytest.approx(0, abs=1e-2)
