"""The paper's loss: matched pixels, and features that a frozen network sees.

    c(x, y) = alpha |I_x - I_y| + beta |D_x - D_y| + gamma |p_x - p_y|
    L_a = 1/N sum_i c(x_i, sigma(x_i)),  L_s = 1/K sum_k |f_k - f_k_ref|
    L = lambda L_a + (1 - lambda) L_s

sigma is the barycentric map of the Sinkhorn divergence's plan over all pixels, background included,
debiased as the divergence is: sigma(x) = x + T(x -> y) - T(x -> x), which moves nothing if the
clouds are equal. Where the text is silent: tokens are made unit vectors for the norms of L_s, so
that it lies within 0..2 and lambda weighs like with like.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from reparo.layout.paper_picture import COLOUR, DEPTH, PLACE
from reparo.layout.paper_settings import FeatureLoss, PaperSettings
from reparo.transport.chunked import ChunkedSolver, annealed

SMOOTH = 1e-8  # under the root of a norm, squared units: its gradient at 0 is 0
TERMS = {"colour": COLOUR, "depth": DEPTH, "position": PLACE}
WIDEST = {"colour": math.sqrt(3), "depth": 1.0, "position": math.sqrt(2)}  # largest distances


@dataclass(frozen=True)
class PixelCost:
    """What it costs to send one pixel to another."""

    weights: tuple[float, float, float]  # alpha, beta, gamma
    squared: bool  # published code: 0.5 of the sum of squares

    @classmethod
    def of(cls, settings: PaperSettings, has_depth: bool) -> "PixelCost":
        """As set; without depth there is no term of it."""
        weights = (settings.colour, settings.depth if has_depth else 0.0, settings.position)
        return cls(weights, settings.cost == "squared")

    def __call__(self, x: Float[Tensor, "n 6"], y: Float[Tensor, "m 6"]) -> Float[Tensor, "n m"]:
        """All pairs."""
        parts = [
            self._scaled(torch.cdist(x[:, channels], y[:, channels]), weight)
            for channels, weight in zip(TERMS.values(), self.weights, strict=True)
            if weight
        ]
        return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]

    def _scaled(self, distance: Tensor, weight: float) -> Tensor:
        return weight * (distance.square() / 2 if self.squared else distance)

    def terms(
        self, x: Float[Tensor, "n 6"], y: Float[Tensor, "n 6"]
    ) -> dict[str, Float[Tensor, " n"]]:
        """Each term of pixel i of x against pixel i of y, unweighted."""
        squares = {name: (x - y)[:, part].square().sum(1) for name, part in TERMS.items()}
        if self.squared:
            return {name: square / 2 for name, square in squares.items()}
        return {
            name: (square + SMOOTH).sqrt() - math.sqrt(SMOOTH) for name, square in squares.items()
        }

    def solver(self, settings: PaperSettings) -> ChunkedSolver:
        """eps is the blur, or its square for squared distances, as in geomloss."""
        power = 2 if self.squared else 1
        widest = sum(
            weight * WIDEST[name] ** power for name, weight in zip(TERMS, self.weights, strict=True)
        )
        levels = annealed(widest, settings.blur**power, settings.scaling**power)
        return ChunkedSolver(self, levels)


def matched(solver: ChunkedSolver, x: Float[Tensor, "n 6"], y: Float[Tensor, "m 6"]) -> Tensor:
    """Where each pixel of the render should go: colour, depth and place; no gradient."""
    x = x.detach()
    return x + solver.images(x, y) - solver.own_images(x)


def feature_loss(
    found: Float[Tensor, "rows columns channels"],
    wanted: Float[Tensor, "rows columns channels"],
    kind: FeatureLoss,
) -> Float[Tensor, ""]:
    """Mean over the tokens."""
    if kind == "mse":
        return (found - wanted).square().mean()
    if kind == "cosine":
        return (1 - cosine_similarity(found, wanted, dim=-1)).mean()
    apart = normalize(found, dim=-1) - normalize(wanted, dim=-1)
    return ((apart.square().sum(-1) + SMOOTH).sqrt() - math.sqrt(SMOOTH)).mean()
