"""Which cells of a guessed solid to take: those whose chances promise the largest overlap."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

INSIDE = 0.5  # of a ray's place that the outline must fill


@dataclass(frozen=True)
class Choice:
    """All cells likelier than this, and what is to be expected of them."""

    likely: float  # 0..1: half way to the likeliest cell that is not taken
    overlap: float  # IoU with the truth

    @property
    def logit(self) -> float:
        """Of the border."""
        return math.log(self.likely / (1 - self.likely))


def best_choice(logits: Float[Tensor, "z y x"], alpha: Float[Tensor, "s s"]) -> Choice:
    """The choice of cells inside the outline with the largest promise.

    The n likeliest of m cells promise S_n / (n + S_m - S_n), S their chances' sums: the expected
    number in both over that in either. An unsure guess so takes more than a sure one would.
    An empty outline promises nothing.
    """
    small = interpolate(alpha[None, None].float().cpu(), logits.shape[1:], mode="area")[0, 0]
    inside = small > INSIDE * float(small.max())
    chance = logits.double().cpu().sigmoid()[:, inside].flatten().sort(descending=True).values
    if not len(chance):
        return Choice(0.5, 0.0)
    total = chance.cumsum(0)
    promise = total / (torch.arange(1, len(chance) + 1) + total[-1] - total)
    best = int(promise.argmax())
    beyond = chance[best + 1 :][:1].sum()  # of the likeliest cell that is not taken; 0: none
    likely = float((chance[best] + beyond) / 2)
    return Choice(min(max(likely, 1e-6), 1 - 1e-6), float(promise[best]))
