"""How good a layout is: what the solver compares rounds by, and what the user is told."""

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.contracts import Renderer
from reparo.layout.contact import penetrations
from reparo.layout.match import DEPTH_TRUST
from reparo.layout.settle import gaps
from reparo.layout.support import supporters_of
from reparo.layout.unknowns import Unknowns
from reparo.layout.view import Sight, View, look, mask_overlap
from reparo.scene import ObjectReport, Problem

NOTHING_KNOWN = 1.0  # depth error of an object of which no pixel can be compared


def score(sight: Sight) -> float:
    """Mean misfit of the objects; lower is better."""
    return misfits(sight).mean().item()


def misfits(sight: Sight) -> Float[Tensor, " n"]:
    """Missed overlap and relative depth error of each object."""
    trust = 0.0 if sight.depth is None else DEPTH_TRUST[sight.depth.kind]
    return 1 - mask_overlap(sight) + trust * depth_error(sight)


def depth_error(sight: Sight) -> Float[Tensor, " n"]:
    """Mean |z - z of the map| / z per object, cut at 1; 0 where there is no map."""
    found = sight.layers.depths.new_zeros(len(sight.view.masks))
    if sight.depth is None:
        return found
    wanted = sight.distance
    for k in range(len(found)):
        both = sight.layers.covered[k] & sight.view.masks[k] & ~wanted.isnan()
        z = sight.layers.depths[k][both]
        error = ((z - wanted[both]).abs() / z).clamp(max=1)
        found[k] = error.mean() if len(error) else NOTHING_KNOWN
    return found


def judged(
    problem: Problem, unknowns: Unknowns, view: View, render: Renderer, seed: int
) -> tuple[ObjectReport, ...]:
    """What is told of each object, all measured on the layout that is returned."""
    sight = look(problem, unknowns, view, render)
    layers, overlap, error = sight.layers, mask_overlap(sight), depth_error(sight)
    deepest = penetrations(problem, unknowns.layout, seed)
    gap = torch.zeros_like(deepest)
    if problem.observation.ground is not None:
        gap = gaps(problem, unknowns, supporters_of(problem, sight))
    reports = []
    for k in range(len(problem.meshes)):
        both = layers.covered[k] & view.masks[k]
        colour = (layers.renderings[k].rgb - view.rgb).abs()[both]
        losses = {"mask": 1 - overlap[k].item()}
        if len(colour):
            losses["colour"] = colour.mean().item()
        if sight.depth is not None:
            losses["depth"] = error[k].item()
        visible = both.sum().item() / max(layers.covered[k].sum().item(), 1)
        confidence = {"visible": visible, "fit": overlap[k].item()}
        reports.append(ObjectReport(losses, confidence, deepest[k].item(), gap[k].item()))
    return tuple(reports)
