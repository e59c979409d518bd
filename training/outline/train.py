"""Trains the full-mask head and writes it as it is shipped."""

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

AVERAGE = 0.999  # a step's weights move the average of them by one in a thousand
CHECKED = 12  # one name in so many is kept from training in trials
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


def chosen(
    stores: list[Store], course: Course
) -> tuple[list[tuple[Store, Target]], list[tuple[Store, Target]]]:
    """What is trained on, and what trials are judged by: hidden by 10 to 70 % in true scenes."""
    every = [(store, target) for store in stores for target in store.targets]
    kept = [pair for pair in every if not (course.trial and is_checked(pair[1].name))]
    hidden = [pair for pair in kept if pair[1].hidden]
    whole = [pair for pair in kept if not pair[1].hidden]
    few = np.random.default_rng(course.seed).permutation(len(whole))
    few = few[: round(HIDING_NOTHING * len(hidden))]
    checks = [
        (stores[0], target)
        for target in stores[0].targets
        if is_checked(target.name) and 0.3 <= target.share <= 0.9
    ]
    return hidden + [whole[place] for place in few], checks


def train(folders: Sequence[Path], course: Course, out: Path) -> OutlineNetwork:
    """The averaged network in its training form; checkpoints and a log lie beside OUT."""
    torch.manual_seed(course.seed)
    stores = load(*folders)
    pairs, checks = chosen(stores, course)
    channels = stores[0].tokens.shape[1]
    network = OutlineNetwork(channels, course.widths, norm=True)
    network = network.to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE),
        use_buffers=True,
    )
    optimiser = torch.optim.AdamW(network.parameters(), course.rate, weight_decay=course.decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, course.rate, course.steps, pct_start=0.08, cycle_momentum=False
    )
    print(f"{len(pairs)} objects, {len(checks)} to check by, {parameters(network) / 1e6:.2f} M")
    feed = batches(pairs, course.batch, np.random.default_rng(course.seed))
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
        average.update_parameters(network)
        recent.append(value.item())
        if step % 250 == 0 or step == course.steps:
            told = f"{step} {time.perf_counter() - begun:.0f} s, loss {np.mean(recent):.4f}"
            recent = []
            if checks and (step % 1000 == 0 or step == course.steps):
                told += f", checks {score(average.module.eval(), checks)}"
                average.module.train()
            print(told, flush=True)
            torch.save(average.module.state_dict(), out.with_suffix(".pt"))
    return average.module.eval()


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
