"""What can be set about the paper's method; each default with its source.

"Text" is REPARO as published (ICCV 2025, arXiv 2405.18525), "code" its released program, which
differs. The text gives no values of alpha, beta, gamma and lambda: those here are the code's.
"""

from dataclasses import dataclass
from typing import Literal

from reparo.errors import InputError

Loss = Literal["transport", "pixels"]
CostKind = Literal["norms", "squared"]
FeatureLoss = Literal["norm", "mse", "cosine"]
Carriers = Literal["points", "picture", "position"]


@dataclass(frozen=True)
class PaperSettings:
    """The method as its text has it; published-code variants are said beside the fields.

    `gradient` says how colours, depths and places of the render's pixels follow the pose.
    "points": as in DROT, on which the text builds, each pixel stands for the surface point it sees;
    place and depth move with that point, and its colour, without light, stays. "picture": colours
    and depths are those of the warped picture at fixed pixels, which holds the outline where it was
    matched (`benchmarks/paper.py home` shows how an object is pinned by it). "position": places
    alone, as in the released code.
    """

    loss: Loss = "transport"  # "pixels": plain L2 between the pictures, for the ablation
    cost: CostKind = "norms"  # text: a sum of norms; code "squared": 0.5 of the sum of squares
    colour: float = 1.0  # alpha
    depth: float = 1.0  # beta; 0: points without depth (the code's 5-D points; 6-D with)
    position: float = 1.0  # gamma, per longer side of the picture
    gradient: Carriers = "points"  # what moves with the pose while a match holds, see below
    semantic: float = 1 / 11  # 1 - lambda; code: L_s has a tenth of L_a's weight; 0: without
    feature_loss: FeatureLoss = "norm"  # text: |f - f_ref| a token; code: "mse" or "cosine"
    warm_up: int = 0  # steps in which L_s grows from 0 to its weight; code: 200
    blur: float = 0.01  # text: of the Sinkhorn divergence
    scaling: float = 0.5  # geomloss's default: blur of an annealing level over the one before
    steps: int = 500  # text
    refresh: int = 6  # code: steps from one match and drawing to the next
    learning_rate: float = 0.02  # text: Adam; world units and log scale
    decay: float = 0.999  # text: of the learning rate, a step
    match_size: int = 0  # longest side, px; 0: 256 (text) on a GPU, 32 on a CPU
    picture_size: int = 0  # longest side of what L_s sees, px; 0: 256 on a GPU, 112 on a CPU
    samples: int = 2  # rays a pixel and side of the pictures that are compared
    background: float = 1.0  # text: white

    def __post_init__(self) -> None:
        """Refuses what cannot be."""
        for name in ("semantic", "scaling", "background", "decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"align.paper.{name} is 0 to 1, got {getattr(self, name)}")
        for name in ("steps", "refresh", "samples", "blur", "scaling", "learning_rate"):
            if not getattr(self, name) > 0:
                raise InputError(f"align.paper.{name} is above 0, got {getattr(self, name)}")
        for name in ("colour", "depth", "position", "warm_up", "match_size", "picture_size"):
            if not getattr(self, name) >= 0:
                raise InputError(f"align.paper.{name} is 0 or more, got {getattr(self, name)}")
        if self.scaling == 1:
            raise InputError("align.paper.scaling is below 1, or the blur never falls; got 1")
