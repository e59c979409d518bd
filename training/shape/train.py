"""Trains the shape head on packed views.

    python -m training.shape.train OUT PACKED [--size larger] [--steps 12000] [--device auto]

OUT/shape.safetensors is float16, of the running mean of the weights, anew every 1,000 steps.
OUT/log.txt (and the screen) has a line every 250: step, ms a step, the losses of what is learned
from, then for models that are only watched the losses of that mean, its mean overlap, and
1 - overlap of the median model, of the cells that promise the most (`shape_choice`).
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, dropout2d, interpolate

from reparo.stages.reconstruct.shape_choice import best_choice
from reparo.stages.reconstruct.shape_network import (
    GRID,
    LARGER,
    LOCAL,
    SMALLER,
    Shape,
    ShapeHead,
)
from training.principal import Projection
from training.schedule import Average, Steps, chosen_device, rate
from training.shape.store import Batch, Views

SIZES = {"local": LOCAL, "smaller": SMALLER, "larger": LARGER}
FORGOTTEN = 0.15  # of the tokens' channels, so that no model is known by heart
CELLS, OVERLAP, BACK = 3.0, 1.0, 0.3  # weights of the losses
LINE, KEEP = 250, 1000  # steps from line to line, and from file to file


@dataclass(frozen=True)
class Course:
    """How it is trained."""

    steps: int = 12_000
    minutes: float = math.inf  # that it may take, if shorter; the rate falls accordingly
    batch: int = 64
    size: Literal["local", "smaller", "larger"] = "larger"
    rate: float = 1e-3
    decay: float = 0.05
    forget: float = 0.1  # in the network itself
    seed: int = 0
    device: str = "auto"


def main(
    out: tyro.conf.Positional[Path],
    packed: tyro.conf.Positional[Path],
    /,
    course: Annotated[Course, tyro.conf.arg(name="")] = Course(),
) -> None:
    """Trains; the last line is printed at the end, and the file is written."""
    torch.manual_seed(course.seed)
    device = chosen_device(course.device)
    torch.set_float32_matmul_precision("high")
    out.mkdir(parents=True, exist_ok=True)
    views, rng = Views(packed, device), np.random.default_rng(course.seed)
    head = started(course, views, rng, device)
    mean = Average(head)
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=course.rate, weight_decay=course.decay, fused=device.type == "cuda"
    )
    print(views, flush=True)
    begun, seen, steps = time.perf_counter(), [], Steps(course.steps, course.minutes)
    with (out / "log.txt").open("w") as log:
        for step in steps:
            for group in optimiser.param_groups:
                group["lr"] = course.rate * rate(steps.share)
            seen.append(learn(head, views.some(rng, course.batch), optimiser))
            mean.follow(head)
            if step % LINE == 0 or steps.share >= 1:
                terms = torch.stack(seen).mean(0).tolist()  # waits for the GPU
                each = (time.perf_counter() - begun) / len(seen) * 1000
                told = watch(mean.network, views, course.batch)
                line = f"{step} {each:.0f} ms learned {texts(terms)} {told}"
                print(line, flush=True)
                print(line, file=log, flush=True)
                begun, seen = time.perf_counter(), []
            if step % KEEP == 0:
                save(mean.network, views.projection, out / "shape.safetensors")
    save(mean.network, views.projection, out / "shape.safetensors")


def started(
    course: Course, views: Views, rng: np.random.Generator, device: torch.device
) -> ShapeHead:
    """The head as it is before the first step."""
    size, seen = SIZES[course.size], len(views.projection.matrix)
    head = ShapeHead(size.wide, size.fine, size.deep, seen, course.forget)
    head = head.float().to(device).to(memory_format=torch.channels_last)
    begin(head, views.some(rng, course.batch))
    return head.train()


def learn(head: ShapeHead, part: Batch, optimiser: torch.optim.Optimizer) -> Tensor:
    """One step; the losses [3], still on their way."""
    terms = losses(head, part)[0]
    terms.sum().backward()
    torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad()
    return terms.detach()


def losses(head: ShapeHead, part: Batch) -> tuple[Tensor, Shape]:
    """Of the cells inside the outline cross entropy and overlap, and of the back's colours: [3]."""
    with torch.autocast(part.rgba.device.type, torch.bfloat16):
        tokens = dropout2d(part.tokens, FORGOTTEN, training=head.training)
        answer: Shape = head(tokens, part.rgba, part.focal, part.up)
    inside, truth = rays(part)
    solid, known = answer.solid.float(), inside[:, None]
    count = inside.sum((1, 2)) + 1
    entropy = binary_cross_entropy_with_logits(solid, truth, reduction="none").mean(1)
    cells = ((entropy * inside).sum((1, 2)) / count).mean()
    chance = solid.sigmoid() * known
    both, all_ = ((chance * truth).sum((1, 2, 3)), (chance + truth * known).sum((1, 2, 3)))
    overlap = 1 - ((both + 1) / (all_ - both + 1)).mean()
    shown = part.back[:, 3:] * known
    off = ((answer.back.float() - part.back[:, :3]).abs() * shown).sum() / (shown.sum() * 3 + 1)
    return torch.stack([CELLS * cells, OVERLAP * overlap, BACK * off]), answer


