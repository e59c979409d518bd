"""Joins pieces that look alike and that the network also sees as one thing.

A pair of shoes, a camera's body and lens: the packing prefers the pieces, since each point is
surer of its own. What differs in colour (a bowl on a sofa) stays apart.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from scipy.ndimage import gaussian_filter
from torch import Tensor

from reparo.stages.segment.choose import overlaps
from reparo.stages.segment.propose import Proposals

ALIKE = 0.7  # shared part of colour histograms, mean over the smaller pieces by their areas
SAME = 0.8  # IoU of the pieces together with the whole
SEEN = 1 / 4  # of the points in the whole that must ask for it
LIGHTNESS, TINT = np.arange(0, 101, 20), np.arange(-90, 91, 15)  # bins in CIE L*a*b*


def merge_alike(
    proposals: Proposals,
    chosen: Int[Tensor, " k"],
    figure: Float32[Tensor, " m"],
    rgb: Float[Tensor, "rows columns 3"],
) -> Int[Tensor, " j"]:
    """`chosen` with sets of like pieces replaced by the proposal that is their whole."""
    colours = {i: _histogram(rgb, proposals.masks[i]) for i in chosen.tolist()}
    for whole in _by_support(proposals, figure):
        pieces = _pieces(proposals, list(colours), whole)
        areas = [int(proposals.masks[i].sum()) for i in pieces]
        if len(pieces) < 2 or not _look_alike([colours[i] for i in pieces], areas):
            continue
        for piece in pieces:
            del colours[piece]
        colours[whole] = _histogram(rgb, proposals.masks[whole])
    return torch.tensor(list(colours), dtype=torch.long)


def _by_support(proposals: Proposals, figure: Float32[Tensor, " m"]) -> list[int]:
    """Proposals that many of the points inside them ask for, most wanted first."""
    index = (figure > 0).nonzero()[:, 0]
    if not len(index):
        return []
    points = proposals.points
    _, iou = overlaps(proposals.masks[index], proposals.masks[index])
    asks = torch.zeros(len(index), len(points), dtype=iou.dtype)
    asks.scatter_reduce_(1, proposals.voter[index].expand(len(index), -1), iou, "amax")
    inside = proposals.masks[index][:, points[:, 0], points[:, 1]]
    support = ((asks > SAME) & inside).sum(1) / inside.sum(1).clamp(min=1)
    order = support.argsort(descending=True, stable=True)
    return index[order[support[order] >= SEEN]].tolist()


def _pieces(proposals: Proposals, chosen: list[int], whole: int) -> list[int]:
    """The chosen masks that lie in the whole, if together they are it."""
    if not chosen:
        return []
    area = proposals.masks[whole]
    masks = proposals.masks[chosen]
    inside = (masks & area).flatten(1).sum(1) > SAME * masks.flatten(1).sum(1)
    together = masks[inside].any(0)
    iou = (together & area).sum() / (together | area).sum()
    return [i for i, flag in zip(chosen, inside.tolist(), strict=True) if flag and iou > SAME]


def _look_alike(histograms: list[np.ndarray], areas: list[int]) -> bool:
    """Whether the smaller pieces, taken together, share most of their colours with the largest."""
    main = int(np.argmax(areas))
    likeness = [float(np.minimum(histograms[main], other).sum()) for other in histograms]
    weights = [0 if i == main else area for i, area in enumerate(areas)]
    return float(np.average(likeness, weights=weights)) > ALIKE


def _histogram(
    rgb: Float[Tensor, "rows columns 3"], mask: Bool[Tensor, "rows columns"]
) -> np.ndarray:
    """The mask's colours, shares that add to 1; smoothed, so that a bin's edge does not matter."""
    from skimage.color import rgb2lab

    lab = rgb2lab(rgb[mask].cpu().numpy())
    counts, _ = np.histogramdd(lab, bins=[LIGHTNESS, TINT, TINT])
    smooth = gaussian_filter(counts, 0.7)
    return smooth / max(smooth.sum(), 1e-9)
