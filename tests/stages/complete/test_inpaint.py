"""Hidden parts painted by a network: tiny ones with random weights, and stand-ins that know."""

from pathlib import Path

import pytest
import torch
from hidden_scene import GREEN, RED, SIZE, Finder, canvas_of_scene, disc, scene
from tiny_diffusion import NATIVE

from reparo import contracts
from reparo.errors import BackendFailed, InputError, MissingWeights
from reparo.files.cutouts import outline_in_photo, read_cutout, write_cutout
from reparo.pipeline.objects import is_out_of_memory
from reparo.scene import Photo, Region
from reparo.stages.complete import paint
from reparo.stages.complete.again import box_of, find_again
from reparo.stages.complete.canvas import GROUNDS, in_photo, prepare
from reparo.stages.complete.cutout import core, make_cutout
from reparo.stages.complete.inpaint import InpaintCompleter
from reparo.stages.complete.symmetry import SymmetryCompleter


def test_the_hole_covers_what_is_in_front_and_nothing_of_the_object():
    _, far, near, _ = scene()
    canvas = canvas_of_scene()
    hole = in_photo(canvas.hole[..., None].double(), canvas.square, SIZE)[..., 0] > 0.5
    assert hole[near.visible].all()
    assert not hole[core(far.visible)].any()
    assert int((hole & far.visible).sum()) < 0.1 * far.area  # of it, mixed edges alone


def test_around_the_object_all_is_plain():
    canvas = canvas_of_scene()
    assert (canvas.rgb[canvas.background] == GROUNDS[0]).all()
    far_from_blue = canvas.rgb[..., 2].max() < 0.9
    assert far_from_blue  # of the photo's background nothing is left, nor of the hider
    assert canvas.rgb[canvas.hole][:, 1].max() < 0.3


def test_what_is_in_front_counts_near_the_object_alone():
    photo, _, _, _ = scene()
    thing = disc(40.0, 60.0, 10.0)
    assert prepare(photo, thing, disc(110.0, 60.0, 30.0)) is None
    canvas = prepare(photo, thing, ~thing)
    assert canvas is not None
    assert canvas.square.side < 4 * 20  # px: of an object 20 px wide


def test_the_network_is_given_the_hole_and_the_object_on_its_ground(painter):
    canvas = canvas_of_scene()
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights=Path(__file__).parent, size=64, seed=3, steps=7)
    completer(photo, Region("office-chair_2", far.visible), [near], None)
    mask, image = painter.given["mask_image"][0, 0], painter.given["image"][0]
    step = canvas.square.side / 64
    at = ((torch.arange(64) + 0.5) * step).long()
    assert (mask[canvas.hole[at][:, at]] == 1).all()
    inner = core(core(core(~canvas.hole)))[at][:, at]
    assert (mask[inner] == 0).all()
    torch.testing.assert_close(
        image.movedim(0, -1)[core(canvas.background)[at][:, at] & inner].double().mean(),
        torch.tensor(GROUNDS[0]), atol=0.02, rtol=0,
    )  # fmt: skip
    assert "office chair" in painter.given["prompt"]
    assert painter.given["num_inference_steps"] == 7
    assert painter.given["generator"].initial_seed() == 3


def test_the_outline_is_found_again_and_its_hidden_part_painted(painter, finder):
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights=Path(__file__).parent, segmenter=finder, size=64)
    cutout = completer(photo, far, [near], None)
    hole = in_photo(canvas_of_scene().hole[..., None].double(), canvas_of_scene().square, SIZE)
    expected = far.visible | (hole[..., 0] > 0.5)  # the painter painted the whole hole red
    assert torch.equal(outline_in_photo(cutout, SIZE), expected)
    torch.testing.assert_close(
        cutout.rgba[cutout.invented][:, :3], RED.double().expand(int(cutout.invented.sum()), 3)
    )
    looked_at, asked, device = Finder.seen[-1]
    side = canvas_of_scene().square.side
    assert looked_at.size == (side, side)
    assert "of-the-photo" not in asked and "object" in asked
    assert device == "auto"


