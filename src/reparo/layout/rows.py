"""Rows of the least-squares problem: what each surface point says about the layout.

A row is one number that should be zero, with its derivative with respect to where the camera sees
the point, [pixel x, pixel y, z], and to the depth map's gain and offset. Everything the picture
says (matches, outlines, depth) takes this one form, so the solver knows nothing of pictures.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from reparo.layout.unknowns import DepthModel, depth_function


@dataclass(frozen=True)
class Rows:
    """m claims about surface points."""

    owner: Int[Tensor, " m"]  # which object the point belongs to
    points: Float[Tensor, "m 3"]  # world
    slope: Float[Tensor, "m 3"]  # of the residual along [pixel x, pixel y, z]
    shared: Float[Tensor, "m 2"]  # of the residual along [gain, offset]
    residual: Float[Tensor, " m"]  # in pixels, or what amounts to them
    weight: Float[Tensor, " m"]

    @classmethod
    def join(cls, parts: "list[Rows]") -> "Rows":
        """All rows in one record."""
        names = ("owner", "points", "slope", "shared", "residual", "weight")
        return cls(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})

    def weighed_by(self, trust: Float[Tensor, " n"]) -> "Rows":
        """With each object's rows weighing so many times more."""
        return replace(self, weight=self.weight * trust[self.owner])

    def as_one(self, weight: float) -> "Rows":
        """One object's rows as a single one, at their middle: the median speaks for all."""
        return Rows(
            owner=self.owner[:1],
            points=self.points.mean(0, keepdim=True),
            slope=self.slope.mean(0, keepdim=True) * self.slope.new_tensor([0, 0, 1]),
            shared=self.shared.mean(0, keepdim=True),
            residual=self.residual.median()[None],
            weight=self.weight.new_full((1,), weight),
        )


def direction_rows(
    owner: int,
    points: Float[Tensor, "m 3"],
    direction: Float[Tensor, "m 2"],
    residual: Float[Tensor, " m"],
    weight: Float[Tensor, " m"],
) -> Rows:
    """The point should move by -residual pixels along a direction in the picture."""
    slope = torch.cat([direction, torch.zeros_like(direction[:, :1])], -1)
    owners = torch.full((len(points),), owner, dtype=torch.long, device=points.device)
    return Rows(owners, points, slope, torch.zeros_like(direction), residual, weight)


@dataclass(frozen=True)
class DepthClaim:
    """What the depth map says where some points are seen."""

    model: DepthModel
    focal: float  # px; a length at distance z spans focal / z of it
    z: Float[Tensor, " m"]  # of the points, world units
    value: Float[Tensor, " m"]  # the map's, where they are or should be
    gradient: Float[Tensor, "m 2"]  # of z over the picture, per px; 0: value moves with the point


def depth_rows(
    owner: int, points: Float[Tensor, "m 3"], claim: DepthClaim, weight: Float[Tensor, " m"]
) -> Rows:
    """The map's model at the point should give the map's value.

    The residual (gain g(z) + offset - value) / |gain g'(z)| is a length, and focal / z turns it
    into the pixels that length spans, comparable to the other rows. With a gradient, a sideways
    move slides the point along its own surface, which tells nothing (point-to-plane): the slope of
    z over the picture is taken off.
    """
    model = claim.model
    g, derivative = depth_function(model.kind, claim.z)
    unit = claim.focal / claim.z / (model.gain * derivative).abs()
    along_z = (model.gain * derivative * unit)[:, None]
    owners = torch.full((len(points),), owner, dtype=torch.long, device=points.device)
    return Rows(
        owner=owners,
        points=points,
        slope=torch.cat([-claim.gradient * along_z, along_z], -1),
        shared=torch.stack([g * unit, unit], -1),
        residual=(model.value(claim.z) - claim.value) * unit,
        weight=weight,
    )
