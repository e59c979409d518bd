"""Cut-outs on disk and back in the photo."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from reparo.errors import InputError
from reparo.files.cutouts import outline_in_photo, read_cutout, write_cutout
from reparo.scene import Cutout


def cutout(depth: bool = True) -> Cutout:
    rgba = (torch.rand(20, 20, 4) * 255).round() / 255
    rgba[..., 3] = 0
    rgba[4:16, 6:14, 3] = 1
    visible = rgba[..., 3] > 0.5
    visible[10:] = False
    z = torch.where(visible, 2.5, torch.nan) if depth else None
    return Cutout(rgba, visible, torch.tensor([[1.0, 0.0, 30.0], [0.0, 1.0, -3.0]]), z)


@pytest.mark.parametrize("depth", [True, False])
def test_what_is_written_is_read_again(tmp_path, depth):
    before = cutout(depth)
    write_cutout(tmp_path / "new", "thing", before)
    after = read_cutout(tmp_path / "new", "thing")
    torch.testing.assert_close(after.rgba, before.rgba)
    assert torch.equal(after.visible, before.visible)
    assert torch.equal(after.photo_from_cutout, before.photo_from_cutout)
    assert (after.depth is None) == (not depth)
    if before.depth is not None:
        torch.testing.assert_close(after.depth, before.depth, equal_nan=True)


def test_lens_and_upright_are_kept(tmp_path):
    before = replace(cutout(), focal=700.0, principal=(320.0, 240.5), up=(0.0, 0.6, 0.8))
    write_cutout(tmp_path, "thing", before)
    after = read_cutout(tmp_path, "thing")
    assert (after.focal, after.principal) == (700.0, (320.0, 240.5))
    assert after.up == pytest.approx((0.0, 0.6, 0.8))


@pytest.mark.parametrize("up", [[0, 0, 0], [0, 1], "up", [0, float("nan"), 1]])
def test_an_upright_that_is_none_is_refused(tmp_path, up):
    write_cutout(tmp_path, "thing", cutout())
    note = json.loads((tmp_path / "thing.json").read_text())
    (tmp_path / "thing.json").write_text(json.dumps({**note, "up": up}))
    with pytest.raises(InputError, match="up is 3 finite numbers"):
        read_cutout(tmp_path, "thing")


@pytest.mark.parametrize("principal", [3, [1, 2, 3], "middle", [0, float("inf")]])
def test_a_principal_point_that_is_none_is_refused(tmp_path, principal):
    write_cutout(tmp_path, "thing", cutout())
    note = json.loads((tmp_path / "thing.json").read_text())
    (tmp_path / "thing.json").write_text(json.dumps({**note, "principal": principal}))
    with pytest.raises(InputError, match="principal is 2 finite numbers"):
        read_cutout(tmp_path, "thing")


def test_old_depth_does_not_stay_behind(tmp_path):
    write_cutout(tmp_path, "thing", cutout(depth=True))
    write_cutout(tmp_path, "thing", cutout(depth=False))
    assert read_cutout(tmp_path, "thing").depth is None


def test_the_outline_lands_where_it_was_cut():
    outline = outline_in_photo(cutout(), (15, 60))
    expected = torch.zeros(15, 60, dtype=torch.bool)
    expected[1:13, 36:44] = True
    assert torch.equal(outline, expected)


def test_a_halved_cutout_covers_twice_the_pixels():
    half = cutout()
    half = Cutout(half.rgba, half.visible, torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]))
    expected = torch.zeros(40, 40, dtype=torch.bool)
    expected[8:32, 12:28] = True
    assert torch.equal(outline_in_photo(half, (40, 40)), expected)


def wrong_placing(folder):
    (folder / "thing.json").write_text(json.dumps({"photo_from_cutout": [[1, 0], [0, 1]]}))


def wrong_shape(folder):
    Image.fromarray(np.zeros((20, 30, 4), np.uint8)).save(folder / "thing.png")


def wrong_visible(folder):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "thing.visible.png")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "thing.png").unlink(), "not there"),
        (lambda folder: (folder / "thing.json").unlink(), "not there"),
        (lambda folder: (folder / "thing.json").write_text("{"), "cannot read"),
        (lambda folder: (folder / "thing.png").write_bytes(b"no picture"), "cannot read"),
        (wrong_placing, "photo_from_cutout"),
        (wrong_shape, "square"),
        (wrong_visible, "size"),
    ],
)
def test_bad_files_are_named(tmp_path, harm, message):
    write_cutout(tmp_path, "thing", cutout())
    harm(tmp_path)
    with pytest.raises(InputError, match=message):
        read_cutout(tmp_path, "thing")