def test_what_is_painted_beside_the_object_does_not_become_it(painter, finder):
    painter.colour = GREEN  # the network paints something else: nothing red there
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights=Path(__file__).parent, segmenter=finder, size=64)
    cutout = completer(photo, far, [near], None)
    assert not cutout.invented.any()
    assert torch.equal(outline_in_photo(cutout, SIZE), far.visible)


def test_an_outline_that_is_not_found_again_goes_on_smoothly(painter, finder):
    photo, far, near, whole = scene()
    lost = InpaintCompleter(
        weights=Path(__file__).parent, segmenter={**finder, "wrong": True}, size=64
    )
    cutout = lost(photo, far, [near], None)
    outline = outline_in_photo(cutout, SIZE)
    assert (outline & whole).sum() / (outline | whole).sum() > 0.94
    unasked = InpaintCompleter(weights=Path(__file__).parent, size=64)(photo, far, [near], None)
    assert torch.equal(unasked.rgba, cutout.rgba)


def test_visible_pixels_are_the_photos_own(folders):
    photo, far, near, _ = scene()
    cutout = InpaintCompleter(weights=folders["sd"], steps=2)(photo, far, [near], None)
    alone = make_cutout(photo, far.visible, torch.zeros(*SIZE, 4), None)
    assert cutout.invented.any()
    assert torch.equal(cutout.rgba[cutout.visible], alone.rgba[alone.visible])
    assert (cutout.rgba[cutout.visible][:, 3] == 1).all()


def test_invented_is_what_was_completed_less_what_is_visible(folders, tmp_path):
    photo, far, near, _ = scene()
    cutout = InpaintCompleter(weights=folders["sd"], steps=2)(photo, far, [near], None)
    assert torch.equal(cutout.invented | cutout.visible, cutout.rgba[..., 3] > 0.5)
    assert not (cutout.invented & cutout.visible).any()
    write_cutout(tmp_path, "far", cutout)
    assert (tmp_path / "far.invented.png").is_file()
    assert torch.equal(read_cutout(tmp_path, "far").invented, cutout.invented)
    write_cutout(tmp_path, "far", make_cutout(photo, far.visible, torch.zeros(*SIZE, 4), None))
    assert not (tmp_path / "far.invented.png").exists()


def test_what_nothing_hides_is_left_alone_and_needs_no_network():
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights="/nowhere")
    cutout = completer(photo, near, [far], None)
    same = SymmetryCompleter()(photo, near, [far], None)
    assert torch.equal(cutout.rgba, same.rgba) and not cutout.invented.any()
    with pytest.raises(MissingWeights):
        completer(photo, far, [near], None)


@pytest.mark.parametrize("kind", ["sd", "half", "xl"])
def test_the_hole_is_painted_and_the_rest_stays(folders, kind):
    canvas = canvas_of_scene()
    done = []
    painting = paint.Painting("a cup", "text", 3, 7.5, 0.99, NATIVE, 0)
    network = (folders[kind], InpaintCompleter()._place())
    answer = paint.paint(
        canvas.rgb, canvas.hole, painting, network, lambda *step: done.append(step)
    )
    assert torch.equal(answer[~canvas.hole], canvas.rgb[~canvas.hole])
    assert not torch.equal(answer[canvas.hole], canvas.rgb[canvas.hole])
    assert ((answer >= 0) & (answer <= 1)).all()
    assert done == [(1, 2), (2, 2)]
    assert paint.native_size(folders[kind]) == NATIVE


def test_one_seed_is_one_picture(folders):
    photo, far, near, _ = scene()
    first, again, other = (
        InpaintCompleter(weights=folders["sd"], steps=2, seed=seed)(photo, far, [near], None)
        for seed in (5, 5, 6)
    )
    assert torch.equal(first.rgba, again.rgba)
    assert not torch.equal(first.rgba, other.rgba)


