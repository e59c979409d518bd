"""What can be set about laying out."""

from dataclasses import dataclass, field

from reparo.errors import InputError
from reparo.layout.paper_settings import PaperSettings

METHODS = ("fast", "paper")
FREEDOMS = ("translation", "scale", "rotation")


@dataclass(frozen=True)
class AlignSettings:
    """How `align` searches; defaults suit a laptop."""

    method: str = "fast"
    free: tuple[str, ...] = ("translation", "scale")  # of each object; the rest stays at the start
    match: bool = True  # transport render to picture, coarse to fine
    polish: bool = True  # outlines and depth, pixel by pixel
    turn: bool = True  # try other rotations of what does not fit; only where rotation is free
    settle: bool = True  # put what stands on the ground exactly there
    match_rounds: int = 8  # at most: fewer where little is left to do
    polish_rounds: int = 10  # at most, at half of `polish_size` and again at all of it
    match_size: int = 128  # longest side in px of the pictures that are transported
    polish_size: int = 512  # longest side in px; never above the photo's own
    match_points: int = 400  # a side, per object
    seed: int = 0
    paper: PaperSettings = field(default_factory=PaperSettings)  # of the method "paper" alone

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"the method is one of {', '.join(METHODS)}, got {self.method!r}")
        if wrong := [name for name in self.free if name not in FREEDOMS]:
            raise InputError(f"free is any of {', '.join(FREEDOMS)}, got {wrong[0]!r}")
        if not self.free:
            raise InputError(f"something must be free: any of {', '.join(FREEDOMS)}, got nothing")
