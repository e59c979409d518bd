"""rounds.json: how a search for a layout went, round by round."""

import json
import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from reparo.errors import InputError
from reparo.files import checks
from reparo.scene import Round, Similarity

NUMBERS = 8  # of a pose: translation, quaternion (real part first), scale


def write_rounds(path: Path, names: Sequence[str], rounds: Sequence[Round]) -> None:
    """Writes where every object stood in each round; a round that is not finite is left out."""
    told = [
        {"step": one.step, "index": one.index, "poses": pose_rows(one.layout)} for one in rounds
    ]
    finite = [one for one in told if all(map(math.isfinite, chain(*one["poses"])))]
    text = json.dumps({"names": list(names), "rounds": finite}, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_rounds(path: Path, names: Sequence[str]) -> tuple[Round, ...]:
    """Reads what `write_rounds` wrote; none where the file is not there or of other objects."""
    if not path.is_file():
        return ()
    top = checks.table(checks.read_json(path), str(path), ("names", "rounds"), ())
    if top["names"] != list(names) or not isinstance(top["rounds"], list):
        return ()
    return tuple(
        _round(entry, f"{path}: rounds[{index}]", len(names))
        for index, entry in enumerate(top["rounds"])
    )


def pose_rows(layout: Similarity) -> list[list[float]]:
    """[n, 8]: each object's translation, quaternion (real part first) and scale."""
    parts = [layout.translation, layout.wxyz, layout.scale[..., None]]
    return torch.cat(parts, -1).double().round(decimals=6).tolist()


def _round(value: Any, where: str, count: int) -> Round:
    entry = checks.table(value, where, ("step", "index", "poses"), ())
    rows = entry["poses"]
    if not isinstance(rows, list) or len(rows) != count:
        raise InputError(f"{where}.poses must have a row for each of {count} objects; run it anew")
    table = torch.stack([checks.numbers(row, f"{where}.poses", NUMBERS) for row in rows])
    layout = Similarity(table[:, 3:7], table[:, :3], table[:, 7])
    step = checks.text(entry["step"], f"{where}.step")
    return Round(step, int(checks.number(entry["index"], f"{where}.index")), layout)
