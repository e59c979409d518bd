"""The full-mask head's data and training: what is true stays true, what is folded is the same."""

import numpy as np
import pytest
import torch

from reparo.stages.complete import look
from reparo.stages.complete.network import OutlineNetwork
from training.outline.data import masks_of, stacked, varied
from training.outline.scene import SIDE, Scene, who_hides
from training.outline.store import Store, asked, build, load
from training.outline.train import loss, shipped
from training.principal import Projection

Y, X = np.mgrid[:SIDE, :SIDE] + 0.5


def disc(x: float, y: float, radius: float) -> np.ndarray:
    return (X - x) ** 2 + (Y - y) ** 2 < radius**2


def made(*discs: tuple[float, float, float], first_name: str = "a") -> Scene:
    """Discs, nearest first."""
    full = np.stack([disc(*one) for one in discs])
    index, disparity = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.float32)
    for place in reversed(range(len(discs))):
        index[full[place]] = place + 1
        disparity[full[place]] = 1 / (place + 1)
    rgb = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    names = tuple(chr(ord(first_name) + place) for place in range(len(discs)))
    return Scene(rgb, index, full, disparity, names)


def test_what_covers_hides_and_what_touches_from_in_front_may():
    scene = made((100, 100, 40), (150, 100, 40), (100, 182, 41), (300, 300, 10))
    hides = who_hides(scene)
    assert hides[1, 0] and not hides[0, 1]  # the first covers the second
    assert hides[2, 0] and not hides[0, 2]  # it only touches the third, and is nearer
    assert not hides[3].any() and not hides[:, 3].any()


@pytest.fixture
def store(tmp_path) -> Store:
    scene = made((140, 180, 40), (180, 160, 60), (40, 40, 20))
    tokens = np.random.default_rng(1).normal(size=(1, 6, 24, 24)).astype(np.float16)
    np.save(tmp_path / "tokens.npy", tokens)
    build([asked(scene)], tmp_path)
    return load(tmp_path)


def test_what_is_stored_is_read_again(store):
    (target,) = [one for one in store.targets if one.hidden]
    assert target.name == "b" and target.hiders == (0,)
    assert np.array_equal(store.truth(target), disc(180, 160, 60))
    assert (store.smooth(target, False) <= disc(140, 180, 40)).all()
    assert target.share == pytest.approx(
        (disc(180, 160, 60) & ~disc(140, 180, 40)).sum() / 11304, 0.01
    )
    assert asked(made((40, 40, 20), (200, 200, 20))) is None


def test_samples_ask_where_something_hides_and_never_where_the_object_shows(store):
    (target,) = [one for one in store.targets if one.hidden]
    rng = np.random.default_rng(0)
    samples = [varied(store, target, rng) for _ in range(20)]
    planes, tokens, full, visible, maybe = stacked([one for one in samples if one is not None])
    assert len(planes) == 20 and tokens.shape[1:] == (6, look.TOKENS, look.TOKENS)
    assert all(bool(part.isfinite().all()) for part in (planes, tokens, full))
    assert float((visible * maybe).amax()) < 0.3  # they meet in a pixel that both share
    assert float(((planes[:, 3:6].sum(1)) > 1.01).float().mean()) == 0
    coloured = planes[:, :3].abs().sum(1) > 0.01
    drawn = planes[:, -1]  # colours are seen in the visible part and the guess
    assert float(coloured[drawn > 0.99].double().mean()) > 0.95 and not coloured[drawn == 0].any()
    masks = masks_of(store, target)
    assert not bool((masks.maybe & masks.visible).any())


def test_the_loss_is_nothing_for_the_truth_and_counts_hidden_pixels_alone():
    full = torch.zeros(2, 8, 8)
    full[:, 2:6, 2:6] = 1
    maybe = torch.zeros(2, 8, 8)
    maybe[:, 4:] = 1
    visible = full * (1 - maybe)
    right = 40 * (2 * full - 1)
    assert float(loss(right, full, visible, maybe)) == pytest.approx(0, abs=1e-6)
    elsewhere = torch.where(maybe > 0, right, -right)
    assert float(loss(elsewhere, full, visible, maybe)) == pytest.approx(0, abs=1e-6)
    assert float(loss(-right, full, visible, maybe)) > 1


def test_the_shipped_network_says_the_same_as_the_trained_one():
    projection = Projection(0.1 * torch.randn(9, 300))
    trained = OutlineNetwork(len(projection.matrix), (4, 6, 8, 10), norm=True)
    planes, tokens = (
        torch.rand(2, look.PLANES, look.SIDE, look.SIDE),
        torch.rand(2, 300, look.TOKENS, look.TOKENS),
    )
    reduced = projection(tokens)
    trained(planes, reduced)  # so that its norms have seen something
    trained.eval()
    plain = shipped(trained, projection)
    torch.testing.assert_close(
        plain(planes, tokens), trained(planes, reduced), rtol=1e-3, atol=1e-3
    )
