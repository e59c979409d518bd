"""What each object stands on: the common plane, or another object.

In the picture, the foot of what stands on top of another object is surrounded by that object's
mask, and nothing hides it. What stands behind has its foot hidden by it instead; what stands before
it on the same plane has its foot lower in the picture than the other's.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.layout.contact import surface_samples
from reparo.layout.unknowns import Unknowns
from reparo.layout.view import Sight, hidden
from reparo.scene import Problem

FOOT = 0.2  # of a mask's height that counts as its foot
ON_TOP = 0.5  # of the pixels under the foot that must show the other object
STILL_WHOLE = 0.05  # of an object's layer may be hidden by what it stands on
SURE_DROP = 0.05  # of a foot below the eye, per distance; what is higher grazes the plane or hangs
SURFACE_POINTS = 3000  # by which a supporter is felt
CELLS = 4  # a side, of a sole's plan
SOLE = 0.05  # of an object's height, from its lowest point, that may touch what is below

Supporters = tuple[int | None, ...]
"""By object: the index of what it stands on; None: the ground."""


@dataclass(frozen=True)
class Footing:
    """Where the objects' lowest points are, and where they should be."""

    feet: Float[Tensor, "n 3"]  # world
    below: Float[Tensor, " n"]  # height of what each stands on
    falls: Bool[Tensor, " n"]  # whether the foot is seen from above, so that it can meet a plane


def lowest_points(problem: Problem, unknowns: Unknowns) -> Float[Tensor, "n 3"]:
    """Each object's lowest vertex, world."""
    found = []
    for k, mesh in enumerate(problem.meshes):
        world = unknowns.layout[k].apply(mesh.vertices)
        found.append(world[world[:, 1].argmin()])
    return torch.stack(found)


def footing(problem: Problem, unknowns: Unknowns, supporters: Supporters) -> Footing:
    """The feet, and the ground's height or the supporter's top under each."""
    below = [
        unknowns.ground if j is None else top_under(problem, unknowns, k, j)
        for k, j in enumerate(supporters)
    ]
    feet = lowest_points(problem, unknowns)
    seen = feet - problem.camera.world_from_camera.translation
    return Footing(feet, feet.new_tensor(below), -seen[:, 1] > SURE_DROP * seen.norm(dim=-1))


def top_under(
    problem: Problem, unknowns: Unknowns, k: int, j: int, elsewhere: float | None = None
) -> float:
    """Height of object j's surface under object k's sole; if it is elsewhere, what is said for
    that, or its highest point.

    The sole's plan is cut into cells, and the median of the highest points per cell taken: what
    rises at the side (a chair's back) does not count.
    """
    upper = unknowns.layout[k].apply(problem.meshes[k].vertices)
    mesh = problem.meshes[j]
    lower = unknowns.layout[j].apply(mesh.vertices)
    low, high = upper[:, 1].min(), upper[:, 1].max()
    sole = upper[upper[:, 1] <= low + SOLE * (high - low)][:, [0, 2]]
    points = surface_samples(lower[mesh.faces], SURFACE_POINTS, seed=0)
    corner, extent = sole.amin(0), (sole.amax(0) - sole.amin(0)).clamp(min=1e-9)
    cell = ((points[:, [0, 2]] - corner) / extent * CELLS).floor()
    under = ((cell >= 0) & (cell < CELLS)).all(-1)
    if not under.any():
        return lower[:, 1].max().item() if elsewhere is None else elsewhere
    index = (cell[under, 0] * CELLS + cell[under, 1]).long()
    tops = points.new_full((CELLS**2,), -torch.inf)
    tops = tops.scatter_reduce(0, index, points[under, 1], "amax")
    return tops[tops.isfinite()].median().item()


def supporters_of(problem: Problem, sight: Sight) -> Supporters:
    """As the scene says: all on the plane, or as the picture shows."""
    if problem.observation.ground == "supported":
        return supporters_seen(sight)
    return (None,) * len(problem.meshes)


def supporters_seen(sight: Sight) -> Supporters:
    """Who stands on whom, by the masks; nobody on something that stands on himself."""
    masks = sight.view.masks
    covered_up = hidden(sight)
    found: list[int | None] = []
    for k in range(len(masks)):
        under = _under_foot(masks[k])
        share = (masks & under).flatten(1).sum(1) / under.sum().clamp(min=1)
        share[k] = 0
        j = int(share.argmax())
        layer = sight.layers.covered[k]
        lost = (covered_up[k] & masks[j] & layer).sum() / layer.sum().clamp(min=1)
        on_top = share[j] >= ON_TOP and lost <= STILL_WHOLE
        found.append(j if on_top and (j >= k or found[j] != k) else None)
    return tuple(found)


def _under_foot(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The pixels just below the lowest ones of the mask's foot, column by column."""
    rows = mask.any(1).nonzero().flatten()
    under = torch.zeros_like(mask)
    if not len(rows):
        return under
    height = len(mask)
    lowest = height - 1 - mask.flip(0).to(torch.uint8).argmax(0)  # per column
    limit = int(rows[-1]) - FOOT * (int(rows[-1]) - int(rows[0]) + 1)
    columns = (mask.any(0) & (lowest >= limit)).nonzero().flatten()
    beneath = (lowest[columns] + 2).clamp(max=height - 1)
    under[beneath, columns] = True
    return under & ~mask
