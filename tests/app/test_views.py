"""The two views: what a click on the canvas means, and what is drawn over the photo."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from colour_network import BOXES, HEIGHT, WIDTH, inside, picture

pytest.importorskip("viser", reason="the extra `app` is not installed")
from reparo.app import pictures
from reparo.app.photo_view import FAR, UPRIGHT, PhotoView
from reparo.app.scene_view import entered, reach
from reparo.app.shown import Shown, placed, pose_of
from reparo.report.pictures import PALETTE
from reparo.scene import Camera, Region

BOX = np.array([[-1.0, -1, -1], [1, 1, 1]])


@pytest.mark.parametrize(
    ("origin", "direction", "away"),
    [
        ((0, 0, 5), (0, 0, -1), 4.0),
        ((0, 0, 5), (0, 0, -2), 2.0),  # in directions, not in units
        ((0, 0, 5), (0, 0, 1), None),  # behind
        ((0, 3, 5), (0, 0, -1), None),  # beside
        ((0, 0, 0), (1, 0, 0), 0.0),  # from within
        ((1, 0, 5), (0, 0, -1), 4.0),  # along a side
    ],
)
def test_a_ray_enters_a_box(origin, direction, away):
    found = entered(BOX, np.array(origin, float), np.array(direction, float))
    assert found == (away if away is None else pytest.approx(away))


def test_eight_numbers_are_a_place_and_back():
    pose = (1.0, 2.0, 3.0, 0.5, 0.5, -0.5, 0.5, 2.0)
    assert pose_of(placed(pose)) == pytest.approx(pose)
    there = placed(pose).apply(torch.zeros(1, 3))
    torch.testing.assert_close(there, torch.tensor([[1.0, 2.0, 3.0]]))


def test_handles_are_as_large_as_their_object_and_stay_in_sight():
    shown = Shown(Camera.from_fov(90.0, (48, 64)), {}, {})
    at = (0.0, 0.0, -2.0, 1.0, 0.0, 0.0, 0.0)  # the photo shows 2 above and below there
    assert reach(shown, (*at, 0.4)) == pytest.approx(0.75 * 0.4)
    assert reach(shown, (*at, 9.0)) == pytest.approx(0.6 * 2)


@pytest.fixture
def facing():
    """A photo 64 x 48 that fills a canvas of its own shape from edge to edge."""
    tall = math.radians(40)
    camera = SimpleNamespace(
        position=np.array([0.0, 0.0, FAR + 0.5 / math.tan(tall / 2)]),
        wxyz=np.array(UPRIGHT),  # as pictures: x right, y down, looking along -z
        fov=tall,
        aspect=WIDTH / HEIGHT,
    )
    view = PhotoView.__new__(PhotoView)  # its client is a browser's; here only a camera
    view.client, view.size = SimpleNamespace(camera=camera), (HEIGHT, WIDTH)
    return view


@pytest.mark.parametrize(
    ("screen", "pixel"),
    [((0.5, 0.5), (32, 24)), ((0.25, 0.5), (16, 24)), ((0.001, 0.999), (0.064, 47.952))],
)
def test_a_place_on_the_canvas_is_a_pixel_of_the_photo(facing, screen, pixel):
    assert facing.pixel(screen) == pytest.approx(pixel)


def test_beside_the_photo_is_no_pixel(facing):
    facing.client.camera.aspect *= 2  # a wide canvas: half of it is empty
    assert facing.pixel((0.1, 0.5)) is None
    assert facing.pixel((0.5, 0.1)) is not None


def test_objects_are_tinted_and_what_is_hidden_is_hatched():
    red, yellow = (torch.from_numpy(inside(colour)) for colour in list(BOXES)[::2])
    photo = pictures.small(picture())
    drawn = pictures.marked(photo, [Region("a", red)], None, {"a": red | yellow})
    plain = np.asarray(photo)
    hidden = drawn[yellow.numpy()]
    hatched = (hidden == PALETTE[0]).all(-1)
    assert 0.1 < hatched.mean() < 0.9
    assert (drawn[:6] == plain[:6]).all()  # above all objects
    chosen = pictures.marked(photo, [Region("a", red)], "a", {})
    assert (chosen == 255).all(-1).any() and not (drawn[red.numpy()] == plain[red.numpy()]).all()
    assert (np.asarray(photo) == plain).all()
