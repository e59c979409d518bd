"""How long a training goes on, how fast it learns, and the mean of its weights."""

import copy
import math
import time

import torch
from torch import nn


class Clock:
    """Counts this process's own processor time, so that a busy machine makes no worse a network."""

    def __init__(self, minutes: float) -> None:
        self.seconds, self.start = 60 * minutes, time.process_time()

    @property
    def share(self) -> float:
        """Of the time that is over; above 1 at the end."""
        return (time.process_time() - self.start) / self.seconds

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self.share >= 1


def chosen_device(name: str) -> torch.device:
    """`auto`: a GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def rate(share: float) -> float:
    """Rises for a twentieth of the time, then falls as a cosine; at most 1."""
    return min(share / 0.05 + 0.01, 0.5 * (1 + math.cos(math.pi * min(share, 1))))


class Average:
    """A network whose weights follow another's slowly."""

    def __init__(self, network: nn.Module, memory: float = 0.998) -> None:
        self.network, self.memory, self.steps = copy.deepcopy(network).eval(), memory, 0

    @torch.no_grad()
    def follow(self, network: nn.Module) -> None:
        """One step towards it; quicker in the beginning."""
        self.steps += 1
        share = 1 - min(self.memory, (self.steps + 1) / (self.steps + 20))
        pairs = zip(self.network.parameters(), network.parameters(), strict=True)
        for slow, quick in pairs:
            slow.lerp_(quick, share)
