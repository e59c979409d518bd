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
from training.outline.sheet import sheet
from training.outline.train import Course, shipped, train, write

app = tyro.extras.SubcommandApp()
Path_ = tyro.conf.Positional[Path]


@app.command(name="prepare")
def prepare_command(scenes: Path_, tokens: Path_, out: Path_, /, pastes: int = 0) -> None:
    """Lays out what training reads; run again, it adds what has been made since.

    OUT/projection.npz, OUT/from-NNNNN for the scenes from that number on, and OUT/pasted.
    """
    torch.set_num_threads(1)
    done = tokens.with_suffix(".done")
    rows = np.load(tokens, mmap_mode="r")
    rows = rows[: int(done.read_text())] if done.exists() else rows
    if not (out / "projection.npz").exists():
        out.mkdir(parents=True, exist_ok=True)
        made = stores.principal(rows)
        np.savez(out / "projection.npz", mean=made.mean, matrix=made.matrix)
    projection = read_projection(out)
    first = int((out / "done").read_text()) if (out / "done").exists() else 0
    if first < len(rows):
        items = stores.with_tokens(scenes, rows, first)
        stores.build(items, projection, out / f"from-{first:05d}")
        (out / "done").write_text(str(len(rows)))
    if pastes and not (out / stores.PASTED / "targets.npy").exists():
        stores.build(stores.with_pastes(scenes, pastes, seed=1), projection, out / stores.PASTED)


def read_projection(folder: Path) -> stores.Projection:
    """As `prepare` wrote it."""
    kept = np.load(folder / "projection.npz")
    return stores.Projection(kept["mean"], kept["matrix"])


@app.command(name="train")
def train_command(data: Path_, out: Path_, /, course: Course) -> None:
    """Writes OUT, a safetensors file."""
    torch.set_num_threads(1)
    network = train(data, replace(course, widths=tuple(course.widths)), out)
    write(shipped(network, read_projection(data)), out)


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
