"""How well a picture fixes where an object stands: the covariance of the last linearisation."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.layout.polish import outlines, surface_rows
from reparo.layout.rows import Rows
from reparo.layout.solve import add_contact, normal_equations
from reparo.layout.support import footing, supporters_of
from reparo.layout.unknowns import (
    GROWTH,
    PER_OBJECT,
    SHARED,
    SHIFT,
    free_columns,
    object_centres,
)
from reparo.layout.view import Sight
from reparo.scene import Problem

LEAST_ERROR = 0.25  # px that an outline is taken to be off at least; masks are no better
BEFOREHAND = 1.0  # standard deviation of each unknown before the picture is seen


@dataclass(frozen=True)
class Certainty:
    """Per object; a standard deviation of a logarithm is a relative error."""

    outline: Float[Tensor, " n"]  # root mean square of outline against mask, px; nan: unseen
    distance: Float[Tensor, " n"]  # standard deviation of the logarithm of its distance
    scale: Float[Tensor, " n"]  # and of its scale


def certainty(problem: Problem, sight: Sight, free: tuple[str, ...]) -> Certainty:
    """From outlines, depth map and contact at the layout that is returned.

    Gauss-Newton's matrix J^T W J, each object's rows in units of its own outline's error, is the
    inverse covariance, as if all of an outline were one measurement: its points err together.
    Nothing is less sure than beforehand, and what is given, not solved for, is sure.
    """
    n = len(problem.meshes)
    outline = sight.layers.depths.new_full((n,), torch.nan)
    rows: list[Rows] = []
    for k, edge in outlines(sight).items():
        if len(edge.residual):
            outline[k] = edge.residual.square().mean().sqrt()
        rows += [edge, *surface_rows(sight, k)]
    free_here = free_columns(problem, free)
    matrix = outline.new_zeros(len(free_here), len(free_here))
    if rows:
        matrix = _information(problem, sight, Rows.join(rows), outline)
    exact = matrix.double()  # float32 has no place for the small prior beside large entries
    prior = torch.full_like(exact.diagonal(), BEFOREHAND**-2)
    prior[-SHARED:] = 1e-9 * exact.diagonal()[-SHARED:].clamp(min=1e-9)
    covariance = torch.zeros_like(matrix)
    chosen = free_here.nonzero().flatten()
    at = (chosen[:, None], chosen[None])
    covariance[at] = torch.linalg.inv((exact + prior.diag())[at]).to(matrix)
    blocks = covariance[:-SHARED, :-SHARED].unflatten(0, (n, PER_OBJECT)).unflatten(2, (n, -1))
    own = blocks.diagonal(dim1=0, dim2=2).permute(2, 0, 1)  # [n, 7, 7]
    anchors = sight.unknowns.layout.apply(object_centres(problem)[:, None])[:, 0]
    ray = torch.nn.functional.normalize(
        anchors - problem.camera.world_from_camera.translation, dim=-1
    )
    along = (ray[:, None] @ own[:, SHIFT, SHIFT] @ ray[..., None]).flatten()
    return Certainty(outline, along.clamp(min=0).sqrt(), own[:, GROWTH, GROWTH].flatten().sqrt())


def _information(
    problem: Problem, sight: Sight, rows: Rows, outline: Float[Tensor, " n"]
) -> Float[Tensor, "u u"]:
    """J^T W J in units of the outlines' errors, contact included."""
    camera = sight.view.camera
    anchors = sight.unknowns.layout.apply(object_centres(problem)[:, None])[:, 0]
    equations = normal_equations(rows.weighed_by(_trust(outline)), anchors, camera)
    if problem.observation.ground is not None:
        supporters = supporters_of(problem, sight)
        stand = footing(problem, sight.unknowns, supporters)
        add_contact(equations, stand, supporters, anchors, camera)
    return equations[0]


def _trust(outline: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """One over the squared error, px^-2."""
    return outline.nan_to_num(LEAST_ERROR).clamp(min=LEAST_ERROR).square().reciprocal()
