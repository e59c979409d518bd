"""What a network that answers prompts promises, whoever made it.

It looks at a picture once and then answers points and boxes, one prompt at a time. Finding objects
without help, prompting for them and looking closer are written against this alone.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float, Float32
from torch import Tensor
from torch.nn.functional import interpolate

Size = tuple[int, int]  # height and width


@dataclass(frozen=True)
class Answer:
    """Four masks for one prompt, and how well the network thinks each fits.

    The first is its single best; the others are rivals, for a lone point: a part, a larger part,
    the whole thing.
    """

    logits: Float32[Tensor, "4 rows columns"]  # over the picture, no padding; above 0 is inside
    scores: Float32[Tensor, " 4"]  # predicted IoU, 0..1


@runtime_checkable
class View(Protocol):
    """One picture as the network has seen it; prompts are in its pixels, corner at (0, 0)."""

    @property
    def size(self) -> Size:
        """Of the picture, px."""
        ...

    @property
    def low_size(self) -> Size:
        """Rows and columns of an answer; they have the picture's shape."""
        ...

    def ask_points(self, points: list[tuple[float, float]], inside: list[bool]) -> Answer:
        """What the points [x, y] belong to, or do not."""
        ...

    def ask_box(self, box: tuple[float, float, float, float]) -> Answer:
        """What fills the box [x0, y0, x1, y1]."""
        ...


@runtime_checkable
class Predictor(Protocol):
    """A loaded network."""

    def look(self, rgb: Float[Tensor, "h w 3"]) -> View:
        """Encodes a picture, sRGB 0..1."""
        ...


def at_size(logits: Float[Tensor, "rows columns"], size: Size) -> Bool[Tensor, "h w"]:
    """The mask of one answer in so many pixels."""
    return interpolate(logits[None, None], size, mode="bilinear")[0, 0] > 0
