"""What segmenting and completing find in the photo."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Region:
    """One object's visible part."""

    name: str  # unique; letters, digits, '-', '_', '.'
    visible: Bool[Tensor, "h w"]  # what shows, not what is hidden

    @property
    def area(self) -> int:
        """Visible pixels."""
        return int(self.visible.sum())


@dataclass(frozen=True)
class Cutout:
    """One whole object, hidden parts completed, re-centred in a square."""

    rgba: Float[Tensor, "s s 4"]  # sRGB 0..1; alpha is the full outline, not premultiplied
    visible: Bool[Tensor, "s s"]  # pixels that the photo shows
    photo_from_cutout: Float[Tensor, "2 3"]  # px -> px, [x, y]; corners at integers
    depth: Float[Tensor, "s s"] | None = None  # z along the axis up to one factor; nan: unknown
    focal: float | None = None  # the camera's, in px of the photo; None: unknown
    principal: tuple[float, float] | None = None  # px of the photo on its axis; None: unknown
    up: tuple[float, float, float] | None = None  # in life: right, up, to the eye; None: unknown

    @property
    def invented(self) -> Bool[Tensor, "s s"]:
        """What the photo does not show: completed minus visible."""
        return (self.rgba[..., 3] >= 0.5) & ~self.visible
