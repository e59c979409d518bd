"""Outlines completed by our own network: its way in and out, and what it is not asked."""

from dataclasses import replace

import pytest
import torch
from hidden_scene import SIZE, disc, scene
from torch import Tensor

from reparo import contracts, registry
from reparo.errors import InputError
from reparo.files.cutouts import outline_in_photo
from reparo.scene import Photo, Region
from reparo.stages.complete import embedded
from reparo.stages.complete.cutout import Square, dilate
from reparo.stages.complete.embedded import EmbeddedCompleter, drawn, masks_of, sureness
from reparo.stages.complete.look import (
    PLANES,
    SIDE,
    TOKENS,
    Masks,
    planes,
    resized,
    sampled,
    square_around,
)
from reparo.stages.complete.network import OutlineNetwork
from reparo.stages.complete.outline import complete_outline
from reparo.stages.vision.backbone import packaged


def masks_of_scene() -> Masks:
    _, far, near, _ = scene()
    return masks_of(far, [near], None)


class Knowing:
    """Stands in for the network: it has the truth, as sure as it is told to be."""

    def __init__(self, whole: Tensor, square: Square, sure: float = 20.0):
        inside = resized(square.cut(whole[..., None].double()).movedim(-1, 0), SIDE)
        self.answer, self.asked = (sure * (2 * inside - 1)).float(), 0

    def __call__(self, planes: Tensor, tokens: Tensor) -> Tensor:
        assert planes.shape == (2, PLANES, SIDE, SIDE) and tokens.shape[-2:] == (TOKENS, TOKENS)
        self.asked += 1
        return torch.cat([self.answer, self.answer.flip(-1)])


@pytest.fixture
def knowing(monkeypatch):
    """The completer of the scene with a stand-in, as sure as is asked for."""

    def made(sure: float) -> tuple[EmbeddedCompleter, Knowing]:
        masks = masks_of_scene()
        square = square_around(masks)
        assert square is not None
        network = Knowing(scene()[3], square, sure)
        monkeypatch.setattr(embedded, "_network", lambda device: network)
        monkeypatch.setattr(embedded, "_tokens", lambda photo, device: torch.zeros(3, 6, 8))
        return EmbeddedCompleter(device="cpu"), network

    return made


def test_a_hidden_part_may_be_in_hiders_and_in_the_gap_before_them():
    visible, hider = disc(50.0, 60.0, 20.0), disc(93.0, 60.0, 20.0)  # 3 px between them
    masks = Masks(visible, hider, hider)
    assert (masks.maybe >= hider).all()
    assert not (masks.maybe & visible).any()
    gap = masks.maybe & ~hider
    assert gap.any() and (dilate(hider, 3) & dilate(visible, 3) >= gap).all()
    third = disc(71.0, 60.0, 1.0)  # what is another object's is no gap
    assert not (Masks(visible, hider, hider | third).maybe & third).any()


def test_the_square_holds_the_object_and_the_hiders_near_it():
    visible, hider = disc(50.0, 60.0, 20.0), disc(85.0, 60.0, 18.0)
    square = square_around(Masks(visible, hider, hider))
    assert square is not None
    cut = square.cut((visible | hider)[..., None].double())
    assert cut.sum() == (visible | hider).sum()
    assert square.side < 100  # px: of 73 that are looked at
    none = torch.zeros_like(visible)
    assert square_around(Masks(visible, none, hider)) is None
    far = disc(150.0, 10.0, 5.0)
    assert square_around(Masks(visible, far, far)) is None


def test_the_network_sees_colours_masks_and_where_the_photo_ends():
    rgb, visible, hider = torch.rand(*SIZE, 3), disc(10.0, 60.0, 30.0), disc(50.0, 60.0, 20.0)
    other = disc(120.0, 60.0, 10.0)
    masks = Masks(visible, hider & ~visible, (hider | other) & ~visible)
    top = SIZE[0] - SIDE + 32  # 32 columns and rows of the square lie outside the photo
    guess = disc(30.0, 60.0, 5.0)
    shown = planes(rgb, masks, guess, Square(-32, top, SIDE))
    assert shown.shape == (PLANES, SIDE, SIDE)
    assert (shown[:, :, :32] == 0).all() and (shown[:, -32:] == 0).all()
    within, photo = shown[:, :-32, 32:], (slice(top, None), slice(SIDE - 32))
    colours = (2 * rgb - 1) * (visible | guess)[..., None]
    torch.testing.assert_close(within[:3], colours[photo].movedim(-1, 0))
    torch.testing.assert_close(within[3] > 0.5, visible[photo])
    assert not (within[3:6].sum(0) > 1).any()
    assert (within[6] == 1).all()
    torch.testing.assert_close(within[7] > 0.5, (visible | guess)[photo])


