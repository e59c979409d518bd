"""The full-mask head from data to figures.

python -m training.outline prepare DATA OUT
python -m training.outline train OUT WEIGHTS
python -m training.outline measure HELD_SCENES
python -m training.outline sheet HELD_SCENES PICTURE
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import tyro

from reparo.stages.complete.embedded import EmbeddedCompleter
from training.outline import store as stores
from training.outline.measure import measure
from training.outline.scene import scene_files
from training.outline.sheet import sheet
from training.outline.train import Course, shipped, train, write
from training.principal import read_projection
from training.schedule import chosen_device

app = tyro.extras.SubcommandApp()
Path_ = tyro.conf.Positional[Path]


@app.command(name="prepare")
def prepare_command(data: Path_, out: Path_, /, close: int = 2000) -> None:
    """Lays out what training reads: the plain scenes, and at most so many seen from close by.

    Close by, things are cut by the picture's edge and hide one another oddly: of many such scenes
    a network gets worse at the usual ones.
    """
    torch.set_num_threads(1)
    files, rows = [], []
    for split, most in (("train", None), ("close", close)):
        tokens = np.load(data / "tokens" / f"{split}.npy", mmap_mode="r")[:most]
        done = min(int((data / "tokens" / f"{split}.done").read_text()), len(tokens))
        files += scene_files(data / "scenes" / split)[:done]
        rows += [tokens[row] for row in range(done)]  # views, not copies
    stores.lay_out(files, rows, out)
    shutil.copy(data / "tokens" / "projection.npy", out)


@app.command(name="train")
def train_command(data: Path_, out: Path_, /, course: Course, device: str = "auto") -> None:
    """Writes OUT, a safetensors file."""
    network = train(
        data, replace(course, widths=tuple(course.widths)), chosen_device(device, cores=1)
    )
    write(shipped(network.cpu(), read_projection(data / "projection.npy")), out)


@app.command(name="measure")
def measure_command(scenes: Path_, /, out: Path | None = None, most: int = 1000) -> None:
    """Prints the figures of the shipped network, beside symmetry's."""
    torch.set_num_threads(1)
    measure(scenes, EmbeddedCompleter(device="cpu"), out, most)


@app.command(name="sheet")
def sheet_command(scenes: Path_, out: Path_, /, count: int = 40) -> None:
    """Draws held-out objects, failures included."""
    torch.set_num_threads(1)
    sheet(scenes, out, EmbeddedCompleter(device="cpu"), count)


if __name__ == "__main__":
    app.cli()
