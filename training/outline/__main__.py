"""The full-mask head from data to figures.

python -m training.outline prepare SCENES TOKENS OUT
python -m training.outline train OUT WEIGHTS
python -m training.outline measure HELD_SCENES
python -m training.outline sheet HELD_SCENES PICTURE
"""

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
from training.schedule import chosen_device

app = tyro.extras.SubcommandApp()
Path_ = tyro.conf.Positional[Path]


@app.command(name="prepare")
def prepare_command(scenes: Path_, tokens: Path_, out: Path_, /) -> None:
    """Lays out what training reads."""
    torch.set_num_threads(1)
    done = int(tokens.with_suffix(".done").read_text())
    rows = np.load(tokens, mmap_mode="r")[:done]
    stores.lay_out(scene_files(scenes)[:done], rows, out)


@app.command(name="train")
def train_command(data: Path_, out: Path_, /, course: Course, device: str = "auto") -> None:
    """Writes OUT, a safetensors file."""
    network = train(data, replace(course, widths=tuple(course.widths)), chosen_device(device))
    write(shipped(network.cpu(), stores.read_projection(data)), out)


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
