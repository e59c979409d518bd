"""The step that takes objects out of one another at the least cost to the picture.

A quadratic problem: the outlines should stay on the masks' edges as far as two kinds of claims
allow. Feet stay on what they stand on; of two objects that overlap, the deepest point goes out the
shortest way. What costs the picture nothing, such as moving away along the rays of sight, is found
by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.layout.contact import Overlap
from reparo.layout.rows import Rows
from reparo.layout.support import Footing
from reparo.layout.unknowns import GROWTH, PER_OBJECT, SHARED, SHIFT, motion
from reparo.scene import Camera, Similarity

DEPTH_LEFT = 0.005  # of the smaller box's diagonal: how deep a pair may stay
EDGE = 2.0  # px within which an outline is as good as on the mask's edge
STEADY = 0.05  # of what a shift across the picture costs, for one that does not show
YIELDING = 0.01  # of a claim, where claims contradict one another
LEVEL = 0.3  # of a way out that must be level for it to be taken along the ground


@dataclass(frozen=True)
class Claim:
    """row · step = amount."""

    row: Float[Tensor, " u"]
    amount: float  # world units


def feet_claims(stand: Footing, anchors: Float[Tensor, "n 3"], camera: Camera) -> list[Claim]:
    """Every foot is at the height of what it stands on."""
    owners = torch.arange(len(anchors), device=anchors.device)
    up = motion(stand.feet, owners, anchors, camera)[:, 1]  # [n, 7]: how a foot's height moves
    rise = stand.below - stand.feet[:, 1]
    return [
        Claim(_row(anchors, {k: up[k]}), rise[k].item())
        for k in stand.falls.nonzero().flatten().tolist()
    ]


def apart_claim(one: Overlap, anchors: Float[Tensor, "n 3"], camera: Camera) -> Claim:
    """The inner one's deepest point leaves the outer one, but for what may stay."""
    depth = one.push.norm()
    pair = torch.tensor([one.inner, one.outer], device=anchors.device)
    moved = motion(one.point.expand(2, 3), pair, anchors, camera)  # [2, 3, 7]
    inner, outer = (one.push / depth.clamp(min=1e-12)) @ moved
    amount = depth.item() * (1 - DEPTH_LEFT / max(one.share, 1e-9))
    return Claim(_row(anchors, {one.inner: inner, one.outer: -outer}), amount)


def _row(
    anchors: Float[Tensor, "n 3"], parts: dict[int, Float[Tensor, "7"]]
) -> Float[Tensor, " u"]:
    """Zero but for some objects' seven numbers."""
    row = anchors.new_zeros(len(anchors) * PER_OBJECT + SHARED)
    for k, part in parts.items():
        row[k * PER_OBJECT : (k + 1) * PER_OBJECT] = part
    return row


def levelled(one: Overlap, layout: Similarity) -> Overlap:
    """The same overlap, its way out along the ground if it was straight up or down."""
    level = one.push * one.push.new_tensor([1, 0, 1])
    if level.norm() > LEVEL * one.push.norm():
        return one
    level = layout.translation[one.inner] - layout.translation[one.outer]
    level = level * level.new_tensor([1, 0, 1])
    return replace(one, push=level / level.norm().clamp(min=1e-9) * one.push.norm())


def evenly_weighted(rows: Rows, area: float) -> Rows:
    """Weights by which the squares sum up to the area between outline and mask, over the mask's.

    That is what mask overlap counts, whatever a residual's size (least absolute deviations).
    """
    return replace(rows, weight=1 / (rows.residual.abs().clamp(min=EDGE) * max(area, 1.0)))


def least_step(
    equations: tuple[Float[Tensor, "u u"], Float[Tensor, " u"]],
    held: Sequence[Claim],
    pushes: Sequence[Claim],
    free: Bool[Tensor, " u"],
) -> Float[Tensor, " u"]:
    """The step that the picture minds least of those that meet the claims.

    A push is let go where it would pull: it may well move farther than it must (active set).
    """
    hessian, gradient = steadied(equations[0])[free][:, free], equations[1][free]
    step = torch.zeros_like(equations[1])
    pushes = list(pushes)
    while held or pushes:
        moved, force = _meeting(hessian, gradient, [*held, *pushes], free)
        pulls = force[len(held) :]
        if not len(pulls) or pulls.min() >= 0:
            step[free] = moved
            return step
        pushes.pop(int(pulls.argmin()))
    step[free] = -torch.linalg.solve(hessian, gradient)
    return step


def _meeting(
    hessian: Float[Tensor, "f f"],
    gradient: Float[Tensor, " f"],
    claims: Sequence[Claim],
    free: Bool[Tensor, " u"],
) -> tuple[Float[Tensor, " f"], Float[Tensor, " c"]]:
    """Least 1/2 x H x + g x with A x = b: x and the force by which each claim acts on it."""
    rows = torch.stack([claim.row[free] for claim in claims])
    length = rows.norm(dim=1).clamp(min=1e-12)
    rows = rows / length[:, None]
    amounts = rows.new_tensor([claim.amount for claim in claims]) / length
    eased = torch.linalg.solve(hessian, torch.cat([rows.mT, gradient[:, None]], 1))
    schur = rows @ eased[:, :-1]  # A H^-1 A^T
    schur = schur + (YIELDING * schur.diagonal() + 1e-12).diag()
    force = torch.linalg.solve(schur, amounts + rows @ eased[:, -1])
    return eased[:, :-1] @ force - eased[:, -1], force


def steadied(hessian: Float[Tensor, "u u"]) -> Float[Tensor, "u u"]:
    """With a small price on what does not show, so that no step is longer than it needs to be."""
    steady = hessian.clone()
    diagonal = steady.diagonal()  # a view
    for k in range(len(diagonal) // PER_OBJECT):
        own = diagonal[k * PER_OBJECT : (k + 1) * PER_OBJECT]
        price = own[SHIFT].max().clone()
        for part in (SHIFT, GROWTH):
            own[part] += STEADY * price
    return steady + 1e-9 * diagonal.max().clamp(min=1e-9) * torch.eye(len(steady)).to(steady)
