"""One damped, robust Gauss-Newton step over all objects and what they share."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.layout.rows import Rows
from reparo.layout.support import Footing, Supporters
from reparo.layout.unknowns import (
    GAIN,
    GROUND,
    OFFSET,
    PER_OBJECT,
    SHARED,
    distances,
    motion,
    picture_motion,
)
from reparo.scene import Camera

DAMPING = 1e-4  # of each unknown's own curvature (Marquardt)
CONTACT_WEIGHT = 100.0  # of a foot's height error, in px, against one row of the picture
LONGEST_STEP = 0.5  # radians, distances or log scale


def robust(residual: Float[Tensor, " m"], width: float | None = None) -> Float[Tensor, " m"]:
    """Weights of Geman and McClure: 1 near zero, falling where a residual is far beyond the rest.

    `width` is 3 median absolute residuals unless given, and half a pixel at least.
    """
    if width is None:
        width = max(3 * residual.abs().median().item(), 0.5) if len(residual) else 1.0
    return 1 / (1 + (residual / width).square()).square()


def normal_equations(
    rows: Rows, anchors: Float[Tensor, "n 3"], camera: Camera
) -> tuple[Float[Tensor, "u u"], Float[Tensor, " u"]]:
    """J^T W J and J^T W r of the picture's rows, by blocks of one object and the shared numbers."""
    n = len(anchors)
    size = n * PER_OBJECT + SHARED
    hessian, gradient = anchors.new_zeros(size, size), anchors.new_zeros(size)
    moved = picture_motion(rows.points, motion(rows.points, rows.owner, anchors, camera), camera)
    jacobian = torch.cat([(rows.slope[:, None] @ moved)[:, 0], rows.shared], -1)  # [m, 9]
    for k in range(n):
        mine = rows.owner == k
        weighted = jacobian[mine] * rows.weight[mine, None]
        own, shared = k * PER_OBJECT, n * PER_OBJECT
        at = torch.tensor([*range(own, own + PER_OBJECT), shared + GAIN, shared + OFFSET])
        hessian[at[:, None], at[None]] += weighted.mT @ jacobian[mine]
        gradient[at] += weighted.mT @ rows.residual[mine]
    return hessian, gradient


def add_contact(
    equations: tuple[Float[Tensor, "u u"], Float[Tensor, " u"]],
    footing: Footing,
    supporters: Supporters,
    anchors: Float[Tensor, "n 3"],
    camera: Camera,
) -> None:
    """Adds in place: every object's lowest point is at the height of what it stands on.

    The ground's own height moves with its unknown; a supporter's top counts as fixed for the step.
    """
    hessian, gradient = equations
    n, feet = len(anchors), footing.feet
    up = motion(feet, torch.arange(n), anchors, camera)[:, 1]  # [n, 7]: how a foot's height moves
    pixels = camera.focal / distances(feet, camera)
    for k in footing.falls.nonzero().flatten().tolist():
        row = anchors.new_zeros(len(gradient))
        row[k * PER_OBJECT : (k + 1) * PER_OBJECT] = up[k]
        if supporters[k] is None:
            row[n * PER_OBJECT + GROUND] = -1
        row = row * pixels[k]
        residual = (feet[k, 1] - footing.below[k]) * pixels[k]
        hessian += CONTACT_WEIGHT * torch.outer(row, row)
        gradient += CONTACT_WEIGHT * row * residual


def solve_step(
    equations: tuple[Float[Tensor, "u u"], Float[Tensor, " u"]], free: Bool[Tensor, " u"]
) -> Float[Tensor, " u"]:
    """The damped step; unknowns that are fixed, or that nothing speaks of, stay."""
    hessian, gradient = equations
    diagonal = hessian.diagonal()
    alive = free & (diagonal > 1e-12)
    step = torch.zeros_like(gradient)
    if alive.any():
        unit = diagonal[alive].rsqrt()  # all unknowns in units of their own curvature
        scaled = hessian[alive][:, alive] * unit[:, None] * unit[None]
        scaled = scaled + DAMPING * torch.eye(len(unit), dtype=scaled.dtype)
        step[alive] = -unit * torch.linalg.solve(scaled, unit * gradient[alive])
    return shortened(step)


def shortened(step: Float[Tensor, " u"]) -> Float[Tensor, " u"]:
    """Keeps each object's step within what the linearisation can bear."""
    n = (len(step) - SHARED) // PER_OBJECT
    per_object = step[: n * PER_OBJECT].view(n, PER_OBJECT)
    longest = per_object.abs().amax(1, keepdim=True).clamp(min=1e-12)
    return torch.cat([(per_object * (LONGEST_STEP / longest).clamp(max=1)).flatten(), step[-3:]])
