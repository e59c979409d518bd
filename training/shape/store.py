"""Packed views as batches; all of them in memory, a GPU's where there is one."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from reparo.stages.reconstruct.shape_network import CLOSE
from reparo.stages.reconstruct.shape_seen import resized
from reparo.stages.vision.backbone import packaged
from training.principal import read_projection
from training.shape.pack import KEYS, tokens_of
from training.shape.split import is_built, is_watched

MODELS = 0.6  # of the views drawn, each model as often as another; the rest are made-up pieces
TINT, BRIGHT = 0.12, 0.25  # of logarithms: how colours are changed in training, usual
LEANING, UNKNOWN = 0.03, 0.2  # radians that upright is off, usual; share of views without it
AT_ONCE = 512  # views moved to the GPU at once


@dataclass(frozen=True)
class Batch:
    """Views as the head and its losses want them."""

    tokens: Tensor  # bfloat16 [b, k, 16, 16], of `principal`
    rgba: Tensor  # [b, 4, 128, 128]
    focal: Tensor  # [b], in sides
    up: Tensor  # [b, 3], unit; 0: unknown
    occupancy: Tensor  # uint8 [b, 64, 64, 64]
    back: Tensor  # [b, 4, 64, 64]


class Views:
    """A packed folder: what is learned from, and what is watched meanwhile."""

    def __init__(self, packed: Path, device: torch.device) -> None:
        self.device = device
        self._arrays = {key: _there(packed / f"{key}.npy", device) for key in KEYS}
        self._tokens = _there(packed / "tokens.npy", device) if device.type == "cpu" else None
        self.projection = read_projection(packed / "projection.npy")
        self._network = None if self._tokens is not None else packaged(str(device))
        owner = np.load(packed / "owner.npy")
        order = np.split(np.arange(len(owner)), np.flatnonzero(np.diff(owner)) + 1)
        groups: dict[str, list[np.ndarray]] = {"models": [], "built": [], "watched": []}
        for name, rows in zip((packed / "names.txt").read_text().split(), order, strict=True):
            kind = "built" if is_built(name) else "watched" if is_watched(name) else "models"
            groups[kind].append(rows)
        self.watched = groups.pop("watched")  # rows of each model
        self._drawn = groups

    def __str__(self) -> str:
        counts = self._drawn | {"watched": self.watched}
        return ", ".join(
            f"{kind} {len(rows)} ({sum(map(len, rows))} views)" for kind, rows in counts.items()
        )

    def some(self, rng: np.random.Generator, count: int) -> Batch:
        """A batch to learn from: half of it mirrored, in other colours, upright roughly known."""
        colours = recolouring(rng, count) if self._tokens is None else None
        batch = self.batch(self.drawn(rng, count), rng.random(count) < 0.5, colours)
        return replace(batch, up=roughly(batch.up, rng))

    def drawn(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Rows to learn from."""
        models, built = self._drawn["models"], self._drawn["built"]
        share = 1.0 if not built else MODELS if models else 0.0
        rows = []
        for _ in range(count):
            group = models if rng.random() < share else built
            rows.append(int(rng.choice(group[int(rng.integers(len(group)))])))
        return np.array(rows)

    def batch(
        self, rows: np.ndarray, mirrored: np.ndarray, colours: np.ndarray | None = None
    ) -> Batch:
        """Some views, some of them mirrored; `colours` [b, 3, 3] makes others of theirs."""
        index, turned = (torch.from_numpy(one).to(self.device) for one in (rows, mirrored))

        def mirrorable(part: Tensor) -> Tensor:
            return torch.where(turned[:, None, None, None], part.flip(-1), part)

        rgba, back = (
            mirrorable(self._arrays[key][index].movedim(-1, 1).float() / 255)
            for key in ("rgba", "back")
        )
        if colours is not None:
            rgba, back = (recoloured(one, colours) for one in (rgba, back))
        if self._tokens is not None:
            tokens = self._tokens[index, turned.long()].to(torch.bfloat16)
        else:
            assert self._network is not None
            tokens = self.projection(tokens_of(self._network, rgba).float()).bfloat16()
        occupancy = mirrorable(self._arrays["occupancy"][index])
        focal, up = self._arrays["focal"][index], self._arrays["up"][index]
        up = torch.where(turned[:, None], up * up.new_tensor([-1.0, 1.0, 1.0]), up)
        return Batch(tokens, resized(rgba, CLOSE), focal, up, occupancy, back)


def roughly(up: Tensor, rng: np.random.Generator) -> Tensor:
    """Directions [b, 3] a little off; some unknown, 0."""
    off = torch.from_numpy(rng.normal(0, LEANING, up.shape).astype("f4")).to(up)
    known = torch.from_numpy(rng.random((len(up), 1)) > UNKNOWN).to(up)
    return normalize(up + off, dim=1) * known


def recolouring(rng: np.random.Generator, count: int) -> np.ndarray:
    """Matrices [count, 3, 3] for colours: brighter or darker, tinted, some greyer."""
    gain = np.exp(rng.normal(0, TINT, (count, 3)) + rng.normal(0, BRIGHT, (count, 1)))
    grey = (rng.uniform(0, 1, (count, 1, 1)) * (rng.random((count, 1, 1)) < 0.4)).clip(0, 1)
    return (gain[:, :, None] * ((1 - grey) * np.eye(3) + grey / 3)).astype("f4")


def recoloured(rgba: Tensor, colours: np.ndarray) -> Tensor:
    """Pictures [b, 4, h, w] by matrices [b, 3, 3]."""
    matrix = torch.from_numpy(colours).to(rgba.device)
    rgb = torch.einsum("bij,bjhw->bihw", matrix, rgba[:, :3]).clamp(0, 1)
    return torch.cat([rgb, rgba[:, 3:]], 1)


def _there(file: Path, device: torch.device) -> Tensor:
    """A file's array in memory; on the GPU without a second copy beside it."""
    if device.type == "cpu":
        return torch.from_numpy(np.load(file))
    values = torch.from_numpy(np.load(file, mmap_mode="c"))
    found = torch.empty(values.shape, dtype=values.dtype, device=device)
    for start in range(0, len(values), AT_ONCE):
        found[start : start + AT_ONCE] = values[start : start + AT_ONCE].to(device)
    return found
