"""Folders that are not what they should be: each told in one sentence."""

import shutil
from pathlib import Path

import pytest
from hidden_scene import scene
from safetensors.torch import load_file, save_file

from reparo.errors import InputError
from reparo.stages.complete.inpaint import InpaintCompleter


def spoil(folder: Path, how: str) -> None:
    unet = folder / "unet" / "diffusion_pytorch_model.safetensors"
    if how == "no index":
        (folder / "model_index.json").unlink()
    elif how == "other class":
        index = (folder / "model_index.json").read_text()
        renamed = index.replace("StableDiffusionInpaintPipeline", "ShapEImg2ImgPipeline")
        (folder / "model_index.json").write_text(renamed)
    elif how == "pickled":
        unet.rename(unet.with_name("diffusion_pytorch_model.bin"))
    elif how == "cut":
        unet.write_bytes(unet.read_bytes()[:5000])
    elif how == "a weight is missing":
        weights = load_file(unet)
        save_file({key: weights[key] for key in sorted(weights)[1:]}, unet, {"format": "pt"})
    else:
        (folder / "unet" / "config.json").unlink()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("no index", "no model_index.json"),
        ("other class", "ShapEImg2ImgPipeline"),
        ("pickled", "safetensors"),
        ("cut", "bring the folder anew"),
        ("a weight is missing", "lacks 1 weights"),
        ("no configuration", "config.json"),
    ],
)
def test_a_folder_that_is_no_network_is_told_in_a_sentence(folders, tmp_path, how, says):
    folder = shutil.copytree(folders["sd"], tmp_path / "spoilt")
    spoil(folder, how)
    photo, far, near, _ = scene()
    with pytest.raises(InputError, match=says) as caught:
        InpaintCompleter(weights=folder, steps=2)(photo, far, [near], None)
    assert "\n" not in str(caught.value)
