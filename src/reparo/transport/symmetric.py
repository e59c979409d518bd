"""A cloud against itself: one potential, and averaging makes it converge in a few rounds."""

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.transport.cost import negative_cost
from reparo.transport.sinkhorn import LOWEST, Plan

CHECK_EVERY = 3


def solve_symmetric(
    x: Float[Tensor, "n d"],
    weights: Float[Tensor, " n"],
    blur: float,
    stiffness: float,
    start: Float[Tensor, " n"] | None,
    settings: tuple[float, int],
) -> Plan:
    """Solves f = softmin(C - f) by f <- (f + softmin(C - f)) / 2, straight at the last blur.

    The diagonal of the kernel is 1, so scalings stay between bounds without absorption.
    """
    tolerance, rounds = settings
    eps = blur**2
    softness = 1 / (1 + eps / stiffness)
    kernel = negative_cost(x / blur, x / blur).clamp_(LOWEST, 0.0).exp_()
    log_u = torch.zeros_like(weights) if start is None else start / eps
    error = float("inf")
    for index in range(rounds):
        given = weights * log_u.exp()
        lack = (kernel @ given).log()
        if index % CHECK_EVERY == 0 or index == rounds - 1:
            wanted = (-eps / stiffness * log_u).exp()
            error = float((weights * ((lack + log_u).exp() - wanted).abs()).sum() / weights.sum())
            if error <= tolerance:
                break
        log_u = (log_u - softness * lack) / 2
    given = weights * log_u.exp()
    f = eps * log_u
    return Plan(kernel, given, given, f, f, error)
