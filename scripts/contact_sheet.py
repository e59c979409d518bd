"""Runs the embedded preset on photographs and puts what came of it on one sheet.

    python scripts/contact_sheet.py OUT SHEET.png PHOTO [PHOTO ...]

Each row: the photo, the objects found, the scene from the photo's camera, and turned to both sides.
"""

import argparse
import time
from pathlib import Path

import torch
from PIL import Image, ImageSequence

import reparo
from reparo.errors import ReparoError
from reparo.report.contact_sheet import Cell, write_contact_sheet
from reparo.report.overlay import overlay


def main() -> None:
    """Writes the sheet; a photo that fails keeps its row and says so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    options = parser.parse_args()
    rows = [row(photo, options.out / photo.stem) for photo in options.photos]
    write_contact_sheet(options.sheet, rows)


def row(photo: Path, out: Path) -> tuple[str, list[Cell]]:
    """One photo's pictures."""
    begun = time.perf_counter()
    try:
        result = reparo.run(photo, out)
    except ReparoError as error:
        print(f"{photo.name}: {error}")
        return f"{photo.stem}: {error}"[:120], [("photo", Image.open(photo))]
    seconds = time.perf_counter() - begun
    print(f"{photo.name}: {len(result.scene.names)} objects, {seconds:.0f} s")
    seen = result.observation
    preview = Image.open(out / "preview.png")
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(turntable(out))]
    quarter = len(frames) // 4
    cells = [
        ("photo", Image.fromarray(seen.photo.to_array())),
        ("objects found", overlay(seen.photo, seen.regions, names=False)),
        ("scene, from the photo's camera", middle_third(preview)),
        ("turned left", frames[quarter]),
        ("turned right", frames[3 * quarter]),
    ]
    return photo.stem, cells


def turntable(out: Path) -> Image.Image:
    """The animation that `run` leaves."""
    return Image.open(out / "turntable.gif")


def middle_third(preview: Image.Image) -> Image.Image:
    """The render, of photo | render | difference, without its label."""
    third = preview.width // 3
    return preview.crop((third, 0, 2 * third, preview.height - 28))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
