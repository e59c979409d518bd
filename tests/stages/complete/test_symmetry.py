"""Whole cut-outs from partly hidden objects."""

import pytest
import torch
from hidden_scene import BLUE, GREEN, RED, SIZE, disc

from reparo.errors import InputError
from reparo.files.cutouts import outline_in_photo
from reparo.scene import Depth, Photo, Region, pixel_centres
from reparo.stages.complete.cutout import make_cutout
from reparo.stages.complete.fill import fill
from reparo.stages.complete.symmetry import SymmetryCompleter


def scene() -> tuple[Photo, Region, Region, torch.Tensor]:
    """A red disc behind a green one, before blue."""
    whole, hider = disc(70.0, 50.0, 35.0), disc(95.0, 80.0, 25.0)
    rgb = BLUE.expand(*SIZE, 3).clone()
    rgb[whole], rgb[hider] = RED, GREEN
    return Photo(rgb), Region("far", whole & ~hider), Region("near", hider), whole


def test_the_hidden_part_is_found_and_has_the_objects_colour():
    photo, far, near, whole = scene()
    cutout = SymmetryCompleter()(photo, far, [near], None)
    outline = outline_in_photo(cutout, SIZE)
    assert (outline & whole).sum() / (outline | whole).sum() > 0.96
    torch.testing.assert_close(cutout.rgba[..., :3], RED.expand_as(cutout.rgba[..., :3]))


def test_what_is_in_front_is_left_as_it_is():
    photo, far, near, _ = scene()
    cutout = SymmetryCompleter()(photo, near, [far], None)
    assert torch.equal(outline_in_photo(cutout, SIZE), near.visible)
    assert torch.equal(cutout.visible, cutout.rgba[..., 3] > 0.5)


def test_a_hidden_colour_is_the_mirror_images():
    whole, hider = disc(80.0, 50.0, 40.0), disc(112.0, 70.0, 20.0)
    rgb = torch.zeros(*SIZE, 3)
    across = (pixel_centres(SIZE)[..., 0] - 80).abs()
    rgb[..., 0] = across / 80  # symmetric about x = 80
    cutout = SymmetryCompleter()(
        Photo(rgb), Region("far", whole & ~hider), [Region("near", hider)], None
    )
    y, x = ((cutout.rgba[..., 3] > 0.5) & ~cutout.visible).nonzero().unbind(-1)
    place = x + 0.5 + cutout.photo_from_cutout[0, 2]
    error = (cutout.rgba[y, x, 0] - (place - 80).abs() / 80).abs()
    assert error.median() < 0.03


def test_the_object_fills_85_percent_in_the_middle():
    photo, _, near, _ = scene()
    cutout = make_cutout(photo, near.visible, torch.zeros(*SIZE, 4), None)
    x = (cutout.rgba[..., 3] > 0.5).nonzero()[:, 1]
    side = cutout.rgba.shape[0]
    assert float(x.max() - x.min() + 1) / side == pytest.approx(0.85, abs=0.02)
    assert float(x.max() + x.min() + 1) / 2 == pytest.approx(side / 2, abs=1)


def test_a_large_object_is_scaled_down_and_its_outline_comes_back():
    photo, _, near, _ = scene()
    cutout = make_cutout(photo, near.visible, torch.zeros(*SIZE, 4), None, largest=32)
    assert cutout.rgba.shape[0] == 32
    back = outline_in_photo(cutout, SIZE)
    assert (back & near.visible).sum() / (back | near.visible).sum() > 0.93


def test_depth_is_cut_out_where_it_is_seen_and_known():
    photo, far, near, _ = scene()
    depth = Depth(torch.full((60, 80), 3.0), torch.ones(60, 80, dtype=torch.bool), "metric")
    cutout = SymmetryCompleter()(photo, far, [near], depth)
    assert cutout.depth is not None
    known = ~cutout.depth.isnan()
    assert (cutout.depth[known] == 3).all() and (cutout.visible | ~known).all()
    affine = Depth(depth.values, depth.known, "affine")
    assert SymmetryCompleter()(photo, far, [near], affine).depth is None


def test_an_empty_mask_is_refused():
    photo, far, _, _ = scene()
    with pytest.raises(InputError, match="no pixel"):
        SymmetryCompleter()(photo, Region("none", torch.zeros_like(far.visible)), [far], None)


def test_filling_keeps_what_is_known_and_stays_in_its_range():
    rgb, known = torch.rand(37, 50, 3), torch.rand(37, 50) < 0.02
    filled = fill(rgb, known)
    assert torch.equal(filled[known], rgb[known])
    assert filled.min() >= rgb[known].min() and filled.max() <= rgb[known].max()


def test_a_lone_colour_fills_everything():
    known = torch.zeros(20, 33, dtype=torch.bool)
    known[3, 30] = True
    filled = fill(torch.where(known[..., None], RED, BLUE), known)
    torch.testing.assert_close(filled, RED.expand(20, 33, 3))
