"""What an inpainting network is shown: one object on a plain ground, with a hole to paint.

The rest of the photo is left out, so that the network paints the object and not the room. The hole
is where something else stands in front of it, near enough that the object may go on there.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.scene import Photo
from reparo.stages.complete.cutout import Square, core, dilate
from reparo.stages.complete.fill import fill
from reparo.stages.complete.outline import REACH

GROUNDS = (0.8, 0.4)  # light grey (the paper's figure); darker for what is light grey itself
ALIKE = 0.15  # of a colour, 0..1: too near the ground's to stand out
MUCH = 0.05  # of the object's pixels
GROWN = 0.006  # of the square's side: the hole is larger, since outlines mix colours


@dataclass(frozen=True)
class Canvas:
    """A square of the photo's pixels."""

    square: Square
    rgb: Float[Tensor, "s s 3"]  # sRGB 0..1; in the hole the object's colours, spread
    visible: Bool[Tensor, "s s"]  # the object's visible part
    hole: Bool[Tensor, "s s"]  # where to paint
    ground: float  # its grey, 0..1

    @property
    def background(self) -> Bool[Tensor, "s s"]:
        """What is certainly not the object."""
        return ~(self.visible | self.hole)


def prepare(
    photo: Photo, visible: Bool[Tensor, "h w"], hiders: Bool[Tensor, "h w"]
) -> Canvas | None:
    """Around the object and what hides it; none where nothing does.

    Of the visible pixels the hole takes those alone whose colours mix with what is in front.
    """
    maybe = _near(visible) & hiders & ~visible
    if not maybe.any():
        return None
    square = Square.around(visible | maybe)
    layers = [photo.rgb, *(mask[..., None].to(photo.rgb) for mask in (visible, maybe))]
    rgb, seen, may = square.cut(torch.cat(layers, -1)).split([3, 1, 1], -1)
    shown = seen[..., 0] > 0.5
    reach = max(2, round(GROWN * square.side))
    hole = dilate(may[..., 0] > 0.5, reach) & ~core(shown)
    grey = _telling_ground(rgb[core(shown)])
    on_ground = torch.where((shown & ~hole)[..., None], rgb, torch.full_like(rgb, grey))
    spread = fill(rgb, core(shown) & ~hole)
    return Canvas(square, torch.where(hole[..., None], spread, on_ground), shown, hole, grey)


def in_photo(
    values: Float[Tensor, "s s c"], square: Square, size: tuple[int, int]
) -> Float[Tensor, "h w c"]:
    """Undoes `Square.cut`; 0 outside the square."""
    height, width = size
    result = values.new_zeros(height, width, values.shape[-1])
    top, left = max(0, square.top), max(0, square.left)
    bottom, right = min(height, square.top + square.side), min(width, square.left + square.side)
    result[top:bottom, left:right] = values[
        top - square.top : bottom - square.top, left - square.left : right - square.left
    ]
    return result


def _telling_ground(colours: Float[Tensor, "n 3"]) -> float:
    """The first grey, unless the object has much of it; then the one it has least of."""
    shares = [float(((colours - grey).abs().amax(-1) < ALIKE).double().mean()) for grey in GROUNDS]
    return GROUNDS[0] if shares[0] < MUCH else GROUNDS[shares.index(min(shares))]


def _near(visible: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The object's box, widened as far as a hidden part is looked for."""
    ends = [visible.any(axis).nonzero()[:, 0] for axis in (1, 0)]  # rows, columns
    sides = [(int(end[0]), int(end[-1]) + 1) for end in ends]
    reach = round(REACH * max(last - first for first, last in sides)) + 4
    near = torch.zeros_like(visible)
    (top, bottom), (left, right) = sides
    near[max(top - reach, 0) : bottom + reach, max(left - reach, 0) : right + reach] = True
    return near
