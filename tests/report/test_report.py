import math
from itertools import pairwise

import pytest
import torch
from PIL import Image

from reparo import registry
from reparo.evaluate.made_up import made_up_scene
from reparo.report.contact_sheet import write_contact_sheet
from reparo.report.overlay import outline, overlay
from reparo.report.preview import difference, over_backdrop, write_preview
from reparo.report.studio import Studio, vertices
from reparo.report.turntable import swing, write_turntable
from reparo.scene import Photo, Region, Rendering


@pytest.fixture
def render():
    return registry.create("render", "torch")


def flat(colour, coverage=1.0, size=(4, 6)):
    """A rendering of one colour."""
    return Rendering(
        rgb=torch.tensor(colour).expand(*size, 3) * coverage,
        coverage=torch.full(size, coverage),
        depth=torch.ones(size),
        object_index=torch.zeros(size, dtype=torch.long),
        point=torch.zeros(*size, 3),
    )


def test_no_difference_is_white_and_a_large_one_is_dark():
    photo = Photo(torch.full((4, 6, 3), 0.5))
    assert torch.allclose(difference(photo, flat([0.5, 0.5, 0.5])), torch.ones(4, 6, 3))
    levels = [
        float(difference(photo, flat([0.5 + d] * 3)).mean()) for d in (0.0, 0.1, 0.2, 0.3, 0.5)
    ]
    assert levels == sorted(levels, reverse=True) and levels[-1] < 0.2


def test_the_backdrop_shows_only_where_nothing_covers_it():
    assert torch.allclose(over_backdrop(flat([0.2, 0.3, 0.4])), torch.tensor([0.2, 0.3, 0.4]))
    empty = over_backdrop(flat([0.2, 0.3, 0.4], coverage=0.0))
    assert float(empty.min()) > 0.8


def test_a_preview_holds_three_panels_of_the_photos_shape(tmp_path, render):
    scene, seen = made_up_scene(1, render, objects=2, size=(48, 64))
    write_preview(tmp_path / "preview.png", seen.photo, render(scene))
    with Image.open(tmp_path / "preview.png") as picture:
        width, height = picture.size
    panel = 320 * 64 / 48
    assert width > 3 * panel and width < 3.2 * panel
    assert 320 < height < 380


def test_an_overlay_outlines_inside_the_mask_and_leaves_the_rest_alone():
    mask = torch.zeros(40, 40, dtype=torch.bool)
    mask[10:30, 10:30] = True
    edge = outline(mask, 1)
    assert int(edge.sum()) == 4 * 19
    photo = Photo(torch.full((40, 40, 3), 0.5))
    pixels = torch.tensor(list(overlay(photo, [Region("a", mask)], names=False).tobytes()))
    pixels = pixels.reshape(40, 40, 3)
    assert bool((pixels[~mask] == 128).all())
    assert bool((pixels[edge] == torch.tensor([230, 159, 0])).all())


def test_names_stay_inside_the_picture():
    mask = torch.zeros(60, 80, dtype=torch.bool)
    mask[0, 0] = True
    photo = Photo(torch.zeros(60, 80, 3))
    plain, named = (overlay(photo, [Region("name", mask)], names=n) for n in (False, True))
    assert plain.size == named.size == (80, 60)
    assert plain.tobytes() != named.tobytes()


def test_a_contact_sheet_lines_columns_up(tmp_path):
    red, blue = (Image.new("RGB", (10, 20), colour) for colour in ("red", "blue"))
    rows = [("one", [("a", red), ("b", blue)]), ("", [("", blue)])]
    write_contact_sheet(tmp_path / "sheet.png", rows, height=20)
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = sheet.convert("RGB")
    columns = {
        colour: {x for x in range(pixels.width) if has(pixels, x, value)}
        for colour, value in {"red": (255, 0, 0), "blue": (0, 0, 255)}.items()
    }
    assert columns["red"] == set(range(8, 18))
    assert columns["blue"] == set(range(8, 18)) | set(range(26, 36))


def has(picture, x, colour):
    return any(picture.getpixel((x, y)) == colour for y in range(picture.height))


def test_the_swing_starts_at_the_photos_view_and_comes_back():
    there = swing(36)
    assert there[0] == 0
    assert max(there) == pytest.approx(math.radians(50))
    assert min(there) == pytest.approx(-math.radians(50))
    assert max(abs(a - b) for a, b in pairwise(there)) < math.radians(10)


def test_the_whole_scene_stays_in_view_all_the_way(render):
    scene, _ = made_up_scene(3, render, objects=3, size=(48, 48))
    studio = Studio.around(scene, render)
    angles = [i * math.pi / 4 for i in range(8)]
    distance = studio.distance(angles, (90, 120))
    for angle in angles:
        pixels, z = studio.camera(angle, distance, (90, 120)).project(vertices(scene))
        assert bool((z > 0).all())
        assert bool((pixels > 0).all())
        assert bool((pixels < torch.tensor([120.0, 90.0])).all())


def test_a_turntable_moves_loops_and_is_small(tmp_path, render):
    scene, _ = made_up_scene(3, render, objects=2, size=(48, 48))
    told = []
    write_turntable(
        tmp_path / "t.gif", scene, render, 8, (64, 64), lambda _, done, of: told.append((done, of))
    )
    with Image.open(tmp_path / "t.gif") as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (8, (64, 64), 0)
        frames = []
        for i in range(3):
            film.seek(i)
            frames.append(film.convert("RGB").tobytes())
    assert len(set(frames)) == 3
    assert told[-1] == (8, 8)
    assert (tmp_path / "t.gif").stat().st_size < 60_000
