"""A run's folder as far as reports read it."""

import json

import pytest
from pages import NAMES, layout, seen, write_files

from reparo.files.rounds_json import write_rounds
from reparo.scene import Round


@pytest.fixture
def run_folder(tmp_path):
    """What a run leaves, as far as reports read it; found at scale 2 and lifted by 1."""
    out, scene = tmp_path / "run", tmp_path / "run/scene"
    write_files(out, layout(shift=1.0, scale=2.0), notes=("the lens is assumed",))
    (scene / "masks").mkdir(parents=True)
    given = seen()
    given.photo.save(scene / "image.png")
    for name, picture in given.masks.items():
        picture.save(scene / f"masks/{name}.png")
    objects = [{"name": name, "mesh": "x.glb", "mask": f"masks/{name}.png"} for name in NAMES]
    table = {"image": "image.png", "camera": {"fov_y_deg": 40}, "objects": objects}
    (scene / "scene.json").write_text(json.dumps(table))
    step = out / "steps/5-layout"
    write_files(step, layout())
    write_rounds(step / "rounds.json", NAMES, [Round("match", 0, layout())])
    note = {"backend": "fast", "settings": {"free": ["scale"], "paper": {"blur": 0.01}}}
    (step / "made-from.json").write_text(json.dumps(note | {"seconds": 3.5, "models": {}}))
    return out
