"""TripoSR against what the original implementation gives."""

import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reparo.stages.reconstruct.triposr import load
from reparo.stages.reconstruct.triposr.tokens import resized

FOLDER = Path(__file__).parents[2] / "data" / "triposr"
EXPECTED = {
    name: torch.from_numpy(value) for name, value in np.load(FOLDER / "expected.npz").items()
}
RGB = torch.from_numpy(np.asarray(Image.open(FOLDER / "input.png").convert("RGB")) / 255)


def assert_met(value: torch.Tensor, expected: torch.Tensor) -> None:
    """To a relative error of 1e-4: of the largest number, and of each that is not small."""
    assert value.dtype == torch.float32
    error = (value - expected).abs()
    assert float(error.max() / expected.abs().max()) < 1e-5
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().mean()))


def assert_all_met(model) -> None:
    planes = model.triplanes(RGB)
    density, colour = model.query(planes, EXPECTED["points"])
    assert_met(planes, EXPECTED["triplanes"])
    assert_met(density, EXPECTED["density_act"][:, 0])
    assert_met(colour, EXPECTED["color"])


def test_the_picture_is_resized_as_in_the_original():
    assert_met(resized(RGB.float(), 64), EXPECTED["conditioning"])


@pytest.mark.parametrize("kind", [str, Path])
def test_planes_density_and_colour_are_the_originals(kind):
    """The tests' default of float64 and a picture in float64 change nothing."""
    assert_all_met(load(kind(FOLDER)))


def test_points_alone_are_answered_as_the_original_does():
    """The original's own planes in: the field's part by itself."""
    density, colour = load(FOLDER).query(EXPECTED["triplanes"], EXPECTED["points"].double())
    assert_met(density, EXPECTED["density_act"][:, 0])
    assert_met(colour, EXPECTED["color"])


def test_nothing_but_the_folder_is_asked(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    load(FOLDER)


def test_safetensors_do_as_well(tmp_path):
    torch_files = pytest.importorskip("safetensors.torch")
    for name in ("config.yaml", "vit/config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(FOLDER / name, tmp_path / name)
    weights = torch.load(FOLDER / "model.ckpt", weights_only=True)
    torch_files.save_file(weights, tmp_path / "model.safetensors")
    assert_all_met(load(tmp_path))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_weights_of_another_precision_become_float32(tmp_path, dtype):
    shutil.copytree(FOLDER, tmp_path / "other", copy_function=shutil.copyfile)
    weights = torch.load(FOLDER / "model.ckpt", weights_only=True)
    changed = {name: value.to(dtype) for name, value in weights.items()}
    torch.save(changed, tmp_path / "other" / "model.ckpt")
    model = load(tmp_path / "other")
    assert {value.dtype for value in model.state_dict().values()} == {torch.float32}
    if dtype == torch.float64:
        assert_all_met(model)