def test_with_less_memory_fewer_pixels_are_painted(folders):
    completer = InpaintCompleter(weights=folders["sd"], size=512)
    assert isinstance(completer, contracts.Shrinkable) and isinstance(
        completer, contracts.Closeable
    )
    sizes = []
    while completer is not None:
        sizes.append(completer.size)
        completer = completer.smaller()
    assert sizes == [512, 384, 256]
    assert InpaintCompleter(weights=folders["sd"]).smaller() is None  # its own size is tiny


def test_memory_that_runs_out_is_told_as_such(painter, monkeypatch):
    def full(**given):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4 GiB")

    monkeypatch.setattr(paint, "only_one", lambda key, make: full)
    photo, far, near, _ = scene()
    with pytest.raises(Exception) as caught:
        InpaintCompleter(weights=Path(__file__).parent, size=64)(photo, far, [near], None)
    assert is_out_of_memory(caught.value)


def test_a_closed_network_loads_anew(folders):
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights=folders["sd"], steps=2)
    first = completer(photo, far, [near], None)
    completer.close()
    assert torch.equal(completer(photo, far, [near], None).rgba, first.rgba)


def test_numbers_beyond_half_precision_cost_one_object(painter):
    painter.colour = torch.tensor([torch.nan, 0.0, 0.0])
    photo, far, near, _ = scene()
    with pytest.raises(BackendFailed, match="float32"):
        InpaintCompleter(weights=Path(__file__).parent, size=64)(photo, far, [near], None)


@pytest.mark.parametrize(
    "settings", [{"steps": 0}, {"strength": 0.0}, {"strength": 1.5}, {"size": 100}, {"size": -8}]
)
def test_settings_that_cannot_be_are_refused(folders, settings):
    photo, far, near, _ = scene()
    with pytest.raises(InputError, match="inpaint"):
        InpaintCompleter(weights=folders["sd"], **settings)(photo, far, [near], None)


def test_an_empty_mask_is_refused():
    photo, far, _, _ = scene()
    with pytest.raises(InputError, match="no pixel"):
        InpaintCompleter()(photo, Region("none", torch.zeros_like(far.visible)), [far], None)


def test_a_segmenter_must_take_boxes():
    canvas = canvas_of_scene()
    for table in ({"use": "given"}, {}):
        with pytest.raises(InputError, match="segmenter"):
            find_again(canvas.rgb, canvas, table, "cpu")


def test_the_box_is_around_the_visible_part_and_what_was_painted_on_to_it():
    canvas = canvas_of_scene()
    rgb = torch.where(canvas.hole[..., None], canvas.ground, canvas.rgb)
    rows, columns = (canvas.visible.any(axis).nonzero()[:, 0] for axis in (1, 0))
    alone = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    assert box_of(rgb, canvas) == alone
    y, x = canvas.hole.nonzero().unbind(-1)
    far = int((x + y).argmax())  # a speck in the hole's far corner hangs together with nothing
    speck = rgb.clone()
    speck[y[far] - 2 : y[far], x[far] - 2 : x[far]] = RED.double()
    assert box_of(speck, canvas) == alone
    full = torch.where(canvas.hole[..., None], RED.double(), canvas.rgb)
    box = box_of(full, canvas)
    assert box[2] >= int(x.max()) and box[3] >= int(y.max())


def test_a_light_grey_object_stands_before_a_darker_ground():
    photo, far, near, _ = scene()
    pale = Photo(torch.where(far.visible[..., None], 0.82, photo.rgb))
    for picture, ground in ((photo, GROUNDS[0]), (pale, GROUNDS[1])):
        canvas = prepare(picture, far.visible, near.visible)
        assert canvas is not None and canvas.ground == ground


@pytest.mark.parametrize(
    ("name", "what"),
    [("office-chair_2", "office chair"), ("object-3", "object"), ("7", "7"), ("lamp", "lamp")],
)
def test_the_prompt_says_what_the_name_says(name, what):
    assert paint.noun(name) == what
