"""A predictor that knows the truth: the shared code around it must bring the truth back."""

from dataclasses import dataclass, field

import torch
from torch.nn.functional import interpolate

from reparo.stages.segment.predictor import Answer

LOW = 64  # of the longer side of an answer


@dataclass
class Oracle:
    """Sees things by their colours: what has the colour of the place that is asked is the thing."""

    looks: list = field(default_factory=list)  # sizes of what was looked at

    def look(self, rgb):
        self.looks.append((rgb.shape[0], rgb.shape[1]))
        return OracleView(rgb)


@dataclass
class OracleView:
    rgb: torch.Tensor

    @property
    def size(self):
        return self.rgb.shape[0], self.rgb.shape[1]

    @property
    def low_size(self):
        return tuple(max(1, round(side * LOW / max(self.size))) for side in self.size)

    def ask_points(self, points, inside):
        x, y = next(point for point, flag in zip(points, inside, strict=True) if flag)
        height, width = self.size
        return self._answer(self.rgb[min(int(y), height - 1), min(int(x), width - 1)])

    def ask_box(self, box):
        return self.ask_points([((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)], [True])

    def _answer(self, colour):
        same = (self.rgb - colour).abs().amax(-1) < 0.05
        low = interpolate(same[None, None].float(), self.low_size, mode="area")[0, 0]
        return Answer((low * 8 - 4).expand(4, -1, -1), torch.full((4,), 0.95, dtype=torch.float32))
