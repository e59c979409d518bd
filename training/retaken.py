"""Pictures of scenes that are there, taken anew: mirrored, a part of it, on another film.

    python -m training.retaken SCENES OUT --count 1600 [--side 336]

What the frozen transformer says of a mirrored or smaller picture is not what it said, mirrored or
made smaller; so this teaches much of what another scene would, for a third of the time. OUT holds
files as `training.scenes` makes them, with what depth needs: rgb, disparity, index.
"""

from functools import partial
from pathlib import Path

import numpy as np
import tyro
from PIL import Image
from rich.progress import track

from training.film import developed
from training.pool import pool
from training.room import SIDE

LEAST = 0.62  # of the picture's side, for a part of it
MIDDLE = 0.7  # of the parts are about the picture's middle, where a photograph has its axis


def main(
    scenes: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    count: int,
    side: int = SIDE,
) -> None:
    """Makes what is not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    names = [f"{number:05d}.npz" for number in range(count)]
    missing = [name for name in names if not (out / name).exists()]
    with pool() as workers:
        job = partial(retake, scenes, out, side)
        for _ in track(workers.map(job, missing, chunksize=20), "retakes", len(missing)):
            pass


def retake(scenes: Path, out: Path, side: int, name: str) -> None:
    """One picture; whole or not there at all."""
    rng = np.random.default_rng([side, int(Path(name).stem)])
    scene = np.load(scenes / name)
    before = len(scene["rgb"])
    own = round(before * rng.uniform(LEAST, 1))
    corner = np.rint((before - own) * (0.5 if rng.random() < MIDDLE else rng.random(2)))
    top, left = np.broadcast_to(corner, 2).astype(int)
    window = np.s_[top : top + own, left : left + own]
    rgb = Image.fromarray(scene["rgb"][window]).resize((side, side), Image.Resampling.LANCZOS)
    at = ((np.arange(side) + 0.5) / side * own).astype(int)
    part = (out / name).with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            rgb=developed(np.asarray(rgb)[:, ::-1], rng),
            **{key: scene[key][window][np.ix_(at, at[::-1])] for key in ("disparity", "index")},
        )
    part.rename(out / name)


if __name__ == "__main__":
    tyro.cli(main)
