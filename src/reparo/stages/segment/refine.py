"""A second, closer look at one object: its outline at the resolution that a crop affords."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.stages.segment.predictor import Predictor, at_size

MARGIN = 1.5  # side of the crop over the longer side of the object
WORTH = 0.6  # crops longer than this share of the photo show nothing new
TRUST = 0.85  # IoU with the first look; an answer that agrees less means something else


def look_closer(
    predictor: Predictor, rgb: Float[Tensor, "h w 3"], mask: Bool[Tensor, "h w"]
) -> Bool[Tensor, "h w"]:
    """The closer answer that agrees best with the mask, or the mask itself if none does."""
    height, width = mask.shape
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    if not len(rows):
        return mask
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    half = int(MARGIN * max(bottom - top, right - left) / 2) + 1
    if 2 * half > WORTH * max(height, width):
        return mask
    y, x = (top + bottom) // 2, (left + right) // 2
    window = (slice(max(0, y - half), y + half), slice(max(0, x - half), x + half))
    view = predictor.look(rgb[window])
    y0, x0 = window[0].start, window[1].start
    box = (float(left - x0), float(top - y0), float(right - x0), float(bottom - y0))
    answer = view.ask_box(box)
    inside = torch.stack([at_size(logits, view.size) for logits in answer.logits])
    first = mask[window]
    iou = (inside & first).flatten(1).sum(1) / (inside | first).flatten(1).sum(1)
    if iou.max() < TRUST:
        return mask
    closer = torch.zeros_like(mask)
    closer[window] = inside[iou.argmax()]
    return closer
