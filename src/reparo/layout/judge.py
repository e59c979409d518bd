"""How good a layout is: what the solver compares rounds by, and what the user is told."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.contracts import Renderer
from reparo.layout.certainty import Certainty, certainty
from reparo.layout.contact import penetrations
from reparo.layout.match import DEPTH_TRUST
from reparo.layout.settings import AlignSettings
from reparo.layout.settle import gaps
from reparo.layout.support import supporters_of
from reparo.layout.unknowns import Unknowns
from reparo.layout.view import Sight, View, look, mask_overlap
from reparo.scene import ObjectReport, Problem

TOLERABLE = 0.1  # relative error at which confidence has fallen to 1/e
FOUND = 0.3  # of mask and render together that both must cover
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
    problem: Problem, unknowns: Unknowns, view: View, render: Renderer, settings: AlignSettings
) -> tuple[ObjectReport, ...]:
    """What is told of each object, all measured on the layout that is returned."""
    sight = look(problem, unknowns, view, render)
    deepest = penetrations(problem, unknowns.layout, settings.seed)
    gap = torch.zeros_like(deepest)
    if problem.observation.ground is not None:
        gap = gaps(problem, unknowns, supporters_of(problem, sight))
    told = Told(sight, certainty(problem, sight, settings.free))
    return tuple(
        ObjectReport(told.losses(k), told.confidence(k), deepest[k].item(), gap[k].item())
        for k in range(len(problem.meshes))
    )


def doubts(problem: Problem, reports: tuple[ObjectReport, ...]) -> tuple[str, ...]:
    """A sentence on each object that was not found again in the picture."""
    fits = zip(problem.names, (report.confidence["fit"] for report in reports), strict=True)
    return tuple(
        f"{name} was not found: its mask and what it covers have {fit:.0%} in common; check its "
        "mesh, its mask and what is free"
        for name, fit in fits
        if fit < FOUND
    )


@dataclass(frozen=True)
class Told:
    """What the picture says of each object."""

    sight: Sight
    sure: Certainty

    @cached_property
    def overlap(self) -> list[float]:
        """Of layer and mask."""
        return mask_overlap(self.sight).tolist()

    @cached_property
    def depth(self) -> list[float]:
        """Relative errors."""
        return depth_error(self.sight).tolist()

    def losses(self, k: int) -> dict[str, float]:
        """Each term of object k, unweighted; what can't be measured is left out."""
        sight = self.sight
        both = sight.layers.covered[k] & sight.view.masks[k]
        losses = {"mask": 1 - self.overlap[k]}
        if not self.sure.outline[k].isnan():
            losses["outline"] = self.sure.outline[k].item()
        if both.any():
            seen, shown = sight.layers.renderings[k].rgb[both], sight.view.rgb[both]
            losses["colour"] = (seen - shown).abs().mean().item()
        if sight.depth is not None:
            losses["depth"] = self.depth[k]
        return losses

    def confidence(self, k: int) -> dict[str, float]:
        """How much of object k shows, how it fits, how well distance and scale are determined."""
        covered = self.sight.layers.covered[k]
        shown = (covered & self.sight.view.masks[k]).sum() / covered.sum().clamp(min=1)
        return {
            "visible": shown.item(),
            "fit": self.overlap[k],
            "distance": math.exp(-self.sure.distance[k].item() / TOLERABLE),
            "scale": math.exp(-self.sure.scale[k].item() / TOLERABLE),
        }
