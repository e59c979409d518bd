"""How long a training goes on, how fast it learns, and the mean of its weights."""

import copy
import math
import os
import time
from collections.abc import Iterator

import torch
from torch import nn


class Steps:
    """Counts from 1 as far as asked, or until so many minutes are over."""

    def __init__(self, count: int, minutes: float = math.inf) -> None:
        self.count, self.seconds, self.done = count, 60 * minutes, 0
        self.begun = time.monotonic()

    @property
    def share(self) -> float:
        """Of the training that is over."""
        return max(self.done / self.count, (time.monotonic() - self.begun) / self.seconds)

    def __iter__(self) -> Iterator[int]:
        self.begun = time.monotonic()
        while self.share < 1:
            self.done += 1
            yield self.done


def chosen_device(name: str, cores: int | None = None) -> torch.device:
    """`auto`: a GPU where there is one. A CPU works with so many cores, with all unless said."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(cores or os.cpu_count() or 1)
    return torch.device(name)


def rate(share: float, least: float = 0.0) -> float:
    """Rises for a twentieth of the time, then falls as a cosine, from 1 to no less than that."""
    return min(share / 0.05 + 0.01, max(least, 0.5 * (1 + math.cos(math.pi * min(share, 1)))))


class Average:
    """A network whose weights are the mean of another's, mostly of so large a share of its steps.

    After t steps, step s counts as (s / t)^(1 / lately - 1): https://arxiv.org/abs/1212.1824.
    """

    def __init__(self, network: nn.Module, lately: float = 0.05, most: int = 500) -> None:
        self.network, self.lately, self.most = copy.deepcopy(network).eval(), lately, most
        self.steps = 0

    @torch.no_grad()
    def follow(self, network: nn.Module) -> None:
        """One step towards it; of at most so many steps."""
        share = max(1 / self.most, 1 / (1 + self.lately * self.steps))
        self.steps += 1
        slow, quick = (list(one.parameters()) for one in (self.network, network))
        torch._foreach_lerp_(slow, quick, share)
