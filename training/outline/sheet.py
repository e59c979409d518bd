"""A contact sheet of held-out objects: picture, visible part, ours, symmetry's, truth."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from reparo.stages.complete.cutout import Square
from reparo.stages.complete.embedded import EmbeddedCompleter
from reparo.stages.complete.look import square_around
from training.outline.measure import Case, cases, overlap

TILE, LINE = 104, 14  # px: a picture's side, and the line of text above it
LOOKED_AT, WORST = 120, 6  # objects; the worst are shown at the end
ACROSS = 2  # objects side by side
HEADS = ("picture", "visible", "embedded", "symmetry", "truth")
WRONG, MISSED, RIGHT, SEEN = (230, 60, 40), (60, 120, 255), (90, 200, 90), (235, 235, 235)


def sheet(scenes: Path, out: Path, completer: EmbeddedCompleter, count: int = 40) -> None:
    """Every so manieth of the first objects; the worst of those left come last."""
    every = [case for case in cases(scenes, LOOKED_AT) if square_around(case.masks("true"))]
    step = max(1, len(every) // (count - WORST))
    chosen = every[::step][: count - WORST]
    rest = [case for case in every if not any(case is one for one in chosen)]
    drawn = [_row(case, completer) for case in chosen]
    drawn += sorted((_row(case, completer) for case in rest), key=lambda row: row[0])[:WORST]
    width, height = len(HEADS) * TILE + 12, TILE + LINE
    rows = -(-len(drawn) // ACROSS)
    picture = Image.new("RGB", (ACROSS * width, rows * height), (20, 20, 24))
    for place, (_, tiles) in enumerate(drawn):
        picture.paste(tiles, (place % ACROSS * width, place // ACROSS * height))
    picture.save(out, optimize=True)


def _row(case: Case, completer: EmbeddedCompleter) -> tuple[float, Image.Image]:
    """The gain over the visible mask, and the tiles."""
    masks = case.masks("true")
    square = square_around(masks)
    found = completer.look(case.photo, masks)
    assert square is not None and found is not None  # others were left out
    visible = masks.visible.numpy()
    smooth, sure = found.smooth.hidden, found.sure
    ours = visible | (found.hidden.numpy() if sure >= completer.least_sure else smooth)
    answers = [case.truth, visible, ours, visible | smooth, case.truth]
    scores = [overlap(answer, case.truth) for answer in answers]
    tiles = Image.new("RGB", (len(HEADS) * TILE, TILE + LINE), (20, 20, 24))
    pen = ImageDraw.Draw(tiles)
    for place, (answer, score) in enumerate(zip(answers, scores, strict=True)):
        if place == 0:
            tile, text = _cut(case.scene.rgb, square), case.scene.names[case.number][:17]
        else:
            tile = _cut(_painted(case.truth, visible, answer), square)
            text = f"{HEADS[place]} {score:.2f}" if place < 4 else f"truth, sure {sure:.2f}"
        tiles.paste(tile, (place * TILE, LINE))
        pen.text((place * TILE + 2, 1), text, fill=(210, 210, 210))
    return scores[2] - scores[1], tiles


def _painted(truth: np.ndarray, visible: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Seen white, rightly added green, wrongly red, missed blue."""
    picture = np.full((*truth.shape, 3), 40, np.uint8)
    for mask, colour in (
        (truth & ~answer, MISSED),
        (answer & ~truth, WRONG),
        (answer & truth, RIGHT),
        (visible, SEEN),
    ):
        picture[mask] = colour
    return picture


def _cut(pixels: np.ndarray, square: Square) -> Image.Image:
    cut = square.cut(torch.from_numpy(pixels.copy()).float()).numpy().astype(np.uint8)
    return Image.fromarray(cut).resize((TILE - 2, TILE - 2), Image.Resampling.BILINEAR)
