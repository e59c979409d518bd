"""A picture that follows the pose: layers drawn once, then warped as their own surfaces move.

Drawing decides what each sample sees, which has no gradient at outlines. Here each object is drawn
alone at a known layout; at any layout near it, every sample asks where its own surface point went
(a flow), and fetches from the layer what that flow brings. To first order the fetched picture is
the one that would be drawn: f_new(p) = f(p - flow(p)), outlines and occlusions included, since
an outline moves as the mesh's contour does. Samples at an outline and outside take the flow of the
nearest point of the contour. Warping and compositing are done sample by sample, before averaging.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, max_pool2d

from reparo.contracts import Renderer
from reparo.render.contour import contour_points
from reparo.scene import Camera, Mesh, Rendering, Similarity, pixel_centres

MARGIN = 2  # px drawn around the picture, so that what comes in over its edge is there
STEEPEST = 6.0  # samples of depth per sample, beyond which it is a jump and not a slope
AT_OUTLINE = 2.0  # samples from a contour within which the contour's motion counts
OFF_CENTRE = 1e-3  # samples; fetched from both sides of a centre, for a slope that favours neither


@dataclass(frozen=True)
class WarpedRendering:
    """What the camera sees; gradients flow to every number of the layout."""

    rgb: Float[Tensor, "h w 3"]  # sRGB 0..1, premultiplied by coverage
    coverage: Float[Tensor, "h w"]  # 0..1
    depth: Float[Tensor, "h w"]  # z along the camera's axis, mean of what is covered; inf: empty

    def on(self, background: float) -> Float[Tensor, "h w 3"]:
        """In front of a grey from 0, black, to 1, white."""
        return self.rgb + (1 - self.coverage[..., None]) * background


@dataclass(frozen=True)
class WarpedLayer:
    """One object as it was drawn, a pixel per sample, and what moves each of them."""

    colour: Float[Tensor, "4 y x"]  # premultiplied RGBA
    point: Float[Tensor, "n 3"]  # object frame; the surface point whose motion a sample follows
    centre: Float[Tensor, "n 2"]  # px, where the camera saw that point
    depth_point: Float[Tensor, "n 3"]  # object frame; the surface point that a sample shows

    def at(
        self, pose: Similarity, camera: Camera, size: tuple[int, int]
    ) -> tuple[Float[Tensor, "4 y x"], Float[Tensor, "y x"]]:
        """Colour and depth of each sample when the object stands at `pose`."""
        pixels, _ = camera.project(pose.apply(self.point))
        _, z = camera.project(pose.apply(self.depth_point))
        fields = torch.cat([self.colour, z.unflatten(0, size)[None]])
        source = pixel_centres(size).to(pixels).flatten(0, 1) - (pixels - self.centre)
        fetched = fetch(fields, source.unflatten(0, size))
        return fetched[:4], fetched[4]


@dataclass(frozen=True)
class WarpedPicture:
    """Objects drawn once at one layout, to be looked at from near it."""

    layers: tuple[WarpedLayer, ...]
    camera: Camera  # with a pixel per sample, and the margin
    samples: int

    @classmethod
    @torch.no_grad()
    def drawn(
        cls,
        meshes: Sequence[Mesh],
        layout: Similarity,
        camera: Camera,
        render: Renderer,
        samples: int = 4,
    ) -> "WarpedPicture":
        """Draws each object alone and whole with `samples` x `samples` rays a pixel."""
        fine = sampled(camera, layout, samples)
        layout = Similarity(*(part.detach() for part in vars(layout).values()))
        drawn = render.layers(meshes, layout, fine)
        layers = [
            cached(mesh, one, layout[index], fine)
            for index, (mesh, one) in enumerate(zip(meshes, drawn, strict=True))
        ]
        return cls(tuple(layers), fine, samples)

    def __call__(self, layout: Similarity) -> WarpedRendering:
        """What the camera sees at this layout."""
        size = self.camera.size
        parts = [
            layer.at(layout[index], self.camera, size) for index, layer in enumerate(self.layers)
        ]
        colour, depth = (torch.stack(part) for part in zip(*parts, strict=True))
        seen = composite(colour, depth)  # [5, y, x]
        mean = avg_pool2d(seen, self.samples)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
        coverage = mean[3]
        covered = coverage > 0
        z = torch.where(covered, mean[4], torch.inf) / torch.where(covered, coverage, 1)
        return WarpedRendering(mean[:3].movedim(0, -1), coverage, z)


def sampled(camera: Camera, layout: Similarity, samples: int) -> Camera:
    """The camera beside the layout (device, dtype), with a pixel per sample and the margin."""
    like, pose = layout.translation, camera.camera_from_world
    height, width = (samples * (side + 2 * MARGIN) for side in camera.size)
    return replace(
        camera,
        focal=camera.focal * samples,
        size=(height, width),
        camera_from_world=Similarity(*(part.detach().to(like) for part in vars(pose).values())),
    )


def cached(mesh: Mesh, drawn: Rendering, pose: Similarity, camera: Camera) -> WarpedLayer:
    """What is kept of a layer; one that shows nowhere keeps nothing."""
    covered = drawn.object_index >= 0
    colour = torch.cat([drawn.rgb.movedim(-1, 0), covered.to(drawn.rgb)[None]])
    if not covered.any():
        middle = pose.translation.expand(covered.numel(), 3)
        nothing = pose.inverse().apply(middle)
        return WarpedLayer(colour, nothing, camera.project(middle)[0], nothing)
    away, nearest = nearest_of(covered)
    shown = drawn.point.flatten(0, 1)[nearest]
    follows = shown
    outline = pose.apply(contour_points(mesh, pose, camera))
    seen, owner = visible(outline, drawn.depth, camera)
    if seen.any():
        apart, nearest = nearest_of(seen)
        near = (apart <= away + AT_OUTLINE) & (~covered | at_jump(drawn.depth, camera))
        follows = torch.where(near.flatten()[:, None], outline[owner.flatten()[nearest]], shown)
    back = pose.inverse()
    return WarpedLayer(colour, back.apply(follows), camera.project(follows)[0], back.apply(shown))


def nearest_of(chosen: Bool[Tensor, "y x"]) -> tuple[Float[Tensor, "y x"], Int[Tensor, " n"]]:
    """Distance in samples to the nearest chosen sample, and which it is, counted row by row."""
    distance, (rows, columns) = distance_transform_edt(~chosen.cpu().numpy(), return_indices=True)  # type: ignore[misc]
    index = torch.from_numpy(rows).long() * chosen.shape[1] + torch.from_numpy(columns).long()
    away = torch.from_numpy(distance).to(chosen.device, torch.get_default_dtype())
    return away, index.flatten().to(chosen.device)


def visible(
    points: Float[Tensor, "m 3"], depth: Float[Tensor, "y x"], camera: Camera
) -> tuple[Bool[Tensor, "y x"], Int[Tensor, "y x"]]:
    """Where world points lie that nothing hides, and which point is there; -1: none.

    Nothing hides a point that is not behind all of the samples around its own.
    """
    height, width = depth.shape
    pixels, z = camera.project(points)
    column, row = pixels.floor().long().unbind(-1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    which = inside.nonzero()[:, 0]
    place = (row * width + column)[which]
    farthest = max_pool2d(depth[None], 3, 1, 1).flatten()[place]
    kept = z[which] <= farthest + z[which] / camera.focal
    owner = torch.full((height * width,), -1, dtype=torch.long, device=depth.device)
    owner = owner.index_copy(0, place[kept], which[kept]).unflatten(0, (height, width))
    return owner >= 0, owner


def at_jump(depth: Float[Tensor, "y x"], camera: Camera) -> Bool[Tensor, "y x"]:
    """Samples beside one that is far nearer or farther; of the object or empty."""
    farthest, nearest = max_pool2d(depth[None], 3, 1, 1)[0], -max_pool2d(-depth[None], 3, 1, 1)[0]
    return farthest > nearest * (1 + STEEPEST / camera.focal)


def fetch(fields: Float[Tensor, "c y x"], source: Float[Tensor, "y x 2"]) -> Float[Tensor, "c y x"]:
    """Looks up bilinearly, [x, y] in px; beyond the edges the outermost values go on.

    A bilinear picture has a kink at each centre. The mean of what is just before and just after
    has the central difference for its slope.
    """
    size = source.new_tensor([fields.shape[2], fields.shape[1]])
    found = [
        grid_sample(
            fields[None],
            (2 * (source + side) / size - 1)[None],
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        for side in (-OFF_CENTRE, OFF_CENTRE)
    ]
    return (found[0][0] + found[1][0]) / 2


def composite(
    colour: Float[Tensor, "n 4 y x"], depth: Float[Tensor, "n y x"]
) -> Float[Tensor, "5 y x"]:
    """Layers over one another, the nearest first: premultiplied RGBA, and alpha times depth."""
    alpha = colour[:, 3]
    order = depth.detach().argsort(0)
    open_in_order = (1 - alpha.gather(0, order)).cumprod(0)
    passing = torch.cat([torch.ones_like(open_in_order[:1]), open_in_order[:-1]])
    open_before = torch.empty_like(passing).scatter(0, order, passing)
    rgba = (colour * open_before[:, None]).sum(0)
    return torch.cat([rgba, (alpha * open_before * depth).sum(0)[None]])
