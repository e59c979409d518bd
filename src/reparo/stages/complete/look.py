"""How our own network is shown an object that others hide: a square around it, in planes."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from reparo.stages.complete.cutout import Square, dilate
from reparo.stages.complete.order import BORDER

SIDE = 96  # px of the network's picture
TOKENS = SIDE // 8  # patches along its side at which it is shown the photo's tokens
PLANES = 8  # red, green, blue, visible, hiders, other objects, within the photo, a guess
REACH = 1.0  # of the visible part's longer side: how far beyond it a hidden part is looked for
MARGIN = 0.03  # of the longer side of all that is looked at


@dataclass(frozen=True)
class Masks:
    """One object among others, in the photo's pixels."""

    visible: Bool[Tensor, "h w"]
    hiders: Bool[Tensor, "h w"]  # what is thought to be in front of it
    others: Bool[Tensor, "h w"]  # all other objects, the hiders among them

    @cached_property
    def maybe(self) -> Bool[Tensor, "h w"]:
        """Where a hidden part may be: in the hiders, and in gaps between them and the object.

        Masks that people or networks draw leave a few pixels between two objects that touch.
        """
        rows, columns = _box(self.visible, 2 * BORDER)
        near = slice(*rows), slice(*columns)  # a gap is nowhere else
        seen, hiders = self.visible[near], self.hiders[near]
        touching = int((dilate(seen) & hiders).sum())
        bordering = int((dilate(seen, BORDER + 1) & hiders).sum())
        if touching and 2 * (BORDER + 1) * touching >= bordering:
            return self.hiders & ~self.visible  # they touch along half of their border
        gap = dilate(hiders, BORDER) & dilate(seen, BORDER)
        found = self.hiders.clone()
        found[near] |= gap & ~self.others[near]
        return found & ~self.visible


def square_around(masks: Masks) -> Square | None:
    """The object and the hiders within reach of it; None where there are none."""
    (top, bottom), (left, right) = _box(masks.visible)
    reach = round(REACH * max(bottom - top, right - left)) + 2
    (first_row, last_row), (first_column, last_column) = _box(masks.visible, reach)
    near = masks.maybe[first_row:last_row, first_column:last_column]
    if not near.any():
        return None
    rows, columns = _box(near)
    top, bottom = min(top, first_row + rows[0]), max(bottom, first_row + rows[1])
    left, right = min(left, first_column + columns[0]), max(right, first_column + columns[1])
    side = round(max(bottom - top, right - left) * (1 + 2 * MARGIN)) + 4
    return Square((left + right - side) // 2, (top + bottom - side) // 2, side)


def planes(
    rgb: Float[Tensor, "h w 3"], masks: Masks, guess: Bool[Tensor, "h w"], square: Square
) -> Float[Tensor, "planes side side"]:
    """The square as the network sees it: colours -1..1, masks 0..1, outside the photo all 0.

    `guess` is the hidden part as the outline would go on smoothly. Colours are shown in it and in
    the visible part alone.
    """
    drawn = torch.stack([masks.visible, masks.hiders, masks.others & ~masks.hiders], -1)
    last = torch.stack([torch.ones_like(guess), masks.visible | guess], -1)
    stack = torch.cat([2 * rgb - 1, drawn.to(rgb), last.to(rgb)], -1)
    shown = resized(square.cut(stack).movedim(-1, 0), SIDE)
    return torch.cat([shown[:3] * shown[-1:], shown[3:]])


def resized(values: Float[Tensor, "c s s"], side: int) -> Float[Tensor, "c t t"]:
    """Bilinear, and averaged where it shrinks."""
    if values.shape[-1] == side:
        return values
    size = (side, side)
    return interpolate(values[None], size, mode="bilinear", antialias=True)[0]


def sampled(
    tokens: Float[Tensor, "c rows columns"], square: Square, size: tuple[int, int]
) -> Float[Tensor, "c t t"]:
    """The tokens of a photo of that size (h, w) at the middles of the square's cells."""
    height, width = size
    along = (torch.arange(TOKENS, device=tokens.device) + 0.5) / TOKENS * square.side
    x = (along + square.left) / width * 2 - 1
    y = (along + square.top) / height * 2 - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).to(tokens)
    return grid_sample(tokens[None], grid[None], padding_mode="border", align_corners=False)[0]


def _box(mask: Bool[Tensor, "h w"], wider: int = 0) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and end row, first and end column of a mask that isn't empty, within the picture."""
    ends = [mask.any(axis).nonzero()[:, 0] for axis in (1, 0)]
    rows, columns = (
        (max(0, int(end[0]) - wider), min(length, int(end[-1]) + 1 + wider))
        for end, length in zip(ends, mask.shape, strict=True)
    )
    return rows, columns
