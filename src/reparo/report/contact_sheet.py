"""Many pictures on one sheet, for documents."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from reparo.report.pictures import GAP, INK, PAPER, fitted, font

Cell = tuple[str, Image.Image]
"""A label and a picture."""

TITLE, LABEL = 15, 12  # px


def write_contact_sheet(
    path: Path, rows: Sequence[tuple[str, Sequence[Cell]]], height: int = 200
) -> None:
    """Writes rows of (title, cells); pictures are brought to `height`, columns line up.

    Labels stand under the pictures, titles above their rows; an empty one takes no room.
    """
    images = [[fitted(image.convert("RGB"), height) for _, image in cells] for _, cells in rows]
    columns = max(len(row) for row in images)
    widths = [
        max((row[i].width for row in images if i < len(row)), default=0) for i in range(columns)
    ]
    heights = [row_height(title, cells, height) for title, cells in rows]
    sheet = Image.new("RGB", (sum(widths) + GAP * (columns + 1), sum(heights) + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    top = GAP
    for (title, cells), row, full in zip(rows, images, heights, strict=True):
        below = top
        if title:
            draw.text((GAP, top), title, fill=INK, font=font(TITLE))
            below += TITLE + 7
        for i, ((label, _), image) in enumerate(zip(cells, row, strict=True)):
            left = GAP + sum(widths[:i]) + GAP * i + (widths[i] - image.width) // 2
            sheet.paste(image, (left, below))
            place = (left + image.width / 2, below + height + LABEL / 2 + 4)
            draw.text(place, label, fill=INK, font=font(LABEL), anchor="mm")
        top += full
    sheet.save(path)


def row_height(title: str, cells: Sequence[Cell], height: int) -> int:
    """Room for a row: title, pictures, labels and the gap below."""
    label = LABEL + 8 if any(text for text, _ in cells) else 0
    return (TITLE + 7 if title else 0) + height + label + GAP
