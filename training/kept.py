"""Scenes as the trainings want them: small arrays and tokens, in memory."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from reparo.stages.depth.network import FINER
from reparo.stages.vision.transformer import PATCH
from training.pool import pool

SAID = 4  # pixels a patch: what the network says
AT_ONCE = 256  # scenes that go to the GPU in one piece


@dataclass(frozen=True)
class Batch:
    """What the network is given and what is true."""

    tokens: Float[Tensor, "b t r c"]
    rgb: Float[Tensor, "b h w 3"]
    given: Int[Tensor, "b h w"]  # numbers of objects as the network sees them; 0: none
    disparity: Float[Tensor, "b y x"]
    number: Int[Tensor, "b y x"]  # of the object from 1; 0: none

    def to(self, device: torch.device) -> Self:
        """There."""
        parts = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return replace(self, **parts)

    def without_masks(self) -> Self:
        """As if nobody had said where objects are."""
        return replace(self, given=torch.zeros_like(self.given))


@dataclass(frozen=True)
class Scenes:
    """n scenes."""

    tokens: Tensor  # float16 [n, k, s, s], of `principal`
    rgb: Tensor  # uint8 [n, 8 s, 8 s, 3]
    number: Tensor  # uint8 [n, 8 s, 8 s], of the object from 1
    disparity: Tensor  # float32 [n, 4 s, 4 s]

    @property
    def patches(self) -> int:
        """Of a picture's side."""
        return self.tokens.shape[-1]

    def whole(self, rows: np.ndarray) -> Batch:
        """Scenes [b], all of each."""
        corners = np.zeros((len(rows), 2), int)
        return self.cropped(rows, corners, (self.patches, self.patches))

    def to(self, device: torch.device) -> Self:
        """All of it there."""
        if device.type == "cpu":
            return self
        return replace(
            self, **{one.name: _moved(getattr(self, one.name), device) for one in fields(self)}
        )

    def cropped(self, rows: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> Batch:
        """Scenes [b], each from its corner [b, 2] (in patches), all of one shape (in patches)."""

        def cut(values: Tensor, finer: int) -> Tensor:
            high, wide = (side * finer for side in shape)
            pieces = []
            for row, (top, left) in zip(rows, corners * finer, strict=True):
                pieces.append(values[int(row)][..., top : top + high, left : left + wide])
            return torch.stack(pieces)

        number = cut(self.number, FINER).long()
        step = FINER // SAID
        return Batch(
            cut(self.tokens, 1),
            cut(self.rgb.movedim(-1, 1), FINER).movedim(1, -1).float() / 255,
            number,
            cut(self.disparity, SAID),
            number[:, step // 2 :: step, step // 2 :: step],
        )


def read_scenes(data: Path, split: str, most: int | None = None) -> Scenes:
    """The first scenes that have tokens; what is small is kept in a file for the next time."""
    count = int((data / "tokens" / f"{split}.done").read_text())
    count = min(count, most or count)
    file = data / f"kept-{split}-{count}.npz"
    if not file.exists():
        files = [data / "scenes" / split / f"{number:05d}.npz" for number in range(count)]
        with pool() as workers:
            rows = list(workers.map(_small, files, chunksize=50))
        np.savez(file, **{key: np.stack([row[key] for row in rows]) for key in rows[0]})
    small = {key: torch.from_numpy(value) for key, value in np.load(file).items()}
    tokens = np.load(data / "tokens" / f"{split}.npy")
    return Scenes(torch.from_numpy(tokens[:count]), **small)


def _moved(values: Tensor, device: torch.device) -> Tensor:
    """Piece by piece, so that no second copy is made here."""
    there = torch.empty_like(values, device=device)
    for first in range(0, len(values), AT_ONCE):
        there[first : first + AT_ONCE] = values[first : first + AT_ONCE].to(device)
    return there


def _small(file: Path) -> dict[str, np.ndarray]:
    scene = np.load(file)
    patches = len(scene["rgb"]) // PATCH
    size = (patches * FINER, patches * FINER)
    rgb = np.asarray(Image.fromarray(scene["rgb"]).resize(size, Image.Resampling.BILINEAR))
    number = np.asarray(Image.fromarray(scene["index"]).resize(size, Image.Resampling.NEAREST))
    side, said = scene["disparity"].shape[0], patches * SAID
    at = ((np.arange(said) + 0.5) / said * side).astype(int)
    disparity = scene["disparity"][np.ix_(at, at)].astype("f4")
    return {"rgb": rgb, "number": number, "disparity": disparity}
