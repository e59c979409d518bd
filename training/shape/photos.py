"""A contact sheet of meshes made from real photographs: cut-out, front, both sides, back.

    python -m training.shape.photos SHEET.png RUN ... [--backend embedded] [--largest 2]

RUN: folders of `reparo run`, of which the cut-outs are used; `--largest` of each.
"""

from pathlib import Path

import numpy as np
import torch
import tyro
from PIL import Image, ImageDraw

from reparo.files.cutouts import read_cutout
from reparo.scene import Cutout
from reparo.stages.reconstruct.embedded import EmbeddedReconstructor
from reparo.stages.reconstruct.inflate import InflateReconstructor
from training.shape.sheet import shots

SIDE = 150  # px of a picture
BACKENDS = {"embedded": EmbeddedReconstructor, "inflate": InflateReconstructor}


def main(
    sheet: tyro.conf.Positional[Path],
    runs: tyro.conf.Positional[tuple[Path, ...]],
    /,
    backends: tuple[str, ...] = ("embedded",),
    largest: int = 2,
    columns: int = 2,
) -> None:
    """Draws the sheet."""
    torch.set_num_threads(1)
    rows = []
    for run in runs:
        for name, cutout in chosen(run, largest):
            said: list[str] = []
            row = [on_white(cutout)]
            for backend in backends:
                how = {"note": said.append} if backend == "embedded" else {}
                row += shots(BACKENDS[backend](**how)(cutout, name), SIDE)
            strip = Image.fromarray(np.concatenate(row, 1))
            ImageDraw.Draw(strip).text((3, 3), "inflated" if said else "", fill=(160, 0, 0))
            rows.append(np.asarray(strip))
            print(run.name, name, *said, flush=True)
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % columns)
    high = len(rows) // columns
    parts = [np.concatenate(rows[i * high : (i + 1) * high]) for i in range(columns)]
    Image.fromarray(np.concatenate(parts, 1)).save(sheet, optimize=True)


def chosen(run: Path, largest: int) -> list[tuple[str, Cutout]]:
    """The cut-outs of a run that cover most of its photo."""
    found = {
        folder.name: read_cutout(folder, folder.name)
        for folder in sorted((run / "steps" / "3-complete").iterdir())
        if (folder / f"{folder.name}.png").exists()
    }
    size = {
        name: float((cutout.rgba[..., 3] >= 0.5).sum() * cutout.photo_from_cutout[0, 0] ** 2)
        for name, cutout in found.items()
    }
    return [(name, found[name]) for name in sorted(found, key=lambda name: -size[name])[:largest]]


def on_white(cutout: Cutout) -> np.ndarray:
    """The cut-out as it is, uint8 [side, side, 3]."""
    rgb, alpha = cutout.rgba[..., :3], cutout.rgba[..., 3:]
    both = ((rgb * alpha + 1 - alpha).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return np.asarray(Image.fromarray(both).resize((SIDE, SIDE), Image.Resampling.BOX))


if __name__ == "__main__":
    tyro.cli(main)
