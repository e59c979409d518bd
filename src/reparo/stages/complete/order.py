"""Which of two objects hides the other, from outlines and, where there is one, depth.

Two cues of the outlines are added. Contact: of two things on one ground, the one that reaches
lower in the picture is nearer. Junction: where the two meet the background, the outline of the
nearer one goes on smoothly, so that it fills half of what is around; the other one fills less.
(How convex the common border is says nothing here: tried, and worse than chance.)
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import conv2d

from reparo.scene import Depth, Region
from reparo.stages.complete.cutout import dilate

BORDER = 3  # px: outlines that come this close touch
CONTACT_LIMIT = 0.3  # so that a plain junction outweighs any contact
CLEAR_DEPTH = 0.02  # of the map's range: a step between the two that is believed
MARGIN = 40  # px around the smaller object that a junction can reach


def hides(
    other: Bool[Tensor, "h w"], region: Bool[Tensor, "h w"], depth: Depth | None = None
) -> bool:
    """Whether `other` may hide a part of `region`: they touch, and the other one is nearer."""
    window = _window(region, other)
    if window is None:
        return False
    near, far = other[window], region[window]
    touching_near, touching_far = near & dilate(far, BORDER), far & dilate(near, BORDER)
    if not (touching_near.any() and touching_far.any()):
        return False
    if depth is not None:
        step = _depth_step(depth, region.shape, window, touching_near, touching_far)
        if step is not None and abs(step) > CLEAR_DEPTH:
            return step > 0
    size = min(float(region.sum()), float(other.sum())) ** 0.5
    contact = (_lowest(other) - _lowest(region)) / size
    limited = max(-CONTACT_LIMIT, min(CONTACT_LIMIT, contact))
    return limited + _junction(near, far, size) > 0


def hiders_of(region: Region, others: Sequence[Region], depth: Depth | None) -> Bool[Tensor, "h w"]:
    """What may hide a part of the region: the visible parts of all that do, together."""
    found = torch.zeros_like(region.visible)
    for other in others:
        if hides(other.visible, region.visible, depth):
            found |= other.visible
    return found


def _window(a: Bool[Tensor, "h w"], b: Bool[Tensor, "h w"]) -> tuple[slice, slice] | None:
    """Where the two boxes, widened, overlap; None where they do not."""
    window = []
    for axis in (1, 0):
        ends = [mask.any(axis).nonzero()[:, 0] for mask in (a, b)]
        low = max(int(end[0]) for end in ends) - MARGIN
        high = min(int(end[-1]) for end in ends) + MARGIN + 1
        if low + MARGIN > high - MARGIN + 2 * BORDER:
            return None
        window.append(slice(max(low, 0), high))
    return window[0], window[1]


def _lowest(mask: Bool[Tensor, "h w"]) -> float:
    """The row of the lowest pixels, a few strays left out."""
    rows = mask.sum(1).cumsum(0)
    return float((rows < 0.998 * rows[-1]).sum())


def _junction(near: Bool[Tensor, "h w"], far: Bool[Tensor, "h w"], size: float) -> float:
    """How much more of the discs around the border's ends is `near` than `far`; -1..1."""
    radius = int(min(max(0.12 * size, 3), 12))
    along = torch.arange(-radius, radius + 1)
    disc = (along[:, None] ** 2 + along**2 <= radius**2).float()
    masks = torch.stack([near, far])[:, None].float()
    share_near, share_far = conv2d(masks, (disc / disc.sum())[None, None], padding=radius)[:, 0]
    border = dilate(near & dilate(far, BORDER), 2) & dilate(far & dilate(near, BORDER), 2)
    ends = border & (share_near + share_far < 0.8)
    if int(ends.sum()) <= 3:
        return 0.0
    return float((share_near - share_far)[ends].mean())


def _depth_step(
    depth: Depth,
    size: torch.Size,
    window: tuple[slice, slice],
    near: Bool[Tensor, "a b"],
    far: Bool[Tensor, "a b"],
) -> float | None:
    """How much deeper the second side of a border is than the first, over the map's range."""
    values, known = _like_photo(depth, size)
    spread = values[known].double()
    low, high = torch.quantile(
        spread[:: max(1, len(spread) // 100_000)], spread.new_tensor([0.05, 0.95])
    )
    sides = [values[window][side & known[window]].double() for side in (near, far)]
    if min(len(side) for side in sides) < 3:
        return None
    step = float(sides[1].median() - sides[0].median()) / max(float(high - low), 1e-9)
    return -step if depth.kind == "disparity" else step


def _like_photo(depth: Depth, size: torch.Size) -> tuple[Float[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Values and known pixels, the nearest ones, in the photo's size."""
    rows, columns = (
        ((torch.arange(length) + 0.5) / length * have).long()
        for length, have in zip(size, depth.values.shape, strict=True)
    )
    return depth.values[rows][:, columns], depth.known[rows][:, columns]
