"""Trains the full-mask head and writes it as it is shipped."""

import copy
import math
import os
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
from torch.utils.data import DataLoader

from reparo.stages.complete.network import WIDTHS, OutlineNetwork
from training.outline.data import Feed
from training.outline.measure import score
from training.outline.store import Store, Target, load
from training.principal import Projection
from training.schedule import Steps, rate

AVERAGE = 0.998  # how much of the average of all steps' weights a step leaves as it is
CHECKED = 16  # one name in so many is kept from training
CHECKS, EVERY = 200, 1000  # objects that tell how it fares, and steps between such times
HIDING_NOTHING = 0.25  # of the samples at most: whole objects with something before them


@dataclass(frozen=True)
class Course:
    """How the network is trained."""

    steps: int = 8000
    minutes: float = math.inf  # that it may take, if shorter; the rate falls accordingly
    batch: int = 16
    rate: float = 2e-3  # the highest, of AdamW
    decay: float = 0.05
    widths: Sequence[int] = WIDTHS
    seed: int = 0


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
    """Whether this model is kept to tell how a training fares."""
    return int(sha256(("check " + name).encode()).hexdigest(), 16) % CHECKED == 0


def trained_on(store: Store, course: Course) -> list[Target]:
    """All hidden objects, and a few whole ones."""
    kept = [one for one in store.targets if not is_checked(one.name)]
    hidden = [one for one in kept if one.hidden]
    whole = [one for one in kept if not one.hidden]
    few = np.random.default_rng(course.seed).permutation(len(whole))
    few = few[: round(HIDING_NOTHING * len(hidden))]
    return hidden + [whole[place] for place in few]


def checked_by(store: Store) -> list[Target]:
    """What tells how it fares meanwhile: objects that show 30 to 90 %."""
    return [one for one in store.targets if is_checked(one.name) and 0.3 <= one.share <= 0.9]


def train(data: Path, course: Course, device: torch.device) -> OutlineNetwork:
    """The averaged network in its training form."""
    torch.manual_seed(course.seed)
    store = load(data)
    network = OutlineNetwork(store.tokens.shape[1], course.widths, norm=True).to(device)
    network = network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(network.parameters(), course.rate, weight_decay=course.decay)
    feed = Feed(store, trained_on(store, course), course.batch, course.seed)
    loader = DataLoader(feed, batch_size=None, num_workers=max(1, (os.cpu_count() or 1) - 1))
    print(f"{parameters(network) / 1e6:.2f} M parameters, {len(feed.targets)} objects", flush=True)
    begun, recent = time.perf_counter(), []
    steps = Steps(course.steps, course.minutes)
    for step, batch in zip(steps, loader, strict=False):
        for group in optimiser.param_groups:
            group["lr"] = course.rate * rate(steps.share)
        planes, tokens, *truth = (one.to(device) for one in batch)
        shown = (one.to(memory_format=torch.channels_last) for one in (planes, tokens))
        with torch.autocast(device.type, torch.bfloat16):
            logits = network(*shown)
        value = loss(logits.float(), *truth)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        follow(average, network, step)
        recent.append(value.detach())
        if step % EVERY == 0 or steps.share >= 1:
            told = (
                f"{step} {time.perf_counter() - begun:.0f} s, loss {torch.stack(recent).mean():.4f}"
            )
            checks = checked_by(store)[:CHECKS]
            recent = []
            print(f"{told}, {len(checks)} checks {score(average, store, checks)}", flush=True)
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
    widths = [len(getattr(network, part)[-3].weight) for part in ("down1", "down2", "down3")]
    widths.append(len(network.middle[-3].weight))
    plain = OutlineNetwork(projection.matrix.shape[1], widths)
    for part in ("down1", "down2", "down3", "middle", "up3", "up2", "up1"):
        theirs, ours = getattr(network, part), getattr(plain, part)
        for place in range(0, len(theirs), 3):
            fused = fuse_conv_bn_eval(theirs[place], theirs[place + 1])
            ours[place // 3 * 2].load_state_dict(fused.state_dict())
    plain.out.load_state_dict(network.out.state_dict())
    plain.look.weight.data = projection.folded(network.look.weight.detach())
    plain.look.bias.data = network.look.bias.detach()
    return plain.eval()


def write(network: OutlineNetwork, file: Path) -> None:
    """float16 safetensors."""
    from safetensors.torch import save_file

    state = {name: values.half().contiguous() for name, values in network.state_dict().items()}
    save_file(state, file)
