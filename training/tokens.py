"""What the frozen transformer says of many pictures, once for all trainings.

    python -m training.tokens SCENES OUT.npy --count 6000

OUT.npy: float16 [count, 1152, 24, 24], row i of the scene NNNNN = i; OUT.done says how many rows
are written, so that it goes on where it stopped. It waits for scenes that are still being made.
"""

import time
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.progress import Progress

from reparo.stages.vision.backbone import LEVELS, levels, packaged
from reparo.stages.vision.transformer import CHANNELS, PATCH

AT_ONCE = 4
PATIENCE = 600  # seconds to wait for a scene


def main(
    scenes: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    count: int,
    side: int = 24,
) -> None:
    """`side` patches a picture's side; in bfloat16, which is quick and near enough."""
    out.parent.mkdir(parents=True, exist_ok=True)
    network = packaged("cpu").to(torch.bfloat16)
    shape = (count, len(LEVELS) * CHANNELS, side, side)
    done_file = out.with_suffix(".done")
    done = int(done_file.read_text()) if done_file.exists() else 0
    mode = "r+" if out.exists() else "w+"
    rows = np.lib.format.open_memmap(out, mode=mode, dtype=np.float16, shape=shape)
    with Progress() as progress:
        task = progress.add_task("tokens", total=count, completed=done)
        while done < count:
            numbers = range(done, min(done + AT_ONCE, count))
            pictures = torch.stack([_picture(scenes / f"{number:05d}.npz") for number in numbers])
            if pictures.shape[-1] != side * PATCH:
                raise SystemExit(f"pictures of {side * PATCH} px were wanted")
            with torch.no_grad():
                found = levels(network, pictures.to(torch.bfloat16))
            rows[numbers.start : numbers.stop] = found.to(torch.float16).numpy()
            done = numbers.stop
            done_file.write_text(str(done))
            progress.update(task, completed=done)
    rows.flush()


def _picture(file: Path) -> torch.Tensor:
    """sRGB 0..1 [3, s, s]."""
    for _ in range(PATIENCE):
        if file.exists():
            break
        time.sleep(1)
    rgb = np.load(file)["rgb"]
    return torch.from_numpy(rgb).movedim(-1, 0).float() / 255


if __name__ == "__main__":
    tyro.cli(main)
