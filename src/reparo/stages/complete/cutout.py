"""The re-centred square that shows one object whole."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.errors import InputError
from reparo.scene import Cutout, Depth, Photo, Region
from reparo.stages.complete.fill import fill

OBJECT_SHARE = 0.85  # of the square's side (TripoSR's foreground ratio)
SMALLEST_SIDE = 16  # px


@dataclass(frozen=True)
class Square:
    """Where the cut-out lies in the photo: px of its top left corner, and its side, both in px."""

    left: int
    top: int
    side: int

    @classmethod
    def around(cls, outline: Bool[Tensor, "h w"]) -> "Square":
        """The square in whose middle the outline fills `OBJECT_SHARE`; may leave the photo."""
        rows, columns = (
            outline.any(axis).nonzero()[:, 0].tolist() for axis in (1, 0)
        )  # never empty: a region has a pixel
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        longest = max(bottom - top, right - left)
        side = max(math.ceil(longest / OBJECT_SHARE), longest + 2, SMALLEST_SIDE)
        return cls((left + right - side) // 2, (top + bottom - side) // 2, side)

    def cut(self, values: Float[Tensor, "h w c"]) -> Float[Tensor, "s s c"]:
        """The values inside; 0 outside the photo."""
        height, width = values.shape[:2]
        padding = (
            max(0, -self.left),
            max(0, self.left + self.side - width),
            max(0, -self.top),
            max(0, self.top + self.side - height),
        )
        padded = torch.nn.functional.pad(values.permute(2, 0, 1), padding)
        top, left = max(0, self.top), max(0, self.left)
        return padded[:, top : top + self.side, left : left + self.side].permute(1, 2, 0)


def shown(region: Region) -> Bool[Tensor, "h w"]:
    """The region's visible part; an InputError where it has no pixel."""
    if not region.visible.any():
        raise InputError(f"the mask of {region.name!r} has no pixel; draw what shows of it")
    return region.visible


def make_cutout(
    photo: Photo,
    visible: Bool[Tensor, "h w"],
    invented: Float[Tensor, "h w 4"],
    depth: Depth | None,
    largest: int = 512,
) -> Cutout:
    """Cuts one object out of the photo, its hidden part included.

    `invented` has alpha 1 on the hidden pixels that belong to the object; its colours there count
    where alpha is 1 and are not nan. Colours are spread beyond the outline, so that nothing of the
    background shows at an edge. One cut-out pixel is one photo pixel, or `largest` caps the side.
    """
    hidden = (invented[..., 3] > 0.5) & ~visible
    square = Square.around(visible | hidden)
    coloured = hidden & ~invented[..., 0].isnan()
    rgb = torch.where(coloured[..., None], invented[..., :3], photo.rgb)
    source = (core(visible) | coloured).to(rgb.dtype)
    layers = [rgb, source, visible.to(rgb.dtype), hidden.to(rgb.dtype)]
    stack = torch.cat([layer.reshape(*visible.shape, -1) for layer in layers], -1)
    cut = square.cut(stack)
    rgb, source, shown, rest = cut.split([3, 1, 1, 1], -1)
    spread = fill(rgb, source[..., 0] > 0.5)
    rgb = torch.where(shown > 0.5, rgb, spread)
    planes = torch.cat([rgb, shown, shown + rest], -1)
    side = min(square.side, largest)
    planes = _shrink(planes, side)
    seen = planes[..., 3] >= 0.5
    alpha = (seen | (planes[..., 4] >= 0.5)).to(rgb.dtype)
    scale = square.side / side
    matrix = rgb.new_tensor([[scale, 0, square.left], [0, scale, square.top]])
    z = None if depth is None else _cut_depth(depth, photo.size, matrix, seen)
    return Cutout(torch.cat([planes[..., :3], alpha[..., None]], -1), seen, matrix, z)


def core(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The mask without its outline pixels, whose colours mix with what is behind.

    Parts too thin to have an inside are kept as they are.
    """
    inside = erode(mask)
    return inside | (mask & ~dilate(inside, 2))


def dilate(mask: Bool[Tensor, "h w"], reach: int = 1) -> Bool[Tensor, "h w"]:
    """All pixels within `reach` of the mask, diagonals counted as 1."""
    size = 2 * reach + 1
    pool = torch.nn.functional.max_pool2d
    grown = pool(mask[None, None].float(), (size, 1), 1, (reach, 0))
    grown = pool(grown, (1, size), 1, (0, reach))  # rows, then columns: the same, and faster
    return grown[0, 0] > 0.5


def erode(mask: Bool[Tensor, "h w"], reach: int = 1) -> Bool[Tensor, "h w"]:
    """The mask without a rim of `reach` px; the picture's edge does not make a rim."""
    return ~dilate(~mask, reach)


def _shrink(planes: Float[Tensor, "s s c"], side: int) -> Float[Tensor, "t t c"]:
    if planes.shape[0] == side:
        return planes
    small = torch.nn.functional.interpolate(
        planes.permute(2, 0, 1)[None], size=(side, side), mode="area"
    )
    return small[0].permute(1, 2, 0)


def _cut_depth(
    depth: Depth, size: tuple[int, int], matrix: Tensor, seen: Bool[Tensor, "s s"]
) -> Float[Tensor, "s s"] | None:
    """z of the visible pixels off the outline, nan elsewhere; none where z is known no better."""
    if depth.kind not in ("metric", "scale"):
        return None
    side = seen.shape[0]
    along = torch.arange(side, dtype=matrix.dtype) + 0.5
    columns = _nearest(along * matrix[0, 0] + matrix[0, 2], size[1], depth.values.shape[1])
    rows = _nearest(along * matrix[1, 1] + matrix[1, 2], size[0], depth.values.shape[0])
    values = depth.values[rows][:, columns].to(matrix.dtype)
    good = depth.known[rows][:, columns] & core(seen)
    return torch.where(good, values, torch.nan) if good.any() else None


def _nearest(pixels: Tensor, length: int, samples: int) -> Tensor:
    """Index, in a map of `samples` over `length` px, of the sample at each photo pixel."""
    return (pixels / length * samples).floor().long().clamp(0, samples - 1)
