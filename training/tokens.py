"""What the frozen transformer says of many pictures, once for all trainings.

    python -m training.tokens SCENES OUT.npy --count 6000 [--device cuda]

OUT.npy: float16 [count, 384, s, s], s patches a side, row i of the scene NNNNN = i, in principal
components; which ones is kept beside it in projection.npy: of OUT's own first pictures where there
is none yet. OUT.done says how many rows are written, so that it goes on where it stopped. It waits
for scenes that are still being made.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float
from numpy.lib.format import open_memmap
from rich.progress import Progress
from torch import Tensor, nn

from reparo.stages.vision.backbone import levels, packaged
from reparo.stages.vision.transformer import PATCH
from training.principal import FIT_ON, Projection, principal, read_projection
from training.schedule import chosen_device

AT_ONCE = {"cpu": 4, "cuda": 128}  # pictures
PATIENCE = 600  # seconds to wait for a scene


def main(
    scenes: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    count: int,
    device: str = "auto",
) -> None:
    """In bfloat16, which is quick and near enough."""
    out.parent.mkdir(parents=True, exist_ok=True)
    place = chosen_device(device)
    network = packaged(str(place)).to(torch.bfloat16)
    projection = _projection(scenes, out.parent / "projection.npy", network, count)
    side = len(_picture(scenes / "00000.npz")) // PATCH
    shape = (count, len(projection.matrix), side, side)
    done_file = out.with_suffix(".done")
    done = int(done_file.read_text()) if done_file.exists() else 0
    rows = room_for(out, shape)
    with Progress() as progress:
        task = progress.add_task("tokens", total=count, completed=done)
        while done < count:
            numbers = range(done, min(done + AT_ONCE[place.type], count))
            found = projection(tokens_of(network, scenes, numbers).float())
            rows[numbers.start : numbers.stop] = found.to(torch.float16).cpu().numpy()
            done = numbers.stop
            done_file.write_text(str(done))
            progress.update(task, completed=done)
    rows.flush()


def room_for(out: Path, shape: tuple[int, ...]) -> np.memmap:
    """The file with at least so many rows; those that it has already stay."""
    before = np.load(out, mmap_mode="r") if out.exists() else None
    if before is not None and len(before) >= shape[0]:
        return open_memmap(out, "r+")
    part = out.with_suffix(".part")
    rows = open_memmap(part, "w+", np.float16, shape)
    if before is not None:
        rows[: len(before)] = before
    part.rename(out)
    return rows


@torch.no_grad()
def tokens_of(network: nn.Module, scenes: Path, numbers: Sequence[int]) -> Float[Tensor, "b t s s"]:
    """Of some scenes' pictures."""
    weight = next(network.parameters())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        files = [scenes / f"{number:05d}.npz" for number in numbers]
        pictures = torch.from_numpy(np.stack(list(pool.map(_picture, files))))
    return levels(network, pictures.movedim(-1, 1).to(weight) / 255)


def _projection(scenes: Path, file: Path, network: nn.Module, count: int) -> Projection:
    """The one that is there; else of some of these scenes."""
    if not file.exists():
        numbers = np.linspace(0, count - 1, min(count, FIT_ON)).astype(int)
        parts = np.array_split(numbers, max(1, len(numbers) // 4))
        tokens = [tokens_of(network, scenes, part.tolist()).cpu() for part in parts]
        principal(torch.cat(tokens).float()).save(file)
    return read_projection(file)


def _picture(file: Path) -> np.ndarray:
    """sRGB 0..255 [s, s, 3]."""
    for _ in range(PATIENCE):
        if file.exists():
            break
        time.sleep(1)
    return np.load(file)["rgb"]


if __name__ == "__main__":
    tyro.cli(main)
