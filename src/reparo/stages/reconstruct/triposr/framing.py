"""The picture as TripoSR was taught to see it: one object in the middle, on grey."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from reparo.errors import InputError
from reparo.scene import Cutout

FOREGROUND = 0.85  # of the picture's side that the object's longer side takes
GREY = 0.5


def framed(cutout: Cutout, name: str, ground: float = GREY) -> Float[Tensor, "s s 3"]:
    """The object's outline in the middle of a plain square, no pixel resampled."""
    opaque = cutout.rgba[..., 3] >= 0.5
    if not opaque.any():
        raise InputError(f"the cut-out of {name!r} has no opaque pixel; give it an outline")
    ends = [opaque.any(axis).nonzero()[:, 0] for axis in (1, 0)]  # rows, columns
    (top, bottom), (left, right) = ((int(end[0]), int(end[-1]) + 1) for end in ends)
    longest = max(bottom - top, right - left)
    side = int(longest / FOREGROUND)
    first_row, first_column = (top + bottom - side) // 2, (left + right - side) // 2
    height, width = opaque.shape
    beyond = (  # below 0 where the square cuts something off
        -first_column, first_column + side - width,
        -first_row, first_row + side - height,
    )  # fmt: skip
    square = pad(cutout.rgba.movedim(-1, 0), beyond).movedim(0, -1)
    alpha = square[..., 3:].clamp(0, 1)
    return square[..., :3] * alpha + ground * (1 - alpha)
