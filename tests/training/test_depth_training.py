"""The depth network's training: what the loss does not mind, what the data is, and that it runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reparo.stages.depth.network import CLUES, FINER, TOKENS, DepthNetwork, whereabouts
from training import depth
from training.kept import SAID, Batch, read_scenes
from training.principal import Projection
from training.schedule import Average, rate
from training.spoilt import recoloured, restyled, worse

SPLITS = (*depth.SPLITS, "held")
PATCHES, SIDE = 24, 336
WIDTH = (32, 16, 8)
FEWER = 12  # principal components


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Two scenes of each kind; their tokens are noise."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "tokens").mkdir()
    rng = np.random.default_rng(0)
    for split in SPLITS:
        (folder / "scenes" / split).mkdir(parents=True)
        for number in range(2):
            index = np.zeros((SIDE, SIDE), np.uint8)
            index[100:200, 50:150], index[150:300, 200:300] = 1, 2
            away = np.linspace(0.1, 1, SIDE)[:, None] + 0.3 * index
            rgb = rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
            file = folder / "scenes" / split / f"{number:05d}.npz"
            np.savez(file, rgb=rgb, index=index, disparity=away.astype("f2"))
        tokens = rng.normal(size=(2, FEWER, PATCHES, PATCHES)).astype("f2")
        np.save(folder / "tokens" / f"{split}.npy", tokens)
        (folder / "tokens" / f"{split}.done").write_text("2")
    Projection(0.1 * torch.randn(FEWER, TOKENS)).save(folder / "tokens" / "projection.npy")
    return folder


@pytest.fixture
def batch(data) -> Batch:
    return read_scenes(data, "held").whole(np.arange(2))


def test_a_crop_is_the_same_place_of_everything(data):
    scenes = read_scenes(data, "train")
    whole = scenes.whole(np.array([1]))
    part = scenes.cropped(np.array([1]), np.array([[3, 5]]), (14, 16))
    for name, finer in (("tokens", 1), ("disparity", SAID), ("number", SAID), ("given", FINER)):
        mine, all_ = getattr(part, name), getattr(whole, name)
        rows, columns = (slice(a * finer, b * finer) for a, b in ((3, 17), (5, 21)))
        assert torch.equal(mine, all_[..., rows, columns])
    assert set(whole.number.unique().tolist()) == {0, 1, 2}


def test_batches_are_crops_of_many_shapes(data):
    rng, scenes, shapes = np.random.default_rng(0), read_scenes(data, "train"), set()
    for _ in range(16):
        tokens = depth.draw(scenes, 3, rng).tokens
        assert len(tokens) == 3 and 0.55 * PATCHES < min(tokens.shape[2:])
        shapes.add(tuple(tokens.shape[2:]))
    assert (PATCHES, PATCHES) in shapes and len(shapes) > 4


def test_no_more_scenes_are_read_than_asked_for(data):
    scenes = read_scenes(data, "close", most=1)
    assert len(scenes.tokens) == len(scenes.rgb) == len(scenes.disparity) == 1
    both = read_scenes(data, "close", most=9)
    assert len(both.tokens) == 2 and torch.equal(both.disparity[:1], scenes.disparity)


def test_the_map_counts_up_to_gain_and_offset(batch):
    noise = 0.1 * torch.randn_like(batch.disparity)
    said, free = batch.disparity + noise, replace(batch, number=torch.zeros_like(batch.number))
    # nothing but the light term about infinity's zero sees an offset
    assert depth.mismatch(3 * said, free) == pytest.approx(float(depth.mismatch(said, free)), 1e-4)
    assert depth.mismatch(batch.disparity, batch) < 1e-3 < depth.mismatch(said, batch)


@pytest.mark.parametrize("power", [0, 2])
def test_objects_count_after_an_affine_fit(batch, power):
    assert depth.object_errors(5 * batch.disparity + 2, batch, power).max() < 1e-3
    wrong = batch.disparity + 0.2 * (batch.number == 1).float()
    assert depth.object_errors(wrong, batch, power).max() > 0.02


def test_masks_are_spoilt_in_ways_that_segmenters_have():
    number = torch.zeros(200, 48, 48, dtype=torch.long)
    number[:, 10:30, 10:30], number[:, 20:40, 30:44] = 1, 2
    spoilt = worse(number, np.random.default_rng(0))
    empty = (spoilt == 0).all(2).all(1)
    halved = (spoilt > 2).any(2).any(1)
    assert 0.25 < empty.float().mean() < 0.55
    assert 0.02 < halved.float().mean() < 0.3
    grown = (spoilt > 0) & (number == 0)
    assert 0 < grown.sum() < 0.2 * (number > 0).sum()


def test_colours_change_and_stay_colours():
    rgb = torch.rand(50, 24, 24, 3)
    other = recoloured(rgb, np.random.default_rng(0))
    assert other.shape == rgb.shape and other.min() >= 0 and other.max() <= 1
    blind = (other == 0.5).flatten(1).all(1).float().mean()
    assert 0.05 < blind < 0.4


def test_a_short_training_gives_a_file_that_loads(data, tmp_path, capsys):
    course = depth.Course(steps=3, batch=2, width=WIDTH, rounds=1)
    depth.main(data, tmp_path / "out.safetensors", course, "cpu")
    network = DepthNetwork(WIDTH, 1)
    network.load_state_dict(load_file(tmp_path / "out.safetensors"))
    assert "3 steps in all, held out: object error" in capsys.readouterr().out


def test_the_shipped_network_says_the_same_as_the_trained_one(batch):
    projection = Projection(0.1 * torch.randn(FEWER, TOKENS))
    trained = DepthNetwork(WIDTH, 1, FEWER, depth.BESIDES).eval()
    plain = DepthNetwork(WIDTH, 1).eval()
    plain.load_state_dict(depth.shipped(trained, projection))
    tokens, clues = torch.randn(2, TOKENS, 14, 14), torch.rand(2, CLUES, 14 * FINER, 14 * FINER)
    torch.testing.assert_close(
        plain(tokens, clues), trained(projection(tokens), clues), rtol=2e-2, atol=2e-3
    )


def test_what_is_known_of_boxes_counts_where_objects_are(batch):
    number = batch.number
    places = whereabouts(number)
    x, y, inside = places[:, 0], places[:, 1], places[:, 2]
    known = torch.stack([places[:, 4] - x, places[:, 5] - x, places[:, 6] - y, places[:, 7] - y], 1)
    right = torch.cat([(40 * inside - 20)[:, None], known], 1)
    assert depth.unaware(right, number) < 1e-6
    elsewhere = right + torch.cat(
        [torch.zeros_like(x)[:, None], 1 - inside[:, None].expand(-1, 4, -1, -1)], 1
    )
    assert depth.unaware(elsewhere, number) < 1e-6
    blind = torch.cat([-right[:, :1], known], 1)
    moved = torch.cat([right[:, :1], known + 0.1], 1)
    assert depth.unaware(blind, number) > 1 and depth.unaware(moved, number) > 0.05


def test_tokens_of_another_kind_are_the_same_picture_with_other_channels():
    tokens = torch.randn(64, 8, 5, 6, generator=torch.Generator().manual_seed(0))
    other = restyled(tokens, np.random.default_rng(0))
    same = (other - tokens).abs().amax((1, 2, 3)) < 1e-5
    assert 0.4 < same.float().mean() < 0.9
    pattern, found = (
        one.flatten(2) - one.flatten(2).mean(2, keepdim=True) for one in (tokens, other)
    )
    assert (torch.cosine_similarity(pattern, found, dim=2) > 0.999).all()
    moved = (other - tokens).mean((2, 3))[~same].abs() / tokens.mean((2, 3)).std(0)
    assert 0.5 < moved.mean() < 1.0  # the mean of |normal| of 0.9 is 0.72


def test_the_rate_rises_and_falls_to_the_least():
    shares = np.linspace(0, 1, 201)
    rates = np.array([rate(share, 0.2) for share in shares])
    top = rates.argmax()
    assert rates[0] < 0.02 and 0.9 < rates[top] <= 1
    assert (np.diff(rates[: top + 1]) > 0).all() and (np.diff(rates[top:]) <= 0).all()
    assert rates[-1] == 0.2 and rate(1.0) == 0


@pytest.mark.parametrize("most", [50, 100_000])
def test_the_mean_is_of_late_steps_and_of_no_more_than_asked(most):
    one = torch.nn.Linear(1, 1)
    mean = Average(one, 0.25, most)
    for step in range(1, 2001):
        torch.nn.init.constant_(one.weight, step)
        mean.follow(one)
    # weights s^3: the mean step is 4/5 of all; an exponential mean lags by its length
    expected = 1950 if most == 50 else 1600
    assert float(mean.network.weight.detach()) == pytest.approx(expected, abs=5)


def test_only_what_is_asked_for_is_learned_from(data, tmp_path, monkeypatch):
    read = []

    def recorded(folder, split, most=None):
        read.append((split, most))
        return read_scenes(folder, split, most)

    monkeypatch.setattr(depth, "read_scenes", recorded)
    course = depth.Course(1, batch=2, plain=1, width=WIDTH, rounds=1)
    depth.main(data, tmp_path / "out.safetensors", course, "cpu")
    assert read == [("train", 1), ("close", 1), ("varied", None), ("held", None)]
