"""From what single rays meet to a picture."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from reparo.render.visibility import NearestKeys
from reparo.scene import Camera, Rendering


@dataclass(frozen=True)
class Hits:
    """What the rays of one picture meet, in any order; one ray a sample."""

    sample: Int[Tensor, " n"]  # counted row by row in the picture that has a pixel per sample
    rgb: Float[Tensor, "n 3"]  # sRGB 0..1
    point: Float[Tensor, "n 3"]  # world units
    object_index: Int[Tensor, " n"]

    @classmethod
    def joined(cls, parts: "list[Hits]", like: Tensor) -> "Hits":
        """All of several; of none: empty, with the dtype and device of `like`."""
        nothing = torch.zeros(0, dtype=torch.int64, device=like.device)
        parts = [cls(nothing, like.new_zeros(0, 3), like.new_zeros(0, 3), nothing), *parts]
        return cls(
            torch.cat([part.sample for part in parts]),
            torch.cat([part.rgb for part in parts]),
            torch.cat([part.point for part in parts]),
            torch.cat([part.object_index for part in parts]),
        )


def averaged(hits: Hits, camera: Camera, samples: int) -> Rendering:
    """The picture of a camera, each of its pixels made of `samples` x `samples` rays.

    Colour and coverage are means; depth, object index and point are those of the nearest hit.
    """
    height, width = camera.size
    row = torch.div(hits.sample, width * samples, rounding_mode="floor")
    column = hits.sample - row * width * samples
    pixel = (
        torch.div(row, samples, rounding_mode="floor") * width
        + torch.div(column, samples, rounding_mode="floor")
    )  # fmt: skip
    depth = -camera.camera_from_world.apply(hits.point)[:, 2]
    covered, chosen = pixel, torch.arange(len(pixel), device=pixel.device)
    if samples > 1:  # of one ray a pixel, every hit is the nearest
        nearest = NearestKeys(height * width, pixel.device)
        nearest.put(pixel, depth.detach(), chosen)
        covered = (nearest.index >= 0).nonzero()[:, 0]
        chosen = nearest.index[covered]

    def mean(values: Tensor) -> Tensor:
        total = values.new_zeros(height * width, *values.shape[1:]).index_add(0, pixel, values)
        return (total / samples**2).unflatten(0, (height, width))

    def of_nearest(values: Tensor, empty: float) -> Tensor:
        blank = values.new_full((height * width, *values.shape[1:]), empty)
        return blank.index_copy(0, covered, values[chosen]).unflatten(0, (height, width))

    return Rendering(
        rgb=mean(hits.rgb),
        coverage=mean(torch.ones_like(depth)),
        depth=of_nearest(depth, float("inf")),
        object_index=of_nearest(hits.object_index, -1.0),
        point=of_nearest(hits.point, 0.0),
    )
