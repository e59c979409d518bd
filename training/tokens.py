"""What the frozen transformer says of many pictures, once for all trainings.

    python -m training.tokens SCENES OUT.npy --count 6000 [--device cuda]

OUT.npy: float16 [count, 1152, 24, 24], row i of the scene NNNNN = i; OUT.done says how many rows
are written, so that it goes on where it stopped. It waits for scenes that are still being made.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.progress import Progress

from reparo.stages.vision.backbone import LEVELS, levels, packaged
from reparo.stages.vision.transformer import CHANNELS, PATCH
from training.schedule import chosen_device

AT_ONCE = {"cpu": 4, "cuda": 128}  # pictures
PATIENCE = 600  # seconds to wait for a scene


def main(
    scenes: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    count: int,
    side: int = 24,
    device: str = "auto",
) -> None:
    """`side` patches a picture's side; in bfloat16, which is quick and near enough."""
    out.parent.mkdir(parents=True, exist_ok=True)
    place = chosen_device(device)
    network = packaged(str(place)).to(torch.bfloat16)
    shape = (count, len(LEVELS) * CHANNELS, side, side)
    done_file = out.with_suffix(".done")
    done = int(done_file.read_text()) if done_file.exists() else 0
    mode = "r+" if out.exists() else "w+"
    rows = np.lib.format.open_memmap(out, mode=mode, dtype=np.float16, shape=shape)
    with Progress() as progress, ThreadPoolExecutor(os.cpu_count()) as pool:
        task = progress.add_task("tokens", total=count, completed=done)
        while done < count:
            numbers = range(done, min(done + AT_ONCE[place.type], count))
            files = [scenes / f"{number:05d}.npz" for number in numbers]
            pictures = torch.from_numpy(np.stack(list(pool.map(_picture, files))))
            if pictures.shape[1] != side * PATCH:
                raise SystemExit(f"pictures of {side * PATCH} px were wanted")
            shown = pictures.to(place).movedim(-1, 1).to(torch.bfloat16) / 255
            with torch.no_grad():
                found = levels(network, shown)
            rows[numbers.start : numbers.stop] = found.to(torch.float16).cpu().numpy()
            done = numbers.stop
            done_file.write_text(str(done))
            progress.update(task, completed=done)
    rows.flush()


def _picture(file: Path) -> np.ndarray:
    """sRGB 0..255 [s, s, 3]."""
    for _ in range(PATIENCE):
        if file.exists():
            break
        time.sleep(1)
    return np.load(file)["rgb"]


if __name__ == "__main__":
    tyro.cli(main)
