"""Outlines continued behind what hides them."""

import numpy as np
import pytest
import torch

from reparo.scene import Depth
from reparo.stages.complete.mirror import find_mirror
from reparo.stages.complete.order import hides
from reparo.stages.complete.outline import complete_outline

Y, X = np.mgrid[:120, :160]


def disc(x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(X - x, Y - y) <= radius


def box(left: int, right: int, top: int, bottom: int) -> np.ndarray:
    return (left <= X) & (right > X) & (top <= Y) & (bottom > Y)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def completed(whole: np.ndarray, hider: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    visible = whole & ~hider
    return visible, visible | complete_outline(visible, hider).hidden


@pytest.mark.parametrize(
    ("whole", "hider", "least"),
    [
        (disc(70, 60, 35), box(85, 130, 20, 110), 0.95),  # a third of a disc
        (box(30, 110, 20, 80), disc(110, 80, 25), 0.96),  # a rectangle's corner
        (box(20, 140, 50, 70), box(70, 90, 20, 110), 0.99),  # a bar behind a post
        (disc(80, 60, 40) & ~box(0, 160, 60, 120), disc(60, 60, 15), 0.97),
    ],
    ids=["disc", "corner", "bar", "half disc"],
)
def test_plain_shapes_are_found_whole(whole, hider, least):
    visible, result = completed(whole, hider)
    assert overlap(result, whole) > max(least, overlap(visible, whole))


def test_a_symmetric_shape_is_completed_by_its_mirror_image():
    bear = disc(60, 70, 30) | disc(35, 42, 14) | disc(85, 42, 14)
    hider = disc(95, 35, 22)  # hides one ear
    visible, result = completed(bear, hider)
    mirror = find_mirror(visible, hider)
    assert mirror is not None and mirror.centre[0] == pytest.approx(60, abs=1)
    hidden = bear & hider
    assert (result & hidden).sum() > 0.75 * hidden.sum()
    assert (result & ~bear).sum() < 0.1 * hidden.sum()


def test_an_outline_without_symmetry_has_no_mirror():
    triangle = (X > 20) & (Y < 100) & (X - 20 < Y)
    assert find_mirror(triangle, np.zeros_like(triangle)) is None


@pytest.mark.parametrize("seed", range(5))
def test_what_is_invented_lies_inside_the_hiders_and_hangs_on_the_visible_part(seed):
    from scipy.ndimage import gaussian_filter, label

    chance = np.random.default_rng(seed)
    visible = gaussian_filter(chance.standard_normal(X.shape), 8) > 0.02
    hider = gaussian_filter(chance.standard_normal(X.shape), 8) > 0.02
    visible &= ~hider
    hidden = complete_outline(visible, hider).hidden
    assert not (hidden & ~hider).any()
    before, after = (label(mask, np.ones((3, 3)))[1] for mask in (visible, visible | hidden))
    assert after <= before


def test_nothing_is_invented_without_a_hider():
    assert not complete_outline(disc(60, 60, 20), np.zeros_like(X, dtype=bool)).hidden.any()


def asked(other: np.ndarray, region: np.ndarray, depth: Depth | None = None) -> bool:
    return hides(torch.from_numpy(other), torch.from_numpy(region), depth)


def test_of_two_on_one_ground_the_lower_one_hides():
    near, far = disc(80, 80, 25), disc(65, 55, 28)
    far = far & ~near
    assert asked(near, far) and not asked(far, near)


def test_the_smooth_outline_at_a_junction_hides_even_where_both_end_at_one_height():
    near = disc(60, 60, 30)
    far = box(70, 130, 40, 91) & ~near
    assert asked(near, far) and not asked(far, near)


def test_what_does_not_touch_does_not_hide():
    assert not asked(disc(120, 90, 20), disc(40, 40, 20))


@pytest.mark.parametrize(
    ("kind", "nearer"), [("metric", 1.0), ("affine", -3.0), ("disparity", 9.0)]
)
def test_clear_depth_outweighs_the_outlines(kind, nearer):
    low, high = disc(80, 80, 25), disc(65, 55, 28)
    low = low & ~high  # in truth the higher one is in front: it hangs
    values = np.where(high, nearer, 5.0)
    depth = Depth.from_array(values, kind)
    assert asked(high, low, depth) and not asked(low, high, depth)
