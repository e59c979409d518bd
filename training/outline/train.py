"""Trains the full-mask head and writes it as it is shipped."""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils.fusion import fuse_conv_bn_eval

from reparo.stages.complete.network import WIDTHS, OutlineNetwork
from training.outline.data import batches
from training.outline.measure import score
from training.outline.store import Projection, Store, Target, load

AVERAGE = 0.998  # how much of the average of all steps' weights a step leaves as it is
CHECKED = 16  # one name in so many is kept from training in trials
HIDING_NOTHING = 0.25  # of the samples at most: whole objects with something before them


@dataclass(frozen=True)
class Course:
    """How the network is trained."""

    steps: int = 4000
    batch: int = 16
    rate: float = 2e-3  # the highest, of AdamW
    decay: float = 0.05
    widths: Sequence[int] = WIDTHS
    seed: int = 0
    trial: bool = True  # some names are kept for checks
    bfloat16: bool = True
    start: Path | None = None  # a checkpoint to go on from


def loss(logits: Tensor, full: Tensor, visible: Tensor, maybe: Tensor) -> Tensor:
    """1 - IoU, the soft one, plus the cross entropy; both where something hides alone."""
    likely = logits.sigmoid()
    known = visible.sum((1, 2))
    both = known + (maybe * likely * full).sum((1, 2))
    either = known + (maybe * (likely + full - likely * full)).sum((1, 2))
    entropy = binary_cross_entropy_with_logits(logits, full, reduction="none")
    mean = (entropy * maybe).sum((1, 2)) / maybe.sum((1, 2)).clamp_min(16)
    return (1 - both / either.clamp_min(1)).mean() + 0.5 * mean.mean()


def is_checked(name: str) -> bool:
    """Whether trials are judged by this model."""
    return int(sha256(("check " + name).encode()).hexdigest(), 16) % CHECKED == 0


def trained_on(data: Path, course: Course) -> list[tuple[Store, Target]]:
    """What is laid out so far: all hidden objects, and a few whole ones."""
    every = [(store, target) for store in load(data) for target in store.targets]
    kept = [pair for pair in every if not (course.trial and is_checked(pair[1].name))]
    hidden = [pair for pair in kept if pair[1].hidden]
    whole = [pair for pair in kept if not pair[1].hidden]
    few = np.random.default_rng(course.seed).permutation(len(whole))
    few = few[: round(HIDING_NOTHING * len(hidden))]
    return hidden + [whole[place] for place in few]


def checked_by(data: Path) -> list[tuple[Store, Target]]:
    """What trials are judged by: objects that show 30 to 90 %, in scenes that nobody pasted."""
    return [
        (store, target)
        for store in load(data, pasted=False)
        for target in store.targets
        if is_checked(target.name) and 0.3 <= target.share <= 0.9
    ]


def train(data: Path, course: Course, out: Path) -> OutlineNetwork:
    """The averaged network in its training form; checkpoints lie beside OUT.

    Each pass takes what is laid out by then, so that it may begin while scenes are being made.
    """
    torch.manual_seed(course.seed)
    channels = load(data)[0].tokens.shape[1]
    network = OutlineNetwork(channels, course.widths, norm=True)
    if course.start is not None:
        network.load_state_dict(torch.load(course.start))
    network = network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(network.parameters(), course.rate, weight_decay=course.decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, course.rate, course.steps, pct_start=0.08, cycle_momentum=False
    )
    print(f"{parameters(network) / 1e6:.2f} M parameters", flush=True)
    feed = batches(
        lambda: trained_on(data, course), course.batch, np.random.default_rng(course.seed)
    )
    begun, recent = time.perf_counter(), []
    for step in range(1, course.steps + 1):
        planes, tokens, *truth = next(feed)
        shown = (one.to(memory_format=torch.channels_last) for one in (planes, tokens))
        with torch.autocast("cpu", torch.bfloat16, enabled=course.bfloat16):
            logits = network(*shown)
        value = loss(logits.float(), *truth)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        rates.step()
        follow(average, network, step)
        recent.append(value.item())
        if step % 250 == 0 or step == course.steps:
            told = f"{step} {time.perf_counter() - begun:.0f} s, loss {np.mean(recent):.4f}"
            recent = []
            if course.trial and (step % 1000 == 0 or step == course.steps):
                checks = checked_by(data)
                told += f", {len(checks)} checks {score(average, checks)}"
            print(told, flush=True)
            torch.save(average.state_dict(), out.with_suffix(".pt"))
    return average


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int) -> None:
    """Moves the average towards the network, norms' figures too; quicker in the beginning."""
    share = 1 - min(AVERAGE, step / (step + 20))
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    for slow, quick in pairs:
        if slow.is_floating_point():
            slow.lerp_(quick, share)


def parameters(network: nn.Module) -> int:
    """How many."""
    return sum(values.numel() for values in network.parameters())


def shipped(network: OutlineNetwork, projection: Projection) -> OutlineNetwork:
    """The same network for the transformer's own tokens: norms and projection folded in."""
    look = network.look
    matrix, mean = (
        torch.from_numpy(one).to(look.weight) for one in (projection.matrix, projection.mean)
    )
    widths = [len(getattr(network, part)[-3].weight) for part in ("down1", "down2", "down3")]
    widths.append(len(network.middle[-3].weight))
    plain = OutlineNetwork(matrix.shape[1], widths)
    for part in ("down1", "down2", "down3", "middle", "up3", "up2", "up1"):
        theirs, ours = getattr(network, part), getattr(plain, part)
        for place in range(0, len(theirs), 3):
            fused = fuse_conv_bn_eval(theirs[place], theirs[place + 1])
            ours[place // 3 * 2].load_state_dict(fused.state_dict())
    plain.out.load_state_dict(network.out.state_dict())
    weight = look.weight.detach()[:, :, 0, 0] @ matrix
    plain.look.weight.data = weight[:, :, None, None]
    plain.look.bias.data = look.bias.detach() - weight @ mean
    return plain.eval()


def write(network: OutlineNetwork, file: Path) -> None:
    """float16 safetensors."""
    from safetensors.torch import save_file

    state = {name: values.half().contiguous() for name, values in network.state_dict().items()}
    save_file(state, file)
