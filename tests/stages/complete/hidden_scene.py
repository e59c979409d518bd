"""A hidden object, and stand-ins for the networks that complete it."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import torch

from reparo.scene import Photo, Region, pixel_centres
from reparo.stages.complete.canvas import Canvas, prepare

SIZE = (120, 160)
RED, BLUE, GREEN = torch.eye(3)[[0, 2, 1]]


def disc(x: float, y: float, radius: float) -> torch.Tensor:
    return (pixel_centres(SIZE) - torch.tensor([x, y])).norm(dim=-1) < radius


def scene() -> tuple[Photo, Region, Region, torch.Tensor]:
    """A red disc behind a green one, before blue, all a little noisy."""
    whole, hider = disc(70.0, 50.0, 35.0), disc(95.0, 80.0, 25.0)
    rgb = BLUE.expand(*SIZE, 3).clone()
    rgb[whole], rgb[hider] = RED, GREEN
    noisy = (0.9 * rgb + 0.1 * torch.rand(*SIZE, 3)) * 255
    photo = Photo.from_array(noisy.to(torch.uint8).numpy())
    return photo, Region("far", whole & ~hider), Region("near", hider), whole


def canvas_of_scene() -> Canvas:
    photo, far, near, _ = scene()
    canvas = prepare(photo, far.visible, near.visible)
    assert canvas is not None
    return canvas


class Painter:
    """Stands in for a pipeline: notes what it is given, and paints all of it in one colour."""

    def __init__(self, colour: torch.Tensor = RED):
        self.colour, self.given = colour, {}

    def __call__(self, **given):
        self.given = given
        height, width = given["height"], given["width"]
        return SimpleNamespace(
            images=self.colour.float()[None, :, None, None].expand(-1, -1, height, width)
        )


@dataclass(frozen=True)
class Finder:
    """Stands in for a segmenter: what is red, unless it shall find something else."""

    boxes: str | Path | None = None
    device: str = "auto"
    wrong: bool = False
    seen: ClassVar[list] = []

    def __call__(self, photo: Photo) -> list[Region]:
        self.seen.append((photo, Path(str(self.boxes)).read_text(), self.device))
        red = (photo.rgb - RED).norm(dim=-1) < 0.5
        return [Region("object", ~red if self.wrong else red)]
