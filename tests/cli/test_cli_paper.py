"""The whole preset `paper` on the example picture: all real classes and loading, tiny weights.

Networks of random weights see nothing: what is checked is that each is loaded as it will be from
the hub, gets what it needs, and that a scene comes out at the end.
"""

import json
from pathlib import Path

import pytest
import trimesh
from tiny_triposr import write_ellipsoid

from reparo.files.layout_json import read_layout

PHOTO = Path(__file__).parents[2] / "examples/toys/photo.png"
BOXES = {"caballito": [130, 296, 292, 427], "teddy": [264, 251, 464, 466]}
QUICK = ("steps=2", "match_size=8", "picture_size=28")


@pytest.fixture
def preset(networks, tmp_path) -> list[str]:
    """`--preset paper`, each network a folder as the hub would have given it."""
    pytest.importorskip("diffusers", reason="the extra `paper` is not installed")
    from tiny_diffusion import write_inpainting

    inpainting, triposr = tmp_path / "sd-inpainting", tmp_path / "triposr"
    write_inpainting(inpainting)
    triposr.mkdir()
    write_ellipsoid(triposr)
    config, boxes = tmp_path / "tiny.toml", tmp_path / "boxes.json"
    config.write_text(
        f"""
        segment = {{ weights = '{networks.sam}' }}
        depth = {{ weights = '{networks.depth}' }}
        complete = {{ weights = '{inpainting}', steps = 2, size = 32, largest = 64 }}
        reconstruct = {{ weights = '{triposr}', resolution = 24 }}
        features = {{ weights = '{networks.dinov2}' }}
        """
    )
    boxes.write_text(json.dumps(BOXES))
    paper = [word for each in QUICK for word in ("--set", f"align.paper.{each}")]
    return ["--preset", "paper", "--config", str(config), "--boxes", str(boxes), *paper]


def test_the_paper_s_pipeline_runs_from_photo_to_scene(reparo, preset, tmp_path):
    out = tmp_path / "out"
    code, _, error = reparo("run", PHOTO, "-o", out, *preset)
    assert code == 0, error
    found = read_layout(out / "layout.json")
    assert found.names
    assert set(found.names) <= set(BOXES)
    assert found.solution.method == "paper"
    assert "paper_semantic" in found.solution.objects[0].losses
    assert set(found.names) <= set(trimesh.load_scene(out / "scene.glb").graph.nodes_geometry)
    used = json.loads((out / "steps/made-from.json").read_text())["models"]
    assert [Path(folder).name for folder in used] == [
        "sam-vit-tiny", "depth-anything-v2-tiny", "sd-inpainting", "triposr", "dinov2-tiny"
    ]  # fmt: skip
    assert list((out / "steps/3-complete").glob("*/*.invented.png"))  # something was painted


def test_without_its_networks_it_says_at_once_what_to_bring(reparo, tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason="the extra `paper` is not installed")
    monkeypatch.setenv("REPARO_HOME", str(tmp_path / "empty"))
    code, _, error = reparo("run", PHOTO, "-o", tmp_path / "out", "--preset", "paper", "--offline")
    assert code == 2
    lacking = "sam-vit-base sd15-inpainting depth-anything-v2-small dinov2-small triposr"
    assert f"reparo models pull {lacking}" in error
    assert not (tmp_path / "out/steps/1-segment").exists()
