"""How deep objects stand in one another, by winding numbers."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.scene import Problem, Similarity

SAMPLES = 400  # surface points of one object that are tried inside another
MOST_FACES = 20_000  # of the other; a mesh with more is thinned
MOST_INSIDE = 64  # samples whose depth is measured
INSIDE = 0.51  # winding number; a point on the surface has 0.5


def winding_number(
    points: Float[Tensor, "n 3"], triangles: Float[Tensor, "f 3 3"]
) -> Float[Tensor, " n"]:
    """How often the surface goes around each point: 1 inside a closed mesh, 0 outside.

    Sum of the triangles' signed solid angles over 4 pi (van Oosterom and Strackee 1983).
    """
    total = points.new_zeros(len(points))
    for part in triangles.split(max(2_000_000 // max(len(points), 1), 1)):
        a, b, c = (part[None] - points[:, None, None]).unbind(2)  # each [n, f, 3]
        la, lb, lc = a.norm(dim=-1), b.norm(dim=-1), c.norm(dim=-1)
        volume = (a * torch.linalg.cross(b, c)).sum(-1)
        below = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
        total = total + torch.atan2(volume, below).sum(1) / (2 * math.pi)
    return total


def penetrations(problem: Problem, layout: Similarity, seed: int) -> Float[Tensor, " n"]:
    """For each object, its deepest surface sample inside any other, over the smaller diagonal."""
    worlds = [layout[k].apply(mesh.vertices) for k, mesh in enumerate(problem.meshes)]
    boxes = [torch.stack([world.amin(0), world.amax(0)]) for world in worlds]
    triangles = [world[mesh.faces] for world, mesh in zip(worlds, problem.meshes, strict=True)]
    samples = [surface_samples(part, SAMPLES, seed) for part in triangles]
    deepest = layout.scale.new_zeros(len(worlds))
    for k in range(len(worlds)):
        for j in range(len(worlds)):
            both = torch.stack(
                [
                    torch.maximum(boxes[k][0], boxes[j][0]),
                    torch.minimum(boxes[k][1], boxes[j][1]),
                ]
            )
            if k == j or (both[0] > both[1]).any():
                continue
            near = samples[k][_in_box(samples[k], both)]
            smaller = min((box[1] - box[0]).norm().item() for box in (boxes[k], boxes[j]))
            depth = _deepest(near, triangles[j], seed) / max(smaller, 1e-12)
            deepest[k] = max(deepest[k].item(), depth)
    return deepest


def _in_box(points: Float[Tensor, "n 3"], box: Float[Tensor, "2 3"]) -> Bool[Tensor, " n"]:
    return ((points >= box[0]) & (points <= box[1])).all(-1)


def _deepest(points: Float[Tensor, "n 3"], triangles: Float[Tensor, "f 3 3"], seed: int) -> float:
    """Largest distance to the surface among the points inside; 0 if none is."""
    if not len(points):
        return 0.0
    solid = triangles if len(triangles) <= MOST_FACES else simplified(triangles, seed)
    inside = points[winding_number(points, solid) > INSIDE]
    if not len(inside):
        return 0.0
    return distance_to_surface(inside[:MOST_INSIDE], triangles).max().item()


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
