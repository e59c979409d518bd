"""Trains the network of `depth: embedded`.

    python -m training.depth DATA OUT.safetensors --steps 4800

DATA holds scenes and tokens of train, close, varied and held. Loss: after the gain and offset that
bring each picture's median and mean deviation to 0 and 1, absolute differences and differences of
gradients at four scales; after the affine fit of inverse depth over the objects' pixels, each
object's relative error, which is what the layout needs; and, lightly, where infinity's zero lies.
Besides it has to say where objects are and which box each pixel's object fills, masks or not:
whoever knows that of a photo without masks knows what stands upright. (Not shipped.)
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float, Int
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, dropout2d

from reparo.stages.depth.network import MOST, ROUNDS, WIDTH, DepthNetwork, make_clues, whereabouts
from training.kept import Batch, Scenes, read_scenes
from training.principal import Projection, read_projection
from training.schedule import Average, Steps, chosen_device, rate
from training.spoilt import recoloured, restyled, worse

SPLITS = {"train": 9, "close": 11, "varied": 36}  # of 56 batches
RATE = 2e-3
LEAST_RATE = 0.1  # of it: the mean of many weights is taken, https://arxiv.org/abs/2102.08604
LATELY, MOST_STEPS = 0.25, 4000  # steps that this mean is of: a share of all, and at most
LEAST_SIDE = 0.58  # of a picture's, for a crop
CENTRED = 0.7  # of the crops
BESIDES = 5  # inside an object; its box's left, right, top and foot
DROPPED = 0.2  # share of the tokens' channels that a batch does without
AWARE = 0.3  # weight of what is said besides
REPORTS = 12


@dataclass(frozen=True)
class Course:
    """How the network is trained."""

    steps: int = 4800
    minutes: float = math.inf  # that it may take, if shorter; the rate falls accordingly
    batch: int = 8
    plain: int = 1200  # scenes that are not varied, of each split, at most
    width: tuple[int, int, int] = WIDTH
    rounds: int = ROUNDS
    seed: int = 0


def main(
    data: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    course: tyro.conf.OmitArgPrefixes[Course],
    device: str = "auto",
) -> None:
    """Trains for so many steps; says how it fares on held-out models."""
    torch.manual_seed(course.seed)
    rng, place = np.random.default_rng(course.seed), chosen_device(device)
    shares = np.array(list(SPLITS.values())) / sum(SPLITS.values())
    most = {split: course.plain for split in ("train", "close")}
    trains = [read_scenes(data, split, most.get(split)).to(place) for split in SPLITS]
    held = read_scenes(data, "held")
    projection = read_projection(data / "tokens" / "projection.npy")
    network = DepthNetwork(course.width, course.rounds, len(projection.matrix), BESIDES)
    network = network.to(place, torch.float32, memory_format=torch.channels_last)
    best, steps = Average(network, LATELY, MOST_STEPS), Steps(course.steps, course.minutes)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.02)
    losses, reports = [], 1
    for step in steps:
        for group in optimizer.param_groups:
            group["lr"] = RATE * rate(steps.share, LEAST_RATE)
        scenes = trains[rng.choice(len(trains), p=shares)]
        drawn = draw(scenes, course.batch, rng)
        said = asked(network, drawn, DROPPED)
        loss = mismatch(said[:, 0], drawn) + unaware(said[:, 1:], drawn.number)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        best.follow(network)
        losses.append(loss.detach())
        if steps.share >= reports / REPORTS:
            reports += 1
            mean = float(torch.stack(losses[-200:]).mean())
            print(f"{step} steps, loss {mean:.4f}, {report(best.network, held)}", flush=True)
            save_file(shipped(best.network, projection), out)
    print(f"{steps.done} steps in all, {report(best.network, held)}")
    save_file(shipped(best.network, projection), out)


def asked(network: DepthNetwork, batch: Batch, dropped: float = 0.0) -> Float[Tensor, "b s y x"]:
    """All that the network says of a batch."""
    tokens, clues = batch.tokens.float(), make_clues(batch.rgb, batch.given)
    shown = (dropout2d(tokens, dropped), clues)
    shown = (one.to(memory_format=torch.channels_last) for one in shown)
    with torch.autocast(tokens.device.type, torch.bfloat16):
        return network.everything(*shown).float()


def draw(scenes: Scenes, count: int, rng: np.random.Generator) -> Batch:
    """Random scenes, all cropped to one random shape, with the faults of real ones."""
    most = scenes.patches
    shape = (most, most)
    if rng.random() < 0.5:
        rows, columns = rng.integers(round(LEAST_SIDE * most), most + 1, 2)
        shape = (int(rows), int(columns))
    # photographs have their axis in the middle, unless somebody cut them
    place = np.where(rng.random((count, 1)) < CENTRED, 0.5, rng.random((count, 2)))
    corners = np.rint(place * (most - np.array(shape))).astype(int)
    chosen = rng.integers(len(scenes.rgb), size=count)
    batch = scenes.cropped(chosen, corners, shape)
    return Batch(
        restyled(batch.tokens, rng), recoloured(batch.rgb, rng), worse(batch.given, rng),
        batch.disparity, batch.number,
    )  # fmt: skip


def mismatch(said: Float[Tensor, "b y x"], batch: Batch) -> Tensor:
    """The loss, a mean over the batch."""
    ours, true = (_normalised(maps) for maps in (said, batch.disparity))
    plain = (ours - true).abs().mean()
    slopes = sum((_slopes(ours - true, step) for step in (1, 2, 4, 8)), torch.zeros_like(plain))
    per_object = torch.cat([object_errors(said, batch, power) for power in (0, 2)])
    zero = (_zero(said) - _zero(batch.disparity)).abs().clamp(max=1.0).mean()
    near = per_object.clamp(max=0.5).mean() if len(per_object) else 0.0
    return plain + 0.25 * slopes + 2 * near + 0.2 * zero


def unaware(said: Float[Tensor, "b 5 y x"], number: Int[Tensor, "b y x"]) -> Tensor:
    """How little is known of where objects are and which boxes they fill."""
    x, y, inside, _, *ends = whereabouts(number).unbind(1)
    found = binary_cross_entropy_with_logits(said[:, 0], inside)
    away = torch.stack([end - own for end, own in zip(ends, (x, x, y, y), strict=True)], 1)
    off = ((said[:, 1:] - away).abs() * inside[:, None]).sum() / inside.sum().clamp_min(1)
    return AWARE * (found + off)


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


def object_errors(said: Float[Tensor, "b y x"], batch: Batch, power: int = 0) -> Tensor:
    """Relative errors of disparity after each picture's affine fit over all its objects, [n].

    An object's is its pixels' mean. The fit weighs pixels by true depth to a power: 0 as is usual,
    2 to fit relative errors.
    """
    true, number = batch.disparity, batch.number
    inside = ((number > 0) & (true > 0)).float()
    near = true.clamp_min(1e-6)
    weight = inside * near**-power
    weight = weight / weight.sum((1, 2), keepdim=True).clamp_min(1e-12)

    def mean(values: Tensor) -> Tensor:
        return (weight * values).sum((1, 2), keepdim=True)

    off_said, off_true = said - mean(said), true - mean(true)
    gain = mean(off_said * off_true) / (mean(off_said.square()) + 1e-6)
    error = (off_said * gain - off_true).abs() / near * inside
    one = torch.arange(len(said), device=said.device)[:, None, None] * MOST + number
    total = error.new_zeros(MOST * len(said)).index_add(0, one.flatten(), error.flatten())
    size = error.new_zeros(MOST * len(said)).index_add(0, one.flatten(), inside.flatten())
    return total[size > 0] / size[size > 0]


@torch.no_grad()
def report(network: DepthNetwork, held: Scenes, count: int = 120, at_once: int = 10) -> str:
    """Object errors on scenes of held-out models, masks given; and of the map, without masks."""
    place = next(network.parameters()).device
    network.eval()
    errors, plain = [], []
    for first in range(0, min(count, len(held.rgb)), at_once):
        batch = held.whole(np.arange(first, min(first + at_once, len(held.rgb)))).to(place)
        errors.append(object_errors(asked(network, batch)[:, 0], batch))
        said = asked(network, batch.without_masks())[:, 0]
        plain.append((_normalised(said) - _normalised(batch.disparity)).abs().mean())
    every = torch.cat(errors)
    return (
        f"held out: object error median {every.median():.2%}, mean {every.mean():.2%}, "
        f"map without masks {torch.stack(plain).mean():.3f}"
    )


def shipped(network: DepthNetwork, projection: Projection) -> dict[str, Tensor]:
    """Half precision weights for the transformer's own tokens, without what was said besides."""
    state = dict(network.state_dict())
    state["tokens.weights.weight"] = projection.folded(state["tokens.weights.weight"])
    for name in ("said.weight", "said.bias"):
        state[name] = state[name][:1]
    return {key: one.half().cpu().contiguous() for key, one in state.items()}


if __name__ == "__main__":
    tyro.cli(main)
