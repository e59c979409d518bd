"""Finds an object's outline again in the picture where its hidden part was painted.

The segmenter is any backend with a setting `boxes`, a JSON file: it is asked what fills the box of
all that hangs together with the visible part and is not plain ground. A box says better than points
how far the object goes: points in the visible part mean a part of it as well.
"""

import inspect
import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from reparo import registry
from reparo.errors import InputError
from reparo.scene import Photo
from reparo.stages.complete.canvas import Canvas
from reparo.stages.complete.outline import attached

log = logging.getLogger(__name__)

DIFFERENT = 0.12  # of a colour, 0..1: networks paint a plain ground not quite plain
LEAST_SHARE = 0.5  # of the visible part that an answer must contain to be about this object
ASKED = ("boxes", "points", "text", "detector")  # what says where the photo's own objects are
NAME = "object"

Box = tuple[int, int, int, int]  # x0, y0, x1, y1, px


def find_again(
    rgb: Float[Tensor, "s s 3"], canvas: Canvas, segmenter: Mapping[str, Any], device: str
) -> Bool[Tensor, "s s"] | None:
    """The object's mask in the painted canvas; none where the answer is about something else.

    `segmenter` is the settings' table of the stage `segment`.
    """
    use, fields = _backend(segmenter, device)
    with tempfile.TemporaryDirectory(prefix="reparo-") as folder:
        file = Path(folder) / "boxes.json"
        file.write_text(json.dumps({NAME: box_of(rgb, canvas)}))
        backend = registry.create("segment", use, **fields, boxes=file)
        try:
            found = backend(Photo(rgb))
        except InputError as error:  # nothing was found there, or the segmenter cannot work
            log.warning("no outline was found again: %s", error)
            return None
    visible = canvas.visible
    mask = found[0].visible if found else torch.zeros_like(visible)
    share = float((mask & visible).sum()) / max(1, int(visible.sum()))
    return mask if share >= LEAST_SHARE else None


def box_of(rgb: Float[Tensor, "s s 3"], canvas: Canvas) -> Box:
    """Around the visible part and what was painted on to it."""
    even = avg_pool2d(rgb.movedim(-1, 0)[None], 3, 1, 1, count_include_pad=False)[0].movedim(0, -1)
    painted = ((even - canvas.ground).abs().amax(-1) > DIFFERENT) & canvas.hole
    seen = canvas.visible.cpu().numpy()
    whole = canvas.visible | torch.from_numpy(attached(seen, painted.cpu().numpy()))
    ends = [whole.any(axis).nonzero()[:, 0] for axis in (0, 1)]  # columns, rows
    (x0, x1), (y0, y1) = ((int(end[0]), int(end[-1]) + 1) for end in ends)
    return x0, y0, x1, y1


def _backend(segmenter: Mapping[str, Any], device: str) -> tuple[str, dict[str, Any]]:
    """Its name and its fields, without where the photo's own objects are."""
    use = segmenter.get("use")
    if not isinstance(use, str):
        raise InputError(f'inpaint\'s segmenter is a table like {{ use = "sam" }}, got {segmenter}')
    allowed = inspect.signature(registry.find("segment", use)).parameters
    if "boxes" not in allowed:
        raise InputError(
            f"inpaint's segmenter must take boxes, and {use!r} does not; set complete.segmenter "
            "to one that does, or leave it out: then the outline is continued smoothly"
        )
    fields = {key: value for key, value in segmenter.items() if key not in ("use", *ASKED)}
    if "device" in allowed:
        fields.setdefault("device", device)
    return use, fields