def rays(part: Batch) -> tuple[Tensor, Tensor]:
    """Where rays go through the outline [b, y, x], 0 or 1, and how full all cells are."""
    inside = interpolate(part.rgba[:, 3:], (GRID, GRID), mode="area")[:, 0] > 0.3
    return inside.float(), part.occupancy.float() / 255


@torch.no_grad()
def watch(head: ShapeHead, views: Views, batch: int) -> str:
    """What a line says of the models that are only watched."""
    if not views.watched:
        return "nothing watched"
    rows = np.concatenate(views.watched)
    terms, overlaps = [], []
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        part = views.batch(some, np.zeros(len(some), bool))
        said, answer = losses(head, part)
        terms.append(said * len(some) / len(rows))
        overlaps += overlaps_of(answer.solid, part)
    owners = np.split(np.array(overlaps), np.cumsum([len(one) for one in views.watched])[:-1])
    median = np.median([1 - np.median(one) for one in owners])
    told = texts(torch.stack(terms).sum(0).tolist())
    return f"watched {told} IoU {np.mean(overlaps):.4f} median 1-IoU {median:.4f}"


def overlaps_of(solid: Tensor, part: Batch) -> list[float]:
    """IoU inside the outline of each view, of the cells that promise the most."""
    inside, truth = (one.cpu() >= 0.5 for one in rays(part))
    found = []
    every = zip(solid.cpu(), part.rgba[:, 3].cpu(), inside, truth, strict=True)
    for logits, alpha, ray, real in every:
        taken = (logits > best_choice(logits, alpha).logit) & ray
        real &= ray
        found.append(float((taken & real).sum() / (taken | real).sum().clamp(min=1)))
    return found


def begin(head: ShapeHead, part: Batch) -> None:
    """Starts from what is usual for each layer, so that no time is lost in learning that."""
    inside, truth = rays(part)
    usual = (truth * inside[:, None]).sum((0, 2, 3)) / inside.sum().clamp(min=1)
    with torch.no_grad():
        head.out.weight.mul_(0.1)
        head.out.bias.zero_()
        head.out.bias.view(-1, 4)[:GRID] = usual.clamp(0.002, 0.9).logit()[:, None]


def texts(values: list[float]) -> str:
    """Numbers as a line has them."""
    return " ".join(f"{value:.4f}" for value in (sum(values), *values))


def save(head: ShapeHead, projection: Projection, file: Path) -> None:
    """For the transformer's own tokens, in half precision; whole or not at all."""
    state, seen = dict(head.state_dict()), len(projection.matrix)
    state["tokens.weight"] = projection.folded(state["tokens.weight"])
    whole = state["whole.weight"]
    mean = projection.folded(whole[:, :seen, None, None])[:, :, 0, 0]
    state["whole.weight"] = torch.cat([mean, whole[:, seen:]], 1)
    part = file.with_suffix(".part")
    save_file({key: value.half().cpu().contiguous() for key, value in state.items()}, part)
    part.rename(file)


if __name__ == "__main__":
    tyro.cli(main)
