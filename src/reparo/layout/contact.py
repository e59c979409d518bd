"""How deep objects stand in one another, by winding numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.scene import Mesh, Problem, Similarity

SAMPLES = 400  # surface points of one object that are tried inside another
DRAWN = 2_000  # of which so many are drawn from the faces that reach into both boxes
MOST_FACES = 8_000  # of the other; a mesh with more is thinned
MOST_INSIDE = 16  # samples whose depth is measured
FAR = 6.0  # radii of a triangle beyond which it is as good as a point
INSIDE = 0.51  # winding number; a point on the surface has 0.5


def winding_number(
    points: Float[Tensor, "n 3"], triangles: Float[Tensor, "f 3 3"]
) -> Float[Tensor, " n"]:
    """How often the surface goes around each point: 1 inside a closed mesh, 0 outside.

    Sum of the triangles' signed solid angles over 4 pi; of those that are `FAR` away, to first
    order: area vector . direction / distance squared (Barill et al. 2018).
    """
    total = points.new_zeros(len(points))
    for part in triangles.split(max(2_000_000 // max(len(points), 1), 1)):
        total = total + _angles(points, part) / (4 * math.pi)
    return total


def _angles(points: Float[Tensor, "n 3"], triangles: Float[Tensor, "f 3 3"]) -> Float[Tensor, " n"]:
    """Solid angle of all triangles together, seen from each point."""
    middle = triangles.mean(1)
    radius = (triangles - middle[:, None]).norm(dim=-1).amax(1)
    area = (
        torch.linalg.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]) / 2
    )
    distance = torch.cdist(points, middle, compute_mode="donot_use_mm_for_euclid_dist")
    near = distance < FAR * radius
    facing = (middle * area).sum(-1) - points @ area.mT
    total = (facing / distance.clamp(min=1e-12).pow(3)).masked_fill(near, 0).sum(1)
    which, face = near.nonzero().unbind(-1)
    return total.index_add(0, which, _solid_angles(triangles[face] - points[which][:, None]))


def _solid_angles(corners: Float[Tensor, "m 3 3"]) -> Float[Tensor, " m"]:
    """Of triangles seen from the origin (van Oosterom and Strackee 1983)."""
    a, b, c = corners.unbind(1)
    la, lb, lc = a.norm(dim=-1), b.norm(dim=-1), c.norm(dim=-1)
    volume = (a * torch.linalg.cross(b, c)).sum(-1)
    below = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return 2 * torch.atan2(volume, below)


@dataclass(frozen=True)
class Overlap:
    """How object `inner` reaches into object `outer`."""

    inner: int
    outer: int
    share: float  # its deepest sample's depth, over the smaller box's diagonal
    push: Float[Tensor, "3"]  # the shortest way out for that sample, world units
    point: Float[Tensor, "3"]  # that sample, world


def penetrations(problem: Problem, layout: Similarity, seed: int) -> Float[Tensor, " n"]:
    """For each object, its deepest surface sample inside any other, over the smaller diagonal."""
    deepest = layout.scale.new_zeros(len(problem.meshes))
    for one in overlaps(problem, layout, seed):
        deepest[one.inner] = max(deepest[one.inner].item(), one.share)
    return deepest


def overlaps(problem: Problem, layout: Similarity, seed: int) -> list[Overlap]:
    """All pairs of which one reaches into the other."""
    contacts = Contacts(problem.meshes, seed)
    contacts.place(layout, range(len(problem.meshes)))
    return contacts.found


class Contacts:
    """Who reaches into whom; only pairs of which one moved are looked at again."""

    def __init__(self, meshes: Sequence[Mesh], seed: int):
        self.meshes, self.seed = meshes, seed
        self.solids: dict[int, Solid] = {}
        self.pairs: dict[tuple[int, int], Overlap] = {}

    @property
    def found(self) -> list[Overlap]:
        """All overlaps as the objects now stand."""
        return list(self.pairs.values())

    def place(self, layout: Similarity, moved: Iterable[int]) -> None:
        """Looks again at the objects that moved."""
        moved = set(moved)
        for k in moved:
            mesh = self.meshes[k]
            self.solids[k] = Solid.of(layout[k].apply(mesh.vertices)[mesh.faces], self.seed)
        for k in self.solids:
            for j in self.solids:
                if k != j and moved & {k, j}:
                    self._look(k, j)

    def _look(self, k: int, j: int) -> None:
        one, other = self.solids[k], self.solids[j]
        self.pairs.pop((k, j), None)
        found = one.way_out_of(other, self.seed)
        if found is not None:
            point, way_out = found
            share = way_out.norm().item() / max(min(one.diagonal, other.diagonal), 1e-12)
            self.pairs[k, j] = Overlap(k, j, share, way_out, point)


@dataclass(frozen=True)
class Solid:
    """A placed object, as far as contact needs it."""

    triangles: Float[Tensor, "f 3 3"]  # world
    box: Float[Tensor, "2 3"]
    samples: Float[Tensor, "m 3"]  # of its surface

    @classmethod
    def of(cls, triangles: Float[Tensor, "f 3 3"], seed: int) -> "Solid":
        """From its triangles."""
        corners = triangles.reshape(-1, 3)
        box = torch.stack([corners.amin(0), corners.amax(0)])
        return cls(triangles, box, surface_samples(triangles, SAMPLES, seed))

    @property
    def diagonal(self) -> float:
        """Of its box."""
        return (self.box[1] - self.box[0]).norm().item()

    def points_within(
        self, low: Float[Tensor, "3"], high: Float[Tensor, "3"], seed: int
    ) -> Float[Tensor, "n 3"]:
        """Up to `SAMPLES` points of the part of its surface in a box, corners of faces included."""
        lows, highs = self.triangles.amin(1), self.triangles.amax(1)
        part = self.triangles[((lows <= high) & (highs >= low)).all(-1)]
        corners = part.reshape(-1, 3)
        points = torch.cat(
            [surface_samples(part, DRAWN, seed), corners[:: len(corners) // SAMPLES + 1]]
        )
        points = points[((points >= low) & (points <= high)).all(-1)]
        return points[:: len(points) // SAMPLES + 1]

    def way_out_of(
        self, other: "Solid", seed: int
    ) -> tuple[Float[Tensor, "3"], Float[Tensor, "3"]] | None:
        """Its deepest sample inside `other` and the way to that one's surface, if any is inside.

        The distance's gradient points away from the nearest surface point.
        """
        low = torch.maximum(self.box[0], other.box[0])
        high = torch.minimum(self.box[1], other.box[1])
        near = self.points_within(low, high, seed) if (low <= high).all() else self.samples[:0]
        if not len(near):
            return None
        few = len(other.triangles) <= MOST_FACES
        closed = other.triangles if few else simplified(other.triangles, seed)
        inside = near[winding_number(near, closed) > INSIDE]
        if not len(inside):
            return None
        roughly = torch.cdist(inside, other.samples).amin(1)
        inside = inside[roughly.argsort(descending=True)[:MOST_INSIDE]]
        with torch.enable_grad():
            points = inside.detach().requires_grad_()
            distance = distance_to_surface(points, other.triangles)
            (gradient,) = torch.autograd.grad(distance.sum(), points)
        deepest = distance.argmax()
        return inside[deepest], (-distance[deepest] * gradient[deepest]).detach()


def distance_to_surface(
    points: Float[Tensor, "n 3"], triangles: Float[Tensor, "f 3 3"]
) -> Float[Tensor, " n"]:
    """Distance of each point to the nearest triangle: to its plane where its foot is inside the
    triangle, else to the nearest of its three edges."""
    nearest = points.new_full((len(points),), math.inf)
    for part in triangles.split(max(1_000_000 // max(len(points), 1), 1)):
        a, b, c = part.unbind(1)
        normal = torch.linalg.cross(b - a, c - a)  # [f, 3]
        beside = torch.zeros(len(points), len(part), dtype=torch.bool, device=points.device)
        for start, end in ((a, b), (b, c), (c, a)):
            away, along = points[:, None] - start, end - start
            share = (away * along).sum(-1) / along.square().sum(-1).clamp(min=1e-30)
            gap = (away - share.clamp(0, 1)[..., None] * along).norm(dim=-1)
            nearest = torch.minimum(nearest, gap.amin(1))
            beside |= (torch.linalg.cross(along, normal) * away).sum(-1) > 0
        height = ((points[:, None] - a) * normal).sum(-1).abs()
        height = height / normal.norm(dim=-1).clamp(min=1e-30)
        nearest = torch.minimum(nearest, height.masked_fill(beside, math.inf).amin(1))
    return nearest


def surface_samples(
    triangles: Float[Tensor, "f 3 3"], count: int, seed: int
) -> Float[Tensor, "n 3"]:
    """Points spread evenly over a surface; the same for the same seed."""
    edges = triangles[:, 1:] - triangles[:, :1]
    area = torch.linalg.cross(edges[:, 0], edges[:, 1]).norm(dim=-1)
    if not area.sum() > 0:
        return triangles[:0, 0]
    generator = torch.Generator(triangles.device).manual_seed(seed)
    chosen = torch.multinomial(area.float(), count, replacement=True, generator=generator)
    u = torch.rand(count, 2, generator=generator, dtype=triangles.dtype, device=triangles.device)
    root = u[:, :1].sqrt()  # uniform over a triangle (Turk 1990)
    weights = torch.cat([1 - root, root * (1 - u[:, 1:]), root * u[:, 1:]], -1)
    return (weights[:, :, None] * triangles[chosen]).sum(1)


def simplified(triangles: Float[Tensor, "f 3 3"], seed: int) -> Float[Tensor, "g 3 3"]:
    """Fewer triangles standing for all: each of a sample grown so that the area stays.

    The winding number is then an estimate, good enough for deep or not deep.
    """
    generator = torch.Generator(triangles.device).manual_seed(seed)
    keep = torch.randperm(len(triangles), generator=generator, device=triangles.device)[:MOST_FACES]
    part = triangles[keep]
    middle = part.mean(1, keepdim=True)
    return middle + (part - middle) * math.sqrt(len(triangles) / len(part))
