"""A photo's stages one by one, as on a cluster, give what one run gives."""

import numpy as np
import pytest
import torch
from PIL import Image

from reparo.batch.one import in_stages, work
from reparo.batch.photos import Task
from reparo.batch.ray_engine import NEEDS
from reparo.files.layout_json import read_layout


@pytest.fixture
def told(tmp_path):
    """Options of the work: one grey box, said by its mask."""
    torch.set_default_dtype(torch.float32)  # as users have it
    mask = np.zeros((48, 64), np.uint8)
    mask[16:36, 20:44] = 255
    picture = np.full((48, 64, 3), 200, np.uint8)
    picture[mask > 0] = 90
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks/box.png")
    Image.fromarray(picture).save(tmp_path / "room.png")
    given = {"segment": {"use": "given", "folder": str(tmp_path / "masks")}}
    run = {"preset": "plain", "overrides": [given]}
    return {"run": run, "export": {}, "settings": "", "keep": True}


@pytest.mark.slow
def test_stages_leave_what_a_whole_run_leaves(told, tmp_path):
    apart = Task(tmp_path / "room.png", tmp_path / "apart")
    do = in_stages(told)
    steps = {"segment": 1, "depth": 2, "complete": 3, "reconstruct": 4}
    for stage, count in steps.items():
        assert do(stage, apart) is None
        assert len(list((apart.folder / "steps").glob("*-*"))) == count
    line = do("layout", apart)
    assert line is not None and line["done"] and line["objects"] == ["box"]
    assert [*steps, "layout"] == list(NEEDS)
    whole = Task(tmp_path / "room.png", tmp_path / "whole")
    assert work(told)(whole, lambda _: None)["done"]
    layouts = [read_layout(one.folder / "layout.json").solution.layout for one in (apart, whole)]
    torch.testing.assert_close(layouts[0].translation, layouts[1].translation, atol=0, rtol=0)
    torch.testing.assert_close(layouts[0].scale, layouts[1].scale, atol=0, rtol=0)


def test_a_stage_that_fails_ends_its_photo_with_a_line(told, tmp_path):
    line = in_stages(told)("segment", Task(tmp_path / "missing.png", tmp_path / "missing"))
    assert line is not None and not line["done"] and "missing.png" in line["error"]
