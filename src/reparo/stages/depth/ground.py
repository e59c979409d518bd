"""Depth from where things stand: a stand-in for a depth network, by geometry alone.

What touches the ground at a pixel is as far away as the ground there. Every object is taken for a
screen that stands upright on the ground at its lowest point and faces the camera. That is right for
the order and rough distance of things on a floor, and wrong for what hangs, or lies on a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.scene import Camera, Depth, Photo, Region, pixel_centres

CUT_OFF_SHARE = 0.15  # of its visible height: how far an object cut by the picture's lower edge
# is taken to go on below it
HIDDEN_SHARE = 0.2  # of the way from the ground at the lowest pixel of an object whose foot is
# hidden to what hides it: where the object is taken to stand
FOOT_SHARE = 0.03  # of its visible height: an object's lowest rows, where it stands


@dataclass(frozen=True)
class Foot:
    """Where an object stands in the picture."""

    column: float  # px
    row: float  # px; may lie below the picture
    behind: tuple[int, ...]  # indices of regions that hide the real foot


@dataclass(frozen=True)
class GroundDepth:
    """z of the ground y = 0, with each object as an upright screen; kind `scale`.

    Pixels that see neither an object nor the ground within reach are unknown.
    """

    reach: float = 20.0  # heights of the camera; ground further away is not known

    def __call__(self, photo: Photo, camera: Camera, regions: Sequence[Region]) -> Depth:
        """Needs the camera's pose above the ground; looks at no colour of the photo."""
        height = float(camera.world_from_camera.translation[1])
        if height <= 0:
            raise InputError(
                "depth from the ground needs a camera above it, at y > 0; "
                f"got y = {height:g}; lift the camera or give a depth file"
            )
        camera = camera.resized(photo.size)
        farthest = self.reach * height
        rays = _rays(camera, pixel_centres(photo.size).to(photo.rgb))
        z = _ground_distance(rays, height)
        known = z < farthest
        feet = [_foot(index, regions) for index in range(len(regions))]
        distances = _foot_distances(feet, camera, farthest)
        for region, foot, distance in zip(regions, feet, distances, strict=True):
            z = torch.where(region.visible, _screen(rays, camera, foot, distance), z)
            known = known | region.visible
        if not known.any():  # nothing but sky: one wall, so that there is an answer
            z, known = torch.full_like(z, farthest), torch.ones_like(known)
        return Depth(torch.where(known, z, 0), known, "scale")


def _rays(camera: Camera, pixels: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
    """World directions through pixels, as long as to have z = 1 along the camera's axis."""
    ahead = camera.unproject(pixels, torch.ones_like(pixels[..., 0]))
    return ahead - camera.world_from_camera.translation.to(pixels)


def _ground_distance(rays: Float[Tensor, "*batch 3"], height: float) -> Float[Tensor, "*batch"]:
    """z at which each ray meets y = 0; inf for rays that go up."""
    down = -rays[..., 1]
    return torch.where(down > 0, height / down.clamp_min(1e-12), torch.inf)


def _foot(index: int, regions: Sequence[Region]) -> Foot:
    """The lowest point that shows, or below it where the picture's edge cuts the object."""
    visible = regions[index].visible
    height = visible.shape[0]
    rows, columns = visible.nonzero().unbind(-1)
    # a few stray pixels do not count
    lowest = float(torch.quantile(rows.double(), 1 - 1e-3))
    tall = float(lowest - rows.min() + 1)
    standing = rows >= lowest - max(1.0, FOOT_SHARE * tall)
    column = float(columns[standing].double().mean()) + 0.5
    if lowest >= height - 2:
        return Foot(column, height + CUT_OFF_SHARE * tall, ())
    below = (rows[standing] + 2).clamp(max=height - 1)
    hiders = [
        other
        for other in range(len(regions))
        if other != index and regions[other].visible[below, columns[standing]].double().mean() > 0.3
    ]
    return Foot(column, lowest + 1, tuple(hiders))


def _foot_distances(feet: list[Foot], camera: Camera, farthest: float) -> list[float]:
    """z of each foot; a hidden one is between the ground at what shows and what hides it."""
    pixels = torch.tensor([[foot.column, foot.row] for foot in feet]).reshape(-1, 2)
    height = float(camera.world_from_camera.translation[1])
    shown = _ground_distance(_rays(camera, pixels), height).clamp(max=farthest).tolist()
    distances = list(shown)
    # nearest first, so that what hides has its own distance by then
    for index in sorted(range(len(feet)), key=lambda number: shown[number]):
        for hider in feet[index].behind:
            if distances[hider] < distances[index]:
                step = distances[hider] / distances[index]
                distances[index] *= step**HIDDEN_SHARE
    return distances


def _screen(
    rays: Float[Tensor, "h w 3"], camera: Camera, foot: Foot, distance: float
) -> Float[Tensor, "h w"]:
    """z of the upright plane through the foot that faces the camera."""
    ahead = camera.world_from_camera.rotate(rays.new_tensor([[0.0, 0.0, -1.0]]))[0]
    normal = ahead * rays.new_tensor([1.0, 0.0, 1.0])  # level
    along = rays @ normal
    column_row = rays.new_tensor([foot.column, foot.row])
    at_foot = (_rays(camera, column_row) @ normal) * distance
    return at_foot / along.clamp_min(1e-3 * float(normal.norm()))