def test_tokens_are_taken_where_the_square_is():
    along = (torch.arange(8) + 0.5) / 8 * 160  # px of the photo, of 8 patches' middles
    tokens = along.expand(1, 6, 8)
    found = sampled(tokens, Square(20, 30, 64), SIZE)
    expected = 20 + (torch.arange(TOKENS) + 0.5) * 64 / TOKENS
    torch.testing.assert_close(found[0, 3], expected)


def test_the_network_says_something_of_each_pixel():
    network = OutlineNetwork(5, widths=(4, 6, 8, 10))
    answer = network(torch.rand(2, PLANES, SIDE, SIDE), torch.rand(2, 5, TOKENS, TOKENS))
    assert answer.shape == (2, SIDE, SIDE)


@pytest.mark.parametrize("factor", [0.5, 1, 3], ids=["small", "as seen", "large"])
def test_what_is_said_in_the_square_is_drawn_in_the_photo(factor):
    size = (round(120 * factor), round(160 * factor))
    y, x = torch.meshgrid(*(torch.arange(length) + 0.5 for length in size), indexing="ij")
    whole = ((x - 70 * factor) ** 2 + (y - 50 * factor) ** 2).sqrt() < 35 * factor
    hider = ((x - 95 * factor) ** 2 + (y - 80 * factor) ** 2).sqrt() < 25 * factor
    masks = Masks(whole & ~hider, hider, hider)
    square = square_around(masks)
    assert square is not None
    hidden = drawn(Knowing(whole, square).answer[0], masks, square)
    wrong = hidden ^ (whole & hider)
    assert not (wrong & ~hider).any()
    assert wrong.sum() < 0.03 * (whole & hider).sum() + 4


def test_sureness_is_one_for_plain_words_and_small_for_none():
    masks = masks_of_scene()
    square = square_around(masks)
    assert square is not None
    whole = scene()[3]
    sure, unsure = (sureness(Knowing(whole, square, s).answer[0], masks, square) for s in (50, 0.2))
    assert sure > 0.97 and unsure < 0.6


def test_the_hidden_part_is_where_the_network_says_it_is(knowing):
    completer, network = knowing(20.0)
    photo, far, near, whole = scene()
    cutout = completer(photo, far, [near], None)
    outline = outline_in_photo(cutout, SIZE)
    assert (outline & whole).sum() / (outline | whole).sum() > 0.97
    assert network.asked == 1
    assert isinstance(completer, contracts.Completer) and isinstance(completer, contracts.Closeable)


def test_where_the_network_is_unsure_the_outline_goes_on_smoothly_and_a_note_says_so(
    knowing,
):
    completer, _ = knowing(0.1)
    photo, far, near, _ = scene()
    said = []
    cutout = replace(completer, note=said.append)(photo, far, [near], None)
    masks = masks_of_scene()
    smooth = complete_outline(far.visible.numpy(), masks.maybe.numpy()).hidden
    expected = far.visible | torch.from_numpy(smooth)
    assert torch.equal(outline_in_photo(cutout, SIZE), expected)
    assert len(said) == 1 and "unsure" in said[0]


def test_where_nothing_hides_no_network_is_run(knowing):
    completer, network = knowing(20.0)
    photo, far, near, _ = scene()
    cutout = completer(photo, near, [far], None)
    assert torch.equal(outline_in_photo(cutout, SIZE), near.visible)
    assert network.asked == 0


def test_an_empty_mask_is_refused():
    photo, far, _, _ = scene()
    with pytest.raises(InputError, match="no pixel"):
        EmbeddedCompleter()(photo, Region("none", torch.zeros_like(far.visible)), [far], None)


def test_a_picture_is_looked_at_once_for_all_its_objects(monkeypatch):
    looked = []
    monkeypatch.setattr(embedded, "packaged", lambda device: "network")
    monkeypatch.setattr(embedded, "in_patches", lambda network, rgb, size: rgb)
    monkeypatch.setattr(embedded, "levels", lambda network, rgb: looked.append(1) or rgb[None])
    photo = Photo(torch.rand(4, 4, 3))
    completer = EmbeddedCompleter(device="cpu")
    completer.close()
    for _ in range(3):
        embedded._tokens(photo, "cpu")
    assert len(looked) == 1
    completer.close()
    embedded._tokens(photo, "cpu")
    assert len(looked) == 2
    completer.close()


@pytest.mark.weights
def test_the_shipped_network_completes_a_disc_the_same_way_each_time():
    packaged("cpu")
    photo, far, near, whole = scene()
    completer = registry.create("complete", "embedded", device="cpu")
    first, second = (completer(photo, far, [near], None) for _ in range(2))
    completer.close()
    assert torch.equal(first.rgba, second.rgba)
    outline = outline_in_photo(first, SIZE)
    assert (outline & whole).sum() / (outline | whole).sum() > 0.9
    assert not (outline & ~(far.visible | near.visible)).any()
