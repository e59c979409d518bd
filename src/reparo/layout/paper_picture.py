"""What the paper's method compares: two pictures as clouds of pixels, each [colour, depth, place].

Depth is min-max normalised over the pixels of objects, the far end and the background being 1, so
that a map of unknown scale and shift can be compared with the z-buffer (a disparity with 1/z).
Place is in longer sides of the picture. Colours are those in front of the paper's white.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.contracts import Renderer
from reparo.layout.paper_settings import Carriers
from reparo.layout.unknowns import depth_function
from reparo.layout.view import square_pixel_size
from reparo.render.warp import WarpedPicture, WarpedRendering
from reparo.scene import Camera, DepthKind, Problem, Scene, Similarity, pixel_centres

COLOUR, DEPTH, PLACE = slice(0, 3), slice(3, 4), slice(4, 6)
HALF = 0.5  # of a pixel covered: it is an object's


@dataclass(frozen=True)
class Target:
    """The photo's objects on the background, at the size at which pictures are compared."""

    camera: Camera
    rgb: Float[Tensor, "h w 3"]
    depth: Float[Tensor, "h w"] | None  # 0 near .. 1 far and background
    kind: DepthKind | None

    @property
    def places(self) -> Float[Tensor, "h w 2"]:
        """Of the pixels' centres."""
        size = self.camera.size
        return pixel_centres(size).to(self.rgb) / max(size)

    @property
    def points(self) -> Float[Tensor, "n 6"]:
        """The cloud; without a depth map all depths are 0."""
        depth = torch.zeros_like(self.rgb[..., 0]) if self.depth is None else self.depth
        return torch.cat([self.rgb, depth[..., None], self.places], -1).flatten(0, 1)


def target_at(problem: Problem, longest: int, background: float) -> Target:
    """The observation with its longest side at most `longest` px."""
    observation = problem.observation
    size = square_pixel_size(problem.camera.size, longest)
    objects = torch.stack([region.visible for region in observation.regions]).any(0)
    share = objects.to(observation.photo.rgb)[..., None]
    planes = torch.cat([observation.photo.rgb * share, share], -1).movedim(-1, 0)[None]
    small = interpolate(planes, size, mode="area")[0].movedim(0, -1)
    rgb = small[..., :3] + (1 - small[..., 3:]) * background
    depth = observation.depth
    if depth is None:
        return Target(problem.camera.resized(size), rgb, None, None)
    far_values = depth.values if depth.kind != "disparity" else -depth.values
    values, known = _at_centres(far_values, size), _at_centres(depth.known, size)
    inside = small[..., 3] > HALF
    filled = torch.where(known, values, values[inside & known].mean())
    normal = _normalised(filled, inside & known)
    return Target(problem.camera.resized(size), rgb, _behind(normal, small[..., 3]), depth.kind)


def _at_centres(values: Tensor, size: tuple[int, int]) -> Tensor:
    """The nearest value at each pixel's centre; the map spans the picture corner to corner."""
    centres = pixel_centres(size).to(values.device)
    columns = (centres[0, :, 0] * values.shape[1] / size[1]).long()
    rows = (centres[:, 0, 1] * values.shape[0] / size[0]).long()
    return values[rows[:, None], columns[None]]


def _normalised(values: Float[Tensor, "h w"], among: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Least among some pixels to 0, largest to 1."""
    if not among.any():
        return torch.ones_like(values)
    least, most = values[among].amin(), values[among].amax()
    return ((values - least) / (most - least).clamp(min=1e-6)).clamp(0, 1)


def _behind(depth: Float[Tensor, "h w"], coverage: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """In front of a background at 1, in the share that is covered."""
    return torch.where(coverage > 0, coverage * depth + 1 - coverage, 1.0)


@dataclass(frozen=True)
class Proxies:
    """The surface point at each pixel's centre, which from then on moves with its object."""

    pixel: Int[Tensor, " m"]  # counted row by row
    owner: Int[Tensor, " m"]
    point: Float[Tensor, "m 3"]  # object frame

    @classmethod
    @torch.no_grad()
    def seen(
        cls, problem: Problem, layout: Similarity, camera: Camera, render: Renderer
    ) -> "Proxies":
        """What the camera sees of the objects where they now stand."""
        drawn = render(Scene(problem.names, problem.meshes, layout, camera))
        index = drawn.object_index.flatten()
        pixel = (index >= 0).nonzero()[:, 0]
        owner, world = index[pixel], drawn.point.flatten(0, 1)[pixel]
        return cls(pixel, owner, _each(layout.inverse(), owner, world))

    def now(
        self, layout: Similarity, target: Target
    ) -> tuple[Float[Tensor, "n 2"], Float[Tensor, " n"]]:
        """Of all pixels: place and z of their surface points; of empty ones, their own and 0."""
        projected, z = target.camera.project(_each(layout, self.owner, self.point))
        own = target.places.flatten(0, 1)
        places = own.index_copy(0, self.pixel, projected / max(target.camera.size))
        return places, own.new_zeros(len(own)).index_copy(0, self.pixel, z)


def _each(
    layout: Similarity, owner: Int[Tensor, " m"], points: Float[Tensor, "m 3"]
) -> Float[Tensor, "m 3"]:
    """Each point by its own object's similarity."""
    own = Similarity(layout.wxyz[owner], layout.translation[owner], layout.scale[owner])
    return own.apply(points[:, None])[:, 0]


@dataclass(frozen=True)
class Sketch:
    """The layout drawn once: what follows it until it is drawn again."""

    target: Target
    picture: WarpedPicture
    proxies: Proxies
    drawn: WarpedRendering  # at the layout of drawing
    background: float

    def rgb(self, seen: WarpedRendering) -> Float[Tensor, "n 3"]:
        """Of all pixels."""
        return seen.on(self.background).flatten(0, 1)

    def points(self, layout: Similarity, gradient: Carriers) -> Float[Tensor, "n 6"]:
        """The render's cloud; what of it follows the layout is in `PaperSettings`."""
        places, z = self.proxies.now(layout, self.target)
        if gradient == "picture":
            seen = self.picture(layout)
            covered = seen.coverage > 0
            depth = self.depth(torch.where(covered, seen.depth, 1.0), seen.coverage)
            return torch.cat([self.rgb(seen), depth, places], -1)
        hit = torch.zeros_like(z).index_fill(0, self.proxies.pixel, 1.0)
        z = torch.where(hit > 0, z, 1.0).view_as(self.drawn.coverage)
        depth = self.depth(z, hit.view_as(self.drawn.coverage))
        depth = depth.detach() if gradient == "position" else depth
        return torch.cat([self.rgb(self.drawn), depth, places], -1)

    def depth(
        self, z: Float[Tensor, "h w"], coverage: Float[Tensor, "h w"]
    ) -> Float[Tensor, "n 1"]:
        """As the target's; zeros if that has none."""
        if self.target.kind is None:
            return torch.zeros_like(z).view(-1, 1)
        g = depth_function(self.target.kind, z.flatten())[0].view_as(z)
        g = -g if self.target.kind == "disparity" else g
        return _behind(_normalised(g, coverage > HALF), coverage).view(-1, 1)
