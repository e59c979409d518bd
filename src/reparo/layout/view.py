"""What is observed, at the resolution one works at, and what the current layout shows there."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.contracts import Renderer
from reparo.layout.unknowns import DepthModel, Unknowns
from reparo.scene import Camera, Depth, Problem, Rendering


@dataclass(frozen=True)
class View:
    """The photo, the masks and the depth map at one size."""

    camera: Camera
    rgb: Float[Tensor, "h w 3"]
    masks: Bool[Tensor, "n h w"]
    depth: Float[Tensor, "h w"]  # the map's values; nan where unknown or absent

    @cached_property
    def others(self) -> Bool[Tensor, "n h w"]:
        """Where some other object shows."""
        taken = self.masks.sum(0)
        return (taken[None] - self.masks.to(taken.dtype)) > 0


def view_at(problem: Problem, longest: int) -> View:
    """The observation with its longest side at most `longest` px."""
    camera = problem.camera
    size = square_pixel_size(camera.size, longest)
    observation = problem.observation
    rgb = observation.photo.rgb.permute(2, 0, 1)[None]
    masks = torch.stack([region.visible for region in observation.regions])
    return View(
        camera.resized(size),
        interpolate(rgb, size, mode="area")[0].permute(1, 2, 0),
        _small_masks(masks, size),
        _sampled_depth(observation.depth, size),
    )


def square_pixel_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """A size of nearly the same shape, its longest side at most and nearly `longest`.

    Of the sizes within a tenth, the one whose rounded sides distort the picture least.
    """
    if max(size) <= longest:
        return size
    short = min(size) / max(size)
    sides = range(longest, max(longest * 9 // 10, 1) - 1, -1)
    best = min(sides, key=lambda side: abs(max(round(side * short), 1) - side * short) / side)
    other = max(round(best * short), 1)
    return (best, other) if size[0] >= size[1] else (other, best)


def _small_masks(masks: Bool[Tensor, "n h w"], size: tuple[int, int]) -> Bool[Tensor, "n y x"]:
    """A pixel is inside if half of it is; a mask too small for that keeps what it touches."""
    if masks.shape[1:] == size:
        return masks
    share = interpolate(masks[None].float(), size, mode="area")[0]
    inside = share >= 0.5
    lost = ~inside.flatten(1).any(1)
    inside[lost] = share[lost] > 0
    return inside


def _sampled_depth(depth: Depth | None, size: tuple[int, int]) -> Float[Tensor, "y x"]:
    """The map's value at each pixel's centre; it spans the picture corner to corner."""
    if depth is None:
        return torch.full(size, float("nan"))
    values = torch.where(depth.known, depth.values, torch.nan)
    if values.shape == size:
        return values
    rows = ((torch.arange(size[0]) + 0.5) * values.shape[0] / size[0]).long()
    columns = ((torch.arange(size[1]) + 0.5) * values.shape[1] / size[1]).long()
    nearest = values[rows[:, None], columns[None]]
    smooth = interpolate(values[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    return torch.where(smooth.isnan(), nearest, smooth)  # unknown neighbours spread no further


@dataclass(frozen=True)
class Layers:
    """Each object alone and whole, where it now stands."""

    renderings: list[Rendering]

    @cached_property
    def covered(self) -> Bool[Tensor, "n h w"]:
        """Where each object would show if it stood alone."""
        return torch.stack([layer.coverage > 0.5 for layer in self.renderings])

    @cached_property
    def depths(self) -> Float[Tensor, "n h w"]:
        """z of each object; inf where it is not."""
        return torch.stack([layer.depth for layer in self.renderings])


@dataclass(frozen=True)
class Sight:
    """One round's state: what is observed, the layout so far, and what it looks like."""

    view: View
    unknowns: Unknowns
    layers: Layers
    depth: DepthModel | None  # as now understood; none: there is no map

    @property
    def distance(self) -> Float[Tensor, "h w"]:
        """z by the depth map, world units; nan where unknown."""
        if self.depth is None:
            return torch.full_like(self.view.depth, torch.nan)
        return self.depth.distance(self.view.depth)


@torch.no_grad()
def look(problem: Problem, unknowns: Unknowns, view: View, render: Renderer) -> Sight:
    """Draws each object alone in the view's camera."""
    layers = Layers(render.layers(problem.meshes, unknowns.layout, view.camera))
    depth = problem.observation.depth
    model = None if depth is None else DepthModel(depth.kind, unknowns.gain, unknowns.offset)
    return Sight(view, unknowns, layers, model)


def hidden(sight: Sight) -> Bool[Tensor, "n h w"]:
    """Where each object is hidden by another that the picture shows in front of it.

    Of two objects whose layers overlap, the one that the masks show there more often is in front.
    """
    masks, covered = sight.view.masks, sight.layers.covered
    flat, own = (part.flatten(1).to(sight.layers.depths) for part in (covered, covered & masks))
    wins = own @ flat.mT  # [k, j]: pixels at which both would show and k does
    in_front = wins.mT > wins  # [k, j]: j is in front of k
    return torch.stack([masks[row].any(0) for row in in_front])


def mask_overlap(sight: Sight) -> Float[Tensor, " n"]:
    """Intersection over union of layer and mask, where no other object shows."""
    view, layers = sight.view, sight.layers
    seen = layers.covered & ~view.others
    masks = view.masks & ~view.others
    return intersection_over_union(seen, masks)


def intersection_over_union(
    one: Bool[Tensor, "n h w"], other: Bool[Tensor, "n h w"]
) -> Float[Tensor, " n"]:
    """Pixels in both over pixels in either; 0 where both are empty."""
    both = (one & other).flatten(1).count_nonzero(1)
    either = (one | other).flatten(1).count_nonzero(1)
    return both / either.clamp(min=1)
