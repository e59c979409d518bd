"""A tiny scene folder and a tiny photo with its masks."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from reparo import cli


@pytest.fixture
def reparo(capsys):
    """Runs the command line; the exit code, what it printed, and the error lines."""

    def run(*arguments) -> tuple[int, str, str]:
        # users have torch's own default; what is checked here needs no digits
        torch.set_default_dtype(torch.float32)
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as usage:
            code = usage.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def scene(tmp_path) -> Path:
    """A box in the middle of a 64 x 48 picture."""
    folder = tmp_path / "scene"
    (folder / "masks").mkdir(parents=True)
    picture, mask = pixels()
    Image.fromarray(picture).save(folder / "image.png")
    Image.fromarray(mask).save(folder / "masks" / "box.png")
    trimesh.creation.box().export(folder / "box.glb")
    write_scene(folder, {}, {})
    return folder


@pytest.fixture
def rewrite(scene):
    """Writes scene.json with top-level keys, or the object's keys, changed; None drops a key."""
    return lambda changes, of_object=None: write_scene(scene, changes, of_object or {})


def write_scene(folder: Path, changes: dict, of_object: dict) -> None:
    item = {"name": "box", "mesh": "box.glb", "mask": "masks/box.png"} | of_object
    table = {"image": "image.png", "camera": {"fov_y_deg": 40.0}, "objects": [item]} | changes
    table = {key: value for key, value in table.items() if value is not None}
    (folder / "scene.json").write_text(json.dumps(table))


def pixels() -> tuple[np.ndarray, np.ndarray]:
    mask = np.zeros((48, 64), np.uint8)
    mask[16:36, 20:44] = 255
    picture = np.full((48, 64, 3), 200, np.uint8)
    picture[mask > 0] = [180, 60, 40]
    return picture, mask


@pytest.fixture
def photo(tmp_path) -> Path:
    """photo.png and masks/box.png."""
    picture, mask = pixels()
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "box.png")
    Image.fromarray(picture).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"
