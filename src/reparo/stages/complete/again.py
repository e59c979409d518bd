"""Finds an object's outline again in the picture where its hidden part was painted.

The segmenter is any backend with a setting `points`, a JSON file of clicks: it is asked what the
visible part of the object belongs to.
"""

import inspect
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo import registry
from reparo.errors import InputError
from reparo.scene import Photo

CLICKS = 5  # several, so that the object and not a part of it is meant
LEAST_SHARE = 0.5  # of the visible part that an answer must contain to be about this object
ASKED = ("boxes", "points", "text")  # the settings that say where the photo's objects are
NAME = "object"


def find_again(
    rgb: Float[Tensor, "s s 3"],
    visible: Bool[Tensor, "s s"],
    segmenter: Mapping[str, Any],
    device: str,
) -> Bool[Tensor, "s s"] | None:
    """The object's mask in the picture; none where the answer is about something else.

    `segmenter` is the settings' table of the stage `segment`.
    """
    use, fields = _backend(segmenter, device)
    points = [[x, y, 1] for x, y in clicks(visible)]
    with tempfile.TemporaryDirectory(prefix="reparo-") as folder:
        file = Path(folder) / "points.json"
        file.write_text(json.dumps({NAME: points}))
        try:
            found = registry.create("segment", use, **fields, points=file)(Photo(rgb))
        except InputError:  # nothing was found there
            return None
    mask = found[0].visible if found else torch.zeros_like(visible)
    share = float((mask & visible).sum()) / max(1, int(visible.sum()))
    return mask if share >= LEAST_SHARE else None


def clicks(visible: Bool[Tensor, "h w"], count: int = CLICKS) -> list[tuple[float, float]]:
    """Points [x, y] deep inside the mask and far from each other, the deepest first."""
    from scipy.ndimage import distance_transform_edt

    depth: Any = distance_transform_edt(np.pad(visible.cpu().numpy(), 1))
    depth = depth[1:-1, 1:-1]
    rows, columns = np.nonzero(depth >= 0.5 * depth.max())
    chosen = [int(depth[rows, columns].argmax())]
    nearest = np.full(len(rows), np.inf)
    while len(chosen) < min(count, len(rows)):
        last = chosen[-1]
        distance = np.hypot(rows - rows[last], columns - columns[last])
        nearest = np.minimum(nearest, distance)
        chosen.append(int(nearest.argmax()))
    return [(float(columns[index]) + 0.5, float(rows[index]) + 0.5) for index in chosen]


def _backend(segmenter: Mapping[str, Any], device: str) -> tuple[str, dict[str, Any]]:
    """Its name and its fields, without where the photo's own objects are."""
    use = segmenter.get("use")
    if not isinstance(use, str):
        raise InputError(f'inpaint\'s segmenter is a table like {{ use = "sam" }}, got {segmenter}')
    allowed = inspect.signature(registry.find("segment", use)).parameters
    if "points" not in allowed:
        raise InputError(
            f"inpaint's segmenter must take points, and {use!r} does not; set complete.segmenter "
            "to one that does, or leave it out: then the outline is continued smoothly"
        )
    fields = {key: value for key, value in segmenter.items() if key not in ("use", *ASKED)}
    if "device" in allowed:
        fields.setdefault("device", device)
    return use, fields
