"""Trains the shape head on packed views.

    python -m training.shape.train OUT PACKED ... [--minutes 20] [--start FILE]

OUT/shape.safetensors is float16, of the running mean of the weights; OUT/log.txt has the losses.
"""

from pathlib import Path

import numpy as np
import torch
import tyro
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, dropout2d, interpolate

from reparo.stages.reconstruct.shape_network import GRID, Shape, ShapeHead
from training.schedule import Average, Clock, rate

KEYS = ("tokens", "rgba", "occupancy", "back", "focal")
BATCH = 16
RATE = 1.5e-3
FORGOTTEN = 0.15  # of the tokens' channels, so that no model is known by heart
CELLS, OVERLAP, BACK = 3.0, 1.0, 0.3  # weights of the losses


def main(
    out: tyro.conf.Positional[Path],
    packed: tyro.conf.Positional[tuple[Path, ...]],
    /,
    minutes: float = 20.0,
    seed: int = 0,
    start: Path | None = None,
) -> None:
    """Trains for so many minutes of processor time; `start`: goes on from these weights."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    views = Views(packed)
    rng, clock = np.random.default_rng(seed), Clock(minutes)
    head = ShapeHead().float().to(memory_format=torch.channels_last)
    if start is None:
        begin(head, views.some(rng))
    else:
        head.load_state_dict(load_file(start))
    mean = Average(head)
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=0.05)
    step, seen = 0, []
    with (out / "log.txt").open("w") as log:
        while not clock.over:
            for group in optimiser.param_groups:
                group["lr"] = RATE * rate(clock.share)
            terms = losses(head, views.some(rng))
            sum(terms.values()).backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            mean.follow(head)
            seen.append([float(term.detach()) for term in terms.values()])
            step += 1
            if step % 100 == 0:
                values = " ".join(f"{value:.4f}" for value in np.mean(seen, 0))
                print(step, f"{clock.share:.3f}", values, file=log, flush=True)
                seen = []
            if step % 500 == 0:
                save(mean.network, out / "shape.safetensors")
    save(mean.network, out / "shape.safetensors")


class Views:
    """The views of several packed folders as one, left on disk."""

    def __init__(self, packed: tuple[Path, ...]) -> None:
        self._parts = [
            {key: np.load(folder / f"{key}.npy", mmap_mode="r") for key in KEYS}
            for folder in packed
        ]
        self._starts = np.cumsum([0] + [len(part["focal"]) for part in self._parts])

    def some(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """A batch, as the head and its losses want it."""
        rows = []
        while len(rows) < BATCH:
            index = int(rng.integers(self._starts[-1]))
            owner = int(np.searchsorted(self._starts, index, "right")) - 1
            part, place = self._parts[owner], index - self._starts[owner]
            if part["focal"][place] > 0:  # else it is still being packed
                rows.append({key: value[place] for key, value in part.items()})
        return batch({key: np.stack([row[key] for row in rows]) for key in KEYS})


def batch(arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Arrays of views as tensors."""
    part = {key: torch.from_numpy(value) for key, value in arrays.items()}
    part["tokens"] = part["tokens"].to(torch.bfloat16)
    for key in ("rgba", "back"):
        part[key] = part[key].movedim(-1, 1).float() / 255
    return part


def losses(head: ShapeHead, part: dict[str, Tensor]) -> dict[str, Tensor]:
    """Cross entropy and overlap of the cells inside the outline; colours of the back."""
    with torch.autocast("cpu", torch.bfloat16):
        tokens = dropout2d(part["tokens"], FORGOTTEN, training=head.training)
        answer: Shape = head(tokens, part["rgba"], part["focal"])
    inside, owner, truth = rays(part)
    solid = answer.solid.movedim(1, -1)[inside].float()  # [rays, z]
    entropy = binary_cross_entropy_with_logits(solid, truth, reduction="none").mean(1)
    chance = solid.sigmoid()
    sums = torch.zeros(len(part["focal"]), 4).index_add(
        0,
        owner,
        torch.stack(
            [entropy, torch.ones_like(entropy), (chance * truth).sum(1), (chance + truth).sum(1)], 1
        ),
    )
    both = sums[:, 2]
    known = part["back"][:, 3:] * inside[:, None]
    off = ((answer.back.float() - part["back"][:, :3]).abs() * known).sum() / (known.sum() * 3 + 1)
    return {
        "cells": CELLS * (sums[:, 0] / (sums[:, 1] + 1)).mean(),
        "overlap": OVERLAP * (1 - (both + 1) / (sums[:, 3] - both + 1)).mean(),
        "back": BACK * off,
    }


def rays(part: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Where rays go through the outline [b, y, x], whose they are, and how full their cells are."""
    inside = interpolate(part["rgba"][:, 3:], (GRID, GRID), mode="area")[:, 0] > 0.3
    truth = part["occupancy"].movedim(1, -1)[inside].float() / 255
    return inside, inside.nonzero()[:, 0], truth


def begin(head: ShapeHead, part: dict[str, Tensor]) -> None:
    """Starts from what is usual for each layer, so that no time is lost in learning that."""
    usual = rays(part)[2].mean(0).clamp(0.002, 0.9).logit()
    with torch.no_grad():
        head.out.weight.mul_(0.1)
        head.out.bias.zero_()
        head.out.bias.view(-1, 4)[:GRID] = usual[:, None]


def save(head: torch.nn.Module, file: Path) -> None:
    """In half precision."""
    state = {key: value.half().contiguous() for key, value in head.state_dict().items()}
    save_file(state, file)


if __name__ == "__main__":
    tyro.cli(main)
