"""The ground as a plane through points of a depth map."""

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError


def fit_ground(
    points: Float[Tensor, "n 3"],
    tolerance: float = 0.02,
    steepest: float = 0.35,
    tries: int = 300,
    seed: int = 0,
) -> tuple[Float[Tensor, " 3"], float, float]:
    """Finds the plane n·x = offset that most of the points lie on, up being near +y.

    Points are in the camera's frame (y up in the picture, the scene at negative z); returns the
    unit normal n, with n_y > 0, the offset (minus the camera's height above the ground) and the
    share of points on the plane. `tolerance` is relative to a point's distance, as the error of a
    depth map is; `steepest` is the smallest n_y tried: 0.35 is a camera that looks 70° down.
    RANSAC over triples (Fischler and Bolles 1981), then least squares over the points found.
    """
    if len(points) < 3:
        raise InputError(f"a ground plane needs 3 points or more, got {len(points)}; give depth")
    reach = points.norm(dim=-1).clamp_min(1e-12) * tolerance
    chooser = torch.Generator().manual_seed(seed)
    triples = torch.randint(len(points), (tries, 3), generator=chooser).to(points.device)
    a, b, c = points[triples].unbind(1)
    normals = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=-1)
    normals = normals * torch.where(normals[:, 1:2] < 0, -1.0, 1.0)
    usable = normals[:, 1] >= steepest
    if not usable.any():
        raise InputError(
            "the depth map shows no plane that could be the ground; give the camera's pose instead"
        )
    normals, a = normals[usable], a[usable]
    offsets = (normals * a).sum(-1)
    close = (points @ normals.mT - offsets).abs() < reach[:, None]  # [n, planes]
    normal, offset = normals[close.sum(0).argmax()], offsets[close.sum(0).argmax()]
    for _ in range(3):
        on_plane = (points @ normal - offset).abs() < reach
        normal, offset = _least_squares(points[on_plane], reach[on_plane], normal)
    share = ((points @ normal - offset).abs() < reach).double().mean()
    return normal, float(offset), float(share)


def _least_squares(
    points: Float[Tensor, "n 3"], reach: Float[Tensor, " n"], before: Float[Tensor, " 3"]
) -> tuple[Float[Tensor, " 3"], Float[Tensor, ""]]:
    """The plane of least distances, each relative to its point's reach."""
    weight = reach.reciprocal().square()[:, None]
    centre = (points * weight).sum(0) / weight.sum()
    spread = (points - centre) * weight.sqrt()
    normal = torch.linalg.eigh(spread.mT @ spread).eigenvectors[:, 0]
    normal = normal * torch.where(normal @ before < 0, -1.0, 1.0)
    return normal, normal @ centre
