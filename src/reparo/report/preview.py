"""The first thing to look at: photo, re-rendered scene and their difference, side by side."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.report.pictures import backdrop, fitted, panels, to_image
from reparo.scene import Photo, Rendering

SMALLEST, LARGEST = 320, 640  # height of a panel, px


def write_preview(path: Path, photo: Photo, rendering: Rendering) -> None:
    """Writes photo | render | difference; the rendering has the photo's size."""
    height = min(max(photo.size[0], SMALLEST), LARGEST)
    pictures = (photo.rgb, over_backdrop(rendering), difference(photo, rendering))
    images = [fitted(to_image(picture), height) for picture in pictures]
    panels(images, ("photo", "render", "difference")).save(path)


def over_backdrop(rendering: Rendering) -> Float[Tensor, "h w 3"]:
    """The rendering on a light backdrop."""
    height, width = rendering.coverage.shape
    behind = backdrop((height, width)).to(rendering.rgb)
    return rendering.rgb + (1 - rendering.coverage[..., None]) * behind


def difference(photo: Photo, rendering: Rendering) -> Float[Tensor, "h w 3"]:
    """How far colours are from the photo's where objects were rendered; else the photo, pale.

    White is no difference; orange to deep red is a mean difference of up to 0.5 a channel.
    """
    apart = (photo.rgb - rendering.rgb).abs().mean(-1).div(0.5).clamp(0, 1)[..., None]
    stops = torch.tensor(
        [[1.0, 1.0, 1.0], [0.99, 0.73, 0.42], [0.86, 0.27, 0.18], [0.36, 0.02, 0.10]]
    )
    stops = stops.to(apart)
    place = apart * (len(stops) - 1)
    index = place[..., 0].floor().long().clamp(max=len(stops) - 2)
    heat = stops[index] + (place - index[..., None]) * (stops[index + 1] - stops[index])
    grey = photo.rgb.mean(-1, keepdim=True).expand_as(photo.rgb)
    cover = rendering.coverage[..., None]
    return cover * heat + (1 - cover) * (0.8 + 0.2 * grey)
