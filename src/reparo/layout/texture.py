"""What texture says: where outlines leave a turn or a shift open, the colours inside tell it.

Light changes colours smoothly, texture finely; so both pictures are first freed of what changes
smoothly. Light still casts shadows, so texture's rows weigh little: they decide what nothing else
does.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import conv2d

from reparo.layout.rows import Rows, direction_rows
from reparo.layout.solve import robust
from reparo.layout.view import Sight

TRUST = 0.01  # against an outline's weight
FINE, SMOOTH = 1.0, 6.0  # px of the two blurs between which texture lies
LEAST = 30  # pixels of which a likeness can be told
GREY = (0.299, 0.587, 0.114)  # of sRGB, Rec. 601


@dataclass(frozen=True)
class Texture:
    """Render and photo of one object, free of smooth light, the render's contrast matched."""

    window: tuple[slice, slice]  # of the picture
    inside: Bool[Tensor, "y x"]  # where both show it
    render: Float[Tensor, "y x"]
    photo: Float[Tensor, "y x"]
    likeness: float  # correlation of the two, -1..1; 0 where there is nothing to compare

    @classmethod
    def of(cls, sight: Sight, k: int) -> "Texture":
        """Of object k."""
        inside = sight.layers.covered[k] & sight.view.masks[k]
        window = box_of(inside)
        inside, grey = inside[window], sight.view.rgb.new_tensor(GREY)
        pictures = (sight.layers.renderings[k].rgb, sight.view.rgb)
        both = torch.stack([rgb[window].to(grey) @ grey for rgb in pictures])
        render, photo = fine_detail(both, inside)
        rr, pp, rp = (
            (a * b)[inside].sum().item()
            for a, b in ((render, render), (photo, photo), (render, photo))
        )
        if inside.sum() < LEAST or min(rr, pp) <= 1e-12:
            return cls(window, inside, render, photo, 0.0)
        return cls(window, inside, render * (rp / rr), photo, rp / (rr * pp) ** 0.5)


def box_of(inside: Bool[Tensor, "h w"]) -> tuple[slice, slice]:
    """The least window that holds all of it; without any, the first pixel."""
    rows, columns = inside.any(1).nonzero().flatten(), inside.any(0).nonzero().flatten()
    if not len(rows):
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def fine_detail(
    pictures: Float[Tensor, "n h w"], inside: Bool[Tensor, "h w"]
) -> Float[Tensor, "n h w"]:
    """Band between the two blurs, each over what is inside; 0 outside."""
    weight = inside.to(pictures)
    return weight * (_blurred(pictures, weight, FINE) - _blurred(pictures, weight, SMOOTH))


def _blurred(
    pictures: Float[Tensor, "n h w"], weight: Float[Tensor, "h w"], sigma: float
) -> Float[Tensor, "n h w"]:
    """Weighted mean with a Gaussian of `sigma` px (Knutsson and Westin 1993)."""
    reach = int(3 * sigma)
    kernel = torch.exp(-torch.arange(-reach, reach + 1).to(pictures).square() / (2 * sigma**2))
    stack = torch.cat([pictures * weight, weight[None]])[:, None]
    stack = conv2d(stack, kernel[None, None, None], padding=(0, reach))
    stack = conv2d(stack, kernel[None, None, :, None], padding=(reach, 0))[:, 0]
    return stack[:-1] / stack[-1].clamp(min=1e-9)


def texture_rows(sight: Sight, k: int, trust: float = TRUST) -> list[Rows]:
    """The render's texture should lie on the photo's (Lucas and Kanade 1981).

    Residual: their difference, in px by the mean steepness; slope: minus the mean of both slopes
    (second order without second derivatives: Malis 2004).
    """
    texture = Texture.of(sight, k)
    if texture.likeness <= 0:
        return []
    inside = inner(texture.inside)
    if not inside.any():
        return []
    down, right = (
        (a + b)[inside] / 2
        for a, b in zip(torch.gradient(texture.render), torch.gradient(texture.photo), strict=True)
    )
    steepness = (down.square() + right.square()).mean().sqrt().clamp(min=1e-9)
    slope = torch.stack([right, down], -1) / steepness
    residual = (texture.render - texture.photo)[inside] / steepness
    weight = robust(residual) * texture.likeness**2 * trust / len(residual)
    points = sight.layers.renderings[k].point[texture.window][inside]
    return [direction_rows(k, points, -slope.to(points), residual.to(points), weight.to(points))]


def inner(inside: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """Without the pixels at its edge, where a slope would look outside."""
    kept = torch.zeros_like(inside)
    kept[1:-1, 1:-1] = (
        inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2]
        & inside[1:-1, 2:]
    )  # fmt: skip
    return kept
