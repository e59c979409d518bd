"""Scenes as the trainings want them: small arrays in memory, tokens on disk."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

CLUES, SAID = 192, 96  # px: what networks see beside the tokens, and what they say


@dataclass(frozen=True)
class Kept:
    """n scenes."""

    tokens: np.ndarray  # float16 [n, 1152, 24, 24], on disk
    rgb: np.ndarray  # uint8 [n, 3, 192, 192]
    number: np.ndarray  # uint8 [n, 192, 192], of the object from 1
    disparity: np.ndarray  # float32 [n, 96, 96]


def read_scenes(data: Path, split: str, count: int) -> Kept:
    """The first `count` scenes, or as many as have tokens; kept in a file for the next time."""
    count = min(count, int((data / "tokens" / f"{split}.done").read_text()))
    file = data / f"kept-{split}-{count}.npz"
    if not file.exists():
        files = [data / "scenes" / split / f"{number:05d}.npz" for number in range(count)]
        with ProcessPoolExecutor(2) as pool:
            rows = list(pool.map(_small, files, chunksize=50))
        np.savez(file, **{key: np.stack([row[key] for row in rows]) for key in rows[0]})
    small = np.load(file)
    tokens = np.load(data / "tokens" / f"{split}.npy", mmap_mode="r")
    return Kept(tokens[:count], small["rgb"], small["number"], small["disparity"])


def _small(file: Path) -> dict[str, np.ndarray]:
    torch.set_num_threads(1)
    scene = np.load(file)
    size = (CLUES, CLUES)
    rgb = np.asarray(Image.fromarray(scene["rgb"]).resize(size, Image.Resampling.BILINEAR))
    number = np.asarray(Image.fromarray(scene["index"]).resize(size, Image.Resampling.NEAREST))
    side = scene["disparity"].shape[0]
    at = ((np.arange(SAID) + 0.5) / SAID * side).astype(int)
    disparity = scene["disparity"][np.ix_(at, at)].astype("f4")
    return {"rgb": rgb.transpose(2, 0, 1), "number": number, "disparity": disparity}
