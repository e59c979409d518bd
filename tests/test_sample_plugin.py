"""`docs/add-a-backend.md`, walked through: a package of somebody else's, installed and used."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from reparo.scene import Cutout

SAMPLE = Path(__file__).parent / "sample_plugin"
PAGE = Path(__file__).parents[1] / "docs" / "add-a-backend.md"
USE = """
import sys
from pathlib import Path
import reparo.api.results as results
results.write_turntable = lambda path, *_, **__: path.write_bytes(b"GIF")  # takes longest
from reparo.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("file, kind", [("reparo_blocks.py", "python"), ("pyproject.toml", "toml")])
def test_the_page_shows_the_package_as_it_is(file, kind):
    (shown,) = re.findall(rf"```{kind}\n(.*?)\n```", PAGE.read_text(), re.DOTALL)
    assert shown == (SAMPLE / file).read_text().rstrip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder to put on the path, with the package installed by pip, without a network."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("needs setuptools to build the package; it is in the extra dev")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for file in SAMPLE.glob("*.*"):
        (source / file.name).write_text(file.read_text())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*pip, *options, str(source)], check=True)
    return target


@pytest.fixture
def reparo(installed, tmp_path, monkeypatch):
    """The command line where the package is installed."""
    monkeypatch.setenv("PYTHONPATH", str(installed))

    def run(*arguments) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", USE, *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)

    return run


def test_an_installed_package_is_known_by_its_name(reparo):
    listed = reparo("backends").stdout
    (line,) = [line for line in listed.splitlines() if line.startswith("reconstruct")]
    assert "blocks" in line.replace(",", "").split()


def test_a_run_makes_its_meshes_with_it_and_with_its_settings(reparo, tmp_path):
    (tmp_path / "masks").mkdir()
    picture, mask = np.full((48, 64, 3), 200, np.uint8), np.zeros((48, 64), np.uint8)
    mask[10:40, 20:40] = 255  # 30 high, 20 wide
    picture[mask > 0] = [180, 60, 40]
    Image.fromarray(mask).save(tmp_path / "masks/box.png")
    Image.fromarray(picture).save(tmp_path / "photo.png")
    (tmp_path / "mine.toml").write_text('[reconstruct]\nuse = "blocks"\ndepth = 0.25\n')
    quick = [f"align.{step}=false" for step in ("match", "turn", "polish", "settle")]
    said = ["--preset", "plain", *(word for setting in quick for word in ("--set", setting))]
    done = reparo(
        "run", "photo.png", "-o", "out", "--masks", "masks", "--config", "mine.toml", *said
    )
    assert done.returncode == 0, done.stderr
    mesh = trimesh.load_scene(tmp_path / "out/scene/objects/box.glb").to_mesh()
    assert len(mesh.faces) == 12
    np.testing.assert_allclose(mesh.extents, [20 / 30, 1, 0.25], atol=0.02)


def test_a_wrong_setting_of_it_is_refused_without_code_of_its_own(reparo, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    wrong = ("--set", "reconstruct.use=blocks", "--set", "reconstruct.depht=1.0")
    done = reparo("run", "photo.png", "-o", "out", *wrong)
    assert done.returncode == 2
    assert "depht" in done.stderr and "depth" in done.stderr


def test_it_keeps_the_contract():
    """As `tests/contracts` asks of it where it is installed."""
    spec = importlib.util.spec_from_file_location("reparo_blocks", SAMPLE / "reparo_blocks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rgba = torch.zeros(20, 20, 4)
    rgba[5:15, 8:12] = torch.tensor([0.2, 0.4, 0.6, 1.0])
    mesh = module.Blocks()(Cutout(rgba, rgba[..., 3] > 0, torch.eye(2, 3)), "thing")
    body = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)
    assert body.is_watertight and body.volume == pytest.approx(0.4 * 0.5)
    torch.testing.assert_close(mesh.colours[0], torch.tensor([0.2, 0.4, 0.6, 1.0]))
