"""Asks the network, at many points of the figures, what each belongs to."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from reparo.contracts import Progress
from reparo.stages.segment.predictor import Answer, View

# The network's four answers to a point, and how far each is believed to be a whole object: the
# first is its single best, then a part, the thing, and the thing with all that touches it.
BELIEF = (0.9, 0.0, 1.0, 0.7)
STABLE = 0.7  # least IoU of a mask with itself at logits 1 and -1
SCORE = 0.4  # least IoU that the network predicts
FINEST = 64  # no more than so many points along the longer side


@dataclass(frozen=True)
class Proposals:
    """Masks that points asked for; rows x columns is the network's own resolution."""

    points: Int[Tensor, "n 2"]  # row, column
    masks: Bool[Tensor, "m rows columns"]
    voter: Int[Tensor, " m"]  # the point that asked for it
    channel: Int[Tensor, " m"]  # which of the network's answers it is
    belief: Float32[Tensor, " m"]  # 0..1


def lattice(figure: Bool[Tensor, "rows columns"], count: int) -> Int[Tensor, "n 2"]:
    """About `count` points, row and column, spread evenly over the figure."""
    area = int(figure.sum())
    spacing = max(math.sqrt(area / count), max(figure.shape) / FINEST, 1.0)
    rows, columns = (
        (torch.arange(max(1, round(side / spacing))) + 0.5) * (side / max(1, round(side / spacing)))
        for side in figure.shape
    )
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2).long()
    return grid[figure[grid[:, 0], grid[:, 1]]]


def propose(view: View, points: Int[Tensor, "n 2"], progress: Progress) -> Proposals:
    """Prompts with each point (row, column at the network's resolution); keeps firm masks."""
    masks, voter, channel, belief = [], [], [], []
    for index, point in enumerate(points.tolist()):
        progress("segment", index, len(points))
        answer = ask_at(view, point)
        trust = _trust(answer)
        inside = answer.logits > 0
        for place in range(4):
            if trust[place] > 0 and inside[place, point[0], point[1]]:
                masks.append(inside[place])
                voter.append(index)
                channel.append(place)
                belief.append(trust[place])
    progress("segment", len(points), len(points))
    empty = torch.zeros(0, *view.low_size, dtype=torch.bool)
    return Proposals(
        points,
        torch.stack(masks) if masks else empty,
        torch.tensor(voter, dtype=torch.long),
        torch.tensor(channel, dtype=torch.long),
        torch.stack(belief) if belief else torch.zeros(0, dtype=torch.float32),
    )


def ask_at(view: View, point: list[int]) -> Answer:
    """The network's answer to one point, given as row and column at its own resolution."""
    rows, columns = view.low_size
    x = (point[1] + 0.5) * view.size[1] / columns
    y = (point[0] + 0.5) * view.size[0] / rows
    return view.ask_points([(x, y)], [True])


def _trust(answer: Answer) -> Float[Tensor, "4"]:
    """How far each answer may be a whole object; 0 where it is not firm."""
    narrow, wide = ((answer.logits > level).float().sum((1, 2)) for level in (1, -1))
    stability = narrow / wide.clamp(min=1)
    firm = (stability > STABLE) & (answer.scores > SCORE)
    weight = torch.tensor(BELIEF, dtype=answer.scores.dtype)
    return firm * stability * answer.scores * weight
