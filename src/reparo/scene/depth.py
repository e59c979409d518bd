"""A depth map, as a file or a network gives it."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.errors import InputError

DepthKind = Literal["metric", "scale", "affine", "disparity"]
DEPTH_KINDS: tuple[str, ...] = get_args(DepthKind)
ENORMOUS = 1e9  # what programs write where nothing is: 1e10, 1e30, the largest float


@dataclass(frozen=True)
class Depth:
    """What is known of z, the distance along the camera's axis.

    `metric` stores z in world units, `scale` a·z, `affine` a·z + b, `disparity` a/z + b, with a > 0
    and b unknown. The map spans the picture corner to corner, whatever its own size.
    """

    values: Float[Tensor, "h w"]
    known: Bool[Tensor, "h w"]
    kind: DepthKind
    infinity: float | None = None  # of a disparity map whose b is known, about: b

    @classmethod
    def from_array(cls, values: np.ndarray, kind: str) -> "Depth":
        """The door for arrays from outside; inf, nan and enormous values are unknown pixels."""
        if kind not in DEPTH_KINDS:
            raise InputError(f"a depth kind is one of {', '.join(DEPTH_KINDS)}, got {kind!r}")
        if values.ndim != 2 or values.dtype.kind not in "fiu" or 0 in values.shape:
            raise InputError(
                f"a depth map is numbers [height, width], got {values.dtype} {list(values.shape)}"
            )
        known = np.abs(values) < ENORMOUS  # neither is nan
        if kind in ("metric", "scale"):
            known &= values > 0
        if not known.any():
            raise InputError(
                "a depth map needs at least one known pixel (finite, below 1e9; above 0 where it "
                "stores distances), got none"
            )
        filled = torch.from_numpy(np.where(known, values, 0)).to(torch.get_default_dtype())
        return cls(filled, torch.from_numpy(known), kind)  # type: ignore[arg-type]
