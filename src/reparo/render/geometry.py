"""Triangles before the camera: cut at the near plane, projected, met by the rays of pixels."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reparo.scene import Camera


def in_front(
    corners: Float[Tensor, "f 3 3"], near: float
) -> tuple[Float[Tensor, "t 3 3"], Int[Tensor, " t"]]:
    """Cuts off all that is nearer than `near`; returns triangles and the face each came from.

    `corners` are in the camera's frame, which looks along -z. What is left of a face with one
    corner behind the plane is a quadrangle: two triangles.
    """
    ahead = corners[..., 2] < -near
    count = ahead.sum(1)
    whole, one, two = ((count == n).nonzero()[:, 0] for n in (3, 1, 2))
    if len(whole) == len(corners):
        return corners, whole
    a, b, c = _turned(corners[one], ahead[one]).unbind(1)
    tip = torch.stack([a, _cut(b, a, near), _cut(c, a, near)], 1)
    a, b, c = _turned(corners[two], ~ahead[two]).unbind(1)
    ab, ac = _cut(a, b, near), _cut(a, c, near)
    quadrangle = [torch.stack([ab, b, c], 1), torch.stack([ab, c, ac], 1)]
    return torch.cat([corners[whole], tip, *quadrangle]), torch.cat([whole, one, two, two])


def _turned(corners: Float[Tensor, "n 3 3"], first: Bool[Tensor, "n 3"]) -> Float[Tensor, "n 3 3"]:
    """The same triangles, the one corner that is `first` put first."""
    order = first.to(torch.int64).argmax(1)[:, None] + torch.arange(3, device=corners.device)
    return corners.gather(1, (order % 3)[..., None].expand(-1, -1, 3))


def _cut(
    behind: Float[Tensor, "n 3"], ahead: Float[Tensor, "n 3"], near: float
) -> Float[Tensor, "n 3"]:
    """Where the edge meets the near plane; always from behind, so that neighbours agree."""
    share = (-near - behind[:, 2]) / (ahead[:, 2] - behind[:, 2])
    met = behind + share[:, None] * (ahead - behind)
    return torch.cat([met[:, :2], torch.full_like(met[:, 2:], -near)], 1)


def projected(corners: Float[Tensor, "t 3 3"], camera: Camera) -> Float[Tensor, "t 3 3"]:
    """From the camera's frame to x and y in pixels and z along its axis."""
    z = -corners[..., 2]
    scale = camera.focal / z
    x = camera.size[1] / 2 + scale * corners[..., 0]
    y = camera.size[0] / 2 - scale * corners[..., 1]
    return torch.stack([x, y, z], -1)


def rays(pixel: Int[Tensor, " n"], camera: Camera, like: Tensor) -> Float[Tensor, "n 3"]:
    """Directions, in the camera's frame and with z = -1, through centres of pixels.

    Pixels are counted row by row. Dtype and device are those of `like`.
    """
    height, width = camera.size
    row = torch.div(pixel, width, rounding_mode="floor")
    x = ((pixel - row * width).to(like) + 0.5 - width / 2) / camera.focal
    y = (height / 2 - 0.5 - row.to(like)) / camera.focal
    return torch.stack([x, y, -torch.ones_like(x)], -1)


def barycentrics(
    corners: Float[Tensor, "n 3 3"], directions: Float[Tensor, "n 3"]
) -> Float[Tensor, "n 3"]:
    """Weights of the corners, each 0..1 and 1 in sum, where rays from the origin meet triangles.

    Möller and Trumbore 1997: being about edges, not corners, it loses little in single precision;
    and corners may lie behind the camera. A ray that just misses gets the nearest weights.
    """
    a, b, c = corners.unbind(1)
    ab, ac = b - a, c - a
    across = torch.linalg.cross(directions, ac)
    volume = (ab * across).sum(-1)
    volume = torch.where(volume == 0, 1, volume)  # edge-on: any point of it will do
    of_b = -(a * across).sum(-1) / volume
    of_c = -(directions * torch.linalg.cross(a, ab)).sum(-1) / volume
    weights = torch.stack([1 - of_b - of_c, of_b, of_c], -1).nan_to_num(1 / 3).clamp(0, 1)
    return weights / weights.sum(-1, keepdim=True)
