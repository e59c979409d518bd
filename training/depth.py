"""Trains the network of `depth: embedded`.

    python -m training.depth DATA OUT.safetensors --minutes 30

DATA holds scenes and tokens of train, close and held. Loss: after the gain and offset that bring
each picture's median and mean deviation to 0 and 1, absolute differences and differences of
gradients at four scales; after the affine fit of inverse depth over the objects' pixels, each
object's relative error, which is what the layout needs; and, lightly, where infinity's zero lies.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, dropout2d, max_pool2d

from reparo.stages.depth.network import FINER, DepthNetwork, make_clues
from training.kept import Kept, read_scenes
from training.schedule import Average, Clock, rate

SAID = 4  # network's pixels a patch
BATCH = 12
CLOSE = 0.5  # of the batches are of scenes seen from close by
RATE = 2e-3
LEAST_SIDE = 14  # patches of a crop
NO_MASKS, SOME_MASKS, ROUGH_MASKS = 0.35, 0.1, 0.25  # shares of the pictures
GREY, BLIND = 0.15, 0.2  # shares of the pictures whose clues lack colour, or the picture at all
DROPPED = 0.15  # share of the tokens' channels that a batch does without


@dataclass(frozen=True)
class Batch:
    """What the network is given and what is true."""

    tokens: Float[Tensor, "b t r c"]
    clues: Float[Tensor, "b k h w"]
    disparity: Float[Tensor, "b y x"]
    number: Float[Tensor, "b y x"]  # of the object from 1; 0: none


def main(
    data: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    minutes: float = 45,
    count: int = 7000,
    start: Path | None = None,
    seed: int = 0,
) -> None:
    """Trains for so many minutes of processor time; says how it fares on held-out models.

    `start`: weights to go on from, at half the rate.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    trains = [read_scenes(data, split, count) for split in ("train", "close")]
    held = read_scenes(data, "held", 500)
    network = DepthNetwork()
    highest = RATE if start is None else RATE / 2
    if start is not None:
        network.load_state_dict(load_file(start))
    best = Average(network)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.02)
    clock, losses, next_report = Clock(minutes), [], 0.1
    while not clock.over:
        for group in optimizer.param_groups:
            group["lr"] = highest * rate(clock.share)
        batch = draw(trains[int(rng.random() < CLOSE)], rng)
        with torch.autocast("cpu", torch.bfloat16):
            said = network(dropout2d(batch.tokens, DROPPED), batch.clues)
        loss = mismatch(said.float(), batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        best.follow(network)
        losses.append(float(loss.detach()))
        if clock.share >= next_report:
            next_report += 0.1
            mean, figures = np.mean(losses[-200:]), report(best.network, held)
            print(f"{clock.share:.0%} {len(losses)} steps, loss {mean:.4f}, {figures}", flush=True)
    save_file({key: value.half() for key, value in best.network.state_dict().items()}, out)


def draw(scenes: Kept, rng: np.random.Generator) -> Batch:
    """Random scenes, all cropped to one random shape."""
    rows, columns = (24, 24) if rng.random() < 0.5 else rng.integers(LEAST_SIDE, 25, 2)
    chosen = np.sort(rng.choice(len(scenes.rgb), BATCH, replace=False))
    parts = []
    for index in chosen:
        top, left = rng.integers(25 - rows), rng.integers(25 - columns)
        parts.append(_cropped(scenes, index, (top, left, rows, columns), rng))
    return Batch(*(torch.stack(part) for part in zip(*parts, strict=True)))


def _cropped(
    scenes: Kept, index: int, box: tuple[int, int, int, int], rng: np.random.Generator | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One scene's tokens, clues, disparity and numbers within a box of patches."""
    top, left, rows, columns = (int(value) for value in box)

    def cut(array: np.ndarray, finer: int) -> Tensor:
        down = slice(top * finer, (top + rows) * finer)
        across = slice(left * finer, (left + columns) * finer)
        return torch.from_numpy(array[..., down, across].copy())

    rgb = cut(scenes.rgb[index], FINER).movedim(0, -1).float() / 255
    number = cut(scenes.number[index], FINER)
    masks = torch.stack([number == one for one in range(1, int(number.max()) + 1)] or [number > 99])
    if rng is not None:
        masks, rgb = _worse(masks, rng), _recoloured(rgb, rng)
    tokens = cut(scenes.tokens[index], 1).float()
    coarse = number[FINER // SAID // 2 :: FINER // SAID, FINER // SAID // 2 :: FINER // SAID]
    return (
        tokens, make_clues(rgb, masks), cut(scenes.disparity[index], SAID).float(), coarse.float()
    )  # fmt: skip


def _worse(masks: Bool[Tensor, "n h w"], rng: np.random.Generator) -> Bool[Tensor, "n h w"]:
    """Masks as they come: none, some, or with outlines a little off."""
    chance = rng.random()
    if chance < NO_MASKS:
        return masks[:0]
    if chance < NO_MASKS + SOME_MASKS:
        return masks[torch.from_numpy(rng.random(len(masks)) < 0.6)]
    if chance < NO_MASKS + SOME_MASKS + ROUGH_MASKS:
        grown = max_pool2d(masks.float(), 3, 1, 1) > 0
        chosen = torch.from_numpy(rng.random(len(masks)) < 0.5)
        return torch.where(chosen[:, None, None], grown, masks)
    return masks


def _recoloured(rgb: Float[Tensor, "h w 3"], rng: np.random.Generator) -> Float[Tensor, "h w 3"]:
    """Other light, another lens, or no picture: what the clues show of it must not be relied on."""
    chance = rng.random()
    if chance < BLIND:
        return torch.full_like(rgb, 0.5)
    if chance < BLIND + GREY:
        rgb = rgb.mean(-1, keepdim=True).expand(-1, -1, 3)
    rgb = rgb ** float(np.exp(rng.normal() * 0.3))
    rgb = rgb * torch.from_numpy(rng.uniform(0.75, 1.2, 3)).to(rgb)
    if rng.random() < 0.4:
        rgb = avg_pool2d(rgb.movedim(-1, 0), 3, 1, 1).movedim(0, -1)
    noise = torch.from_numpy(rng.standard_normal(rgb.shape, "f4"))
    return (rgb + 0.03 * float(rng.random()) * noise).clamp(0, 1)


def mismatch(said: Float[Tensor, "b y x"], batch: Batch) -> Tensor:
    """The loss, a mean over the batch."""
    ours, true = (_normalised(maps) for maps in (said, batch.disparity))
    plain = (ours - true).abs().mean()
    slopes = sum((_slopes(ours - true, step) for step in (1, 2, 4, 8)), torch.zeros(()))
    maps = list(zip(said, batch.disparity, batch.number, strict=True))
    per_object = torch.cat([object_errors(*one, power) for one in maps for power in (0, 2)])
    zero = (_zero(said) - _zero(batch.disparity)).abs().clamp(max=1.0).mean()
    return plain + 0.25 * slopes + 2 * per_object.clamp(max=0.5).mean() + 0.2 * zero


def _normalised(maps: Float[Tensor, "b y x"]) -> Float[Tensor, "b y x"]:
    flat = maps.flatten(1)
    centred = flat - flat.median(1, keepdim=True).values
    return (centred / centred.abs().mean(1, keepdim=True).clamp_min(1e-6)).view_as(maps)


def _zero(maps: Float[Tensor, "b y x"]) -> Float[Tensor, " b"]:
    """Where the median lies above infinity's disparity, in mean deviations."""
    flat = maps.flatten(1)
    middle = flat.median(1, keepdim=True).values
    return middle[:, 0] / (flat - middle).abs().mean(1).clamp_min(1e-6)


def _slopes(difference: Float[Tensor, "b y x"], step: int) -> Tensor:
    down = difference[:, step:] - difference[:, :-step]
    across = difference[:, :, step:] - difference[:, :, :-step]
    return down.abs().mean() + across.abs().mean()


def object_errors(
    said: Float[Tensor, "y x"],
    true: Float[Tensor, "y x"],
    number: Float[Tensor, "y x"],
    power: int = 0,
) -> Float[Tensor, " n"]:
    """Relative errors of disparity after the affine fit over all objects, each object's mean.

    The fit weighs pixels by true depth to a power: 0 as is usual, 2 to fit relative errors.
    """
    inside = (number > 0) & (true > 0)
    if inside.sum() < 8:
        return said.new_zeros(0)
    x, y, which = said[inside], true[inside], number[inside].long()
    weight = y**-power / (y**-power).sum()
    mean_x, mean_y = (weight * x).sum(), (weight * y).sum()
    apart = (weight * (x - mean_x).square()).sum()
    gain = (weight * (x - mean_x) * (y - mean_y)).sum() / (apart + 1e-6)
    error = ((x - mean_x) * gain + mean_y - y).abs() / y
    total = error.new_zeros(int(which.max()) + 1).index_add(0, which, error)
    size = torch.bincount(which, minlength=len(total))
    return (total / size.clamp_min(1))[size > 0]


@torch.no_grad()
def report(network: nn.Module, held: Kept, count: int = 120) -> str:
    """Object errors on scenes of held-out models, masks given."""
    errors, plain = [], []
    for index in range(min(count, len(held.rgb))):
        tokens, clues, true, number = _cropped(held, index, (0, 0, 24, 24), None)
        with torch.autocast("cpu", torch.bfloat16):
            said = network(tokens[None], clues[None])[0].float()
        errors.append(object_errors(said, true, number))
        plain.append((_normalised(said[None]) - _normalised(true[None])).abs().mean())
    every = torch.cat(errors)
    return (
        f"held out: object error median {every.median():.2%}, mean {every.mean():.2%}, "
        f"map {torch.stack(plain).mean():.3f}"
    )


if __name__ == "__main__":
    tyro.cli(main)
