"""Which of many overlapping masks are the objects: a vote of the points, then a packing.

Every point says, by the masks it asked for, what it belongs to. A mask's value is how many of the
points inside it agree with it, and the objects are those masks that do not overlap and together
have the most value. A whole and its parts may both be agreed on: the exponent, a little above 1,
then prefers the whole.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from reparo.stages.segment.propose import Proposals

SAME = 0.85  # IoU above which two masks are one
HALF_AGREE, AGREE = 0.6, 0.85  # IoU from which a point's mask supports another: a little, fully
CONFLICT = 0.2  # share of the smaller mask that may be shared
WHOLE = 1.1  # exponent of the value; above 1 prefers wholes to their parts
LEAST_VOTES = 2.0  # agreeing points, weighted
LEAST_SHARE = 0.25  # of the points inside a mask that must agree with it
LEAST_FIGURE = 0.5  # of a mask that must stand out
MOST = 150  # masks that go into the packing


def plausible(
    proposals: Proposals, salience: Float32[Tensor, "rows columns"], level: float
) -> Float32[Tensor, " m"]:
    """The share of each mask that stands out (shadows do not); 0 for masks that are no objects.

    Those are too small, too large, too faint, or reach three sides: where, not what.
    """
    masks = proposals.masks
    flat = masks.flatten(1).float()
    area = flat.mean(1)
    figure = flat @ (salience > level).flatten().float() / flat.sum(1).clamp(min=1)
    sides = [masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1]]
    reached = torch.stack([side.float().mean(1) > 0.02 for side in sides]).sum(0)
    sensible = (area > 6e-4) & (area < 0.6) & (figure > LEAST_FIGURE) & (reached < 3)
    return figure * sensible


def choose(proposals: Proposals, figure: Float32[Tensor, " m"]) -> Int[Tensor, " k"]:
    """The masks that are objects, as indices; `figure` is the share of each that stands out."""
    index = (figure > 0).nonzero()[:, 0]
    if not len(index):
        return index
    shared, iou = overlaps(proposals.masks[index], proposals.masks[index])
    value = (figure[index] * _agreement(proposals, index, iou)) ** WHOLE
    kept = _distinct(value, iou)
    area = shared.diagonal()
    overlap = shared / torch.minimum(area[:, None], area)
    return index[kept[_pack(value[kept], overlap[kept][:, kept] > CONFLICT)]]


def overlaps(
    one: Bool[Tensor, "m rows columns"], other: Bool[Tensor, "k rows columns"]
) -> tuple[Float32[Tensor, "m k"], Float32[Tensor, "m k"]]:
    """Shared pixels and IoU of each mask with each other one."""
    a, b = one.flatten(1).float(), other.flatten(1).float()
    shared = a @ b.mT
    return shared, shared / (a.sum(1)[:, None] + b.sum(1) - shared).clamp(min=1)


def _agreement(
    proposals: Proposals, index: Int[Tensor, " m"], iou: Float32[Tensor, "m m"]
) -> Float32[Tensor, " m"]:
    """How many of the points inside each mask agree with it; 0 where too few do."""
    points = proposals.points
    support = ((iou - HALF_AGREE) / (AGREE - HALF_AGREE)).clamp(0, 1) * proposals.belief[index]
    votes = torch.zeros(len(index), len(points), dtype=iou.dtype)  # [mask, point], best answer
    voters = proposals.voter[index].expand(len(index), -1)
    votes.scatter_reduce_(1, voters, support, "amax")
    inside = proposals.masks[index][:, points[:, 0], points[:, 1]]
    agreed = (votes * inside).sum(1)
    enough = (agreed >= LEAST_VOTES) & (agreed >= LEAST_SHARE * inside.sum(1))
    return agreed * enough


def _distinct(value: Float32[Tensor, " m"], iou: Float32[Tensor, "m m"]) -> Int[Tensor, " k"]:
    """Of masks that are nearly the same, the best one; best first, none without value."""
    kept: list[int] = []
    for candidate in value.argsort(descending=True, stable=True).tolist():
        if value[candidate] <= 0 or len(kept) == MOST:
            break
        if not kept or iou[candidate, kept].max() < SAME:
            kept.append(candidate)
    return torch.tensor(kept, dtype=torch.long)


def _pack(value: Float[Tensor, " k"], conflict: Bool[Tensor, "k k"]) -> Bool[Tensor, " k"]:
    """The set without conflicts that has the most value: a small integer program."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    count = len(value)
    if not count:
        return torch.zeros(0, dtype=torch.bool)
    pairs = conflict.triu(1).nonzero().numpy()
    rows = np.zeros((len(pairs) + 1, count))  # the last row is no constraint, lest there be none
    rows[np.arange(len(pairs))[:, None], pairs] = 1  # at most one of each pair
    answer = milp(
        -value.double().numpy(),
        constraints=LinearConstraint(rows, -np.inf, 1),
        bounds=Bounds(0, 1),
        integrality=np.ones(count),
        options={"time_limit": 5.0},
    )
    if answer.x is None:  # out of time without any answer: best first does nearly as well
        return _greedy(conflict)
    return torch.from_numpy(answer.x > 0.5)


def _greedy(conflict: Bool[Tensor, "k k"]) -> Bool[Tensor, " k"]:
    chosen = torch.zeros(len(conflict), dtype=torch.bool)
    for candidate in range(len(conflict)):
        chosen[candidate] = not (conflict[candidate] & chosen).any()
    return chosen
