"""A picture of flat colours, and a network that answers a click with all of that colour."""

import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from reparo.stages.segment.predictor import Answer

HEIGHT, WIDTH = 48, 64
BOXES = {  # left, top, right, bottom: what is drawn later is in front
    (200, 40, 40): (8, 10, 30, 40),
    (40, 60, 200): (36, 20, 56, 42),
    (240, 220, 60): (14, 20, 22, 30),
}
RED, BLUE, YELLOW = ((11.0, 14.0), (40.0, 30.0), (18.0, 25.0))  # a pixel in each


def picture():
    image = Image.new("RGB", (WIDTH, HEIGHT), (235, 235, 230))
    for colour, box in BOXES.items():
        image.paste(colour, box)
    return image


def photo_bytes():
    file = io.BytesIO()
    picture().save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True)
class ColourView:
    """Answers with the pixels of the colour that was asked for."""

    rgb: torch.Tensor

    @property
    def size(self):
        return tuple(self.rgb.shape[:2])

    @property
    def low_size(self):
        return self.size

    def ask_points(self, points, inside):
        mask = torch.zeros(self.size, dtype=torch.bool)
        for (x, y), wanted in zip(points, inside, strict=True):
            same = (self.rgb == self.rgb[int(y), int(x)]).all(-1)
            mask = mask | same if wanted else mask & ~same
        return self.answer(mask)

    def ask_box(self, box):
        x0, y0, x1, y1 = (round(side) for side in box)
        return self.ask_points([((x0 + x1) / 2, (y0 + y1) / 2)], [True])

    def answer(self, mask):
        logits = (mask.float() * 2 - 1).expand(4, *self.size).contiguous()
        return Answer(logits.to(torch.float32), torch.ones(4, dtype=torch.float32))


class ColourNetwork:
    """Counts how often it looks at a whole picture."""

    looks = 0

    def look(self, rgb):
        self.looks += 1
        return ColourView(rgb)


def inside(colour):
    return np.asarray((np.asarray(picture()) == colour).all(-1))
