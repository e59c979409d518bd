"""A closed, textured mesh from an outline: a stand-in for an image-to-3D network.

The outline is blown up like a cushion, so that thin parts stay thin; the photo is printed on the
front and, dimmer and blurred, on the back. It looks right from where the photo was taken and stays
plausible some way to the side; what the photo does not show it does not know.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.scene import Cutout, Material, Mesh
from reparo.stages.reconstruct.off_axis import focal_in_sides, straight_on
from reparo.stages.reconstruct.outline import FlatMesh, triangulate
from reparo.stages.reconstruct.relief import front_and_back, standing_out
from reparo.stages.reconstruct.thickness import capped, inflated


@dataclass(frozen=True)
class InflateReconstructor:
    """Makes about 4,000 to 12,000 triangles, whatever the cut-out's size."""

    nodes: int = 128  # of the grid along the cut-out's side
    back_brightness: float = 0.85  # of the front
    smallest_part: float = 0.002  # of the outline's area: smaller islands are dropped

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Inflates the cut-out's outline; needs an opaque pixel."""
        if not (cutout.rgba[..., 3] >= 0.5).any():
            raise InputError(f"the cut-out of {name!r} has no opaque pixel; give it an outline")
        field = _field(_large_parts(cutout, self.smallest_part), self.nodes)
        flat = triangulate(field)
        size = np.ptp(flat.points, axis=0)
        half = capped(inflated(field), float(size.min()) / 2)
        columns, rows = flat.points[: flat.inner].astype(int).T
        height = np.zeros(len(flat.points))
        height[: flat.inner] = half[rows, columns]
        front, back = self._heights(cutout, flat.points + 0.5, height)
        middle = self.nodes / 2 - 0.5
        places = [self._placed(cutout, flat.points - middle, z) for z in (front, back)]
        return _closed(flat, places, self.nodes, _atlas(cutout, self.back_brightness), name)

    def _heights(
        self, cutout: Cutout, points: np.ndarray, half: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Front and back, in nodes, of a cushion, or of the cut-out's depth where it has one."""
        if cutout.depth is None or not (cutout.depth > 0).any():
            return half, -half
        per_node = len(cutout.rgba) / self.nodes  # px of the cut-out
        focal = self.nodes * (focal_in_sides(cutout) or _least_focal(cutout))
        depth = cutout.depth.detach().cpu().double().numpy()
        scaled = standing_out(depth, points * per_node, focal)
        return front_and_back(half, points, scaled)

    def _placed(self, cutout: Cutout, points: np.ndarray, z: np.ndarray) -> np.ndarray:
        """x, y (up), z in nodes; each vertex on its pixel's ray, if the focal length is known."""
        widening, focal = np.ones_like(z), focal_in_sides(cutout)
        if focal is not None:
            widening = np.clip(1 - z / (focal * self.nodes), 0.5, 2)
        x, y = self.nodes * straight_on(points / self.nodes * [1, -1], cutout).T
        return np.stack([x * widening, y * widening, z], -1)


def _least_focal(cutout: Cutout) -> float:
    """That of a lens of 50° on a photo just large enough to hold the cut-out, in its sides."""
    side = float(len(cutout.rgba))
    corner = cutout.photo_from_cutout @ cutout.photo_from_cutout.new_tensor([side, side, 1.0])
    photo = max(float(corner.max()), side) / (side * float(cutout.photo_from_cutout[0, 0]))
    return photo * 1.07  # 0.5 / tan(25°)


def _large_parts(cutout: Cutout, share: float) -> Float[Tensor, "s s"]:
    """The outline without specks."""
    from scipy.ndimage import label

    alpha = cutout.rgba[..., 3].detach().cpu()
    numbered: Any = label((alpha >= 0.5).numpy(), np.ones((3, 3)))
    parts = numbered[0]
    areas = np.bincount(parts.ravel())
    areas[0] = 0
    speck = areas < min(share * areas.sum(), areas.max())
    speck[0] = False
    return torch.where(torch.from_numpy(speck[parts]), 0, alpha)


def _field(alpha: Float[Tensor, "s s"], nodes: int) -> np.ndarray:
    """Alpha minus a half, averaged around the nodes, lightly smoothed; below 0 on the border.

    Node (i, j) of n stands at ((j + 0.5) s / n, (i + 0.5) s / n) in the cut-out.
    """
    from scipy.ndimage import correlate1d

    averaged = torch.nn.functional.interpolate(
        alpha[None, None], size=(nodes, nodes), mode="area" if len(alpha) > nodes else "bilinear"
    )
    grid = averaged[0, 0].double().numpy()
    smooth = grid
    for axis in (0, 1):  # so little that a line one node wide stays above a half
        smooth = correlate1d(smooth, [0.15, 0.7, 0.15], axis, mode="constant")
    for candidate in (smooth, grid, grid / grid.max()):  # something has to be left of a speck
        field = candidate - 0.5
        field[[0, -1]] = -0.5
        field[:, [0, -1]] = -0.5
        if (field > 0).any():
            return field
    raise InputError("the cut-out's object lies wholly on its border; cut it out with a margin")


def _atlas(cutout: Cutout, back_brightness: float) -> Float[Tensor, "s t 4"]:
    """Front (left) and back (right) in one opaque picture, colours spread beyond the outline.

    The back is the front seen through, blurred and dimmer towards the middle; on the outline the
    two agree, so that no seam shows.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    opaque = (cutout.rgba[..., 3] >= 0.5).cpu().numpy()
    rgb = cutout.rgba[..., :3].detach().cpu().double().numpy()
    found: Any = distance_transform_edt(~_core(opaque), return_distances=False, return_indices=True)
    front = rgb[tuple(found)]
    blur = max(1.0, len(front) / 64)
    dim = back_brightness * gaussian_filter(front, (blur, blur, 0), mode="nearest")
    depth: Any = distance_transform_edt(opaque)
    share = np.clip((depth - 1) / (4 * blur), 0, 1)[..., None]
    back = front + share * (dim - front)
    both = np.concatenate([front, back], 1)
    opaque_both = np.concatenate([both, np.ones_like(both[..., :1])], -1)
    return torch.from_numpy(opaque_both).to(cutout.rgba.dtype)


def _core(mask: np.ndarray) -> np.ndarray:
    """The mask without outline pixels, where the background mixes in; thin parts stay."""
    from scipy.ndimage import binary_dilation, binary_erosion

    block = np.ones((3, 3), dtype=bool)
    inside = np.asarray(binary_erosion(mask, block, border_value=1), dtype=bool)
    return inside | (mask & ~np.asarray(binary_dilation(inside, block, iterations=2), dtype=bool))


def _closed(
    flat: FlatMesh,
    places: list[np.ndarray],
    nodes: int,
    texture: Float[Tensor, "s t 4"],
    name: str,
) -> Mesh:
    """Joins a front and a back over one outline; on the outline both have the same z.

    Vertices there are doubled, since front and back use different halves of the texture.
    """
    place = np.concatenate(places)
    lowest, highest = place.min(0), place.max(0)
    place = (place - (lowest + highest) / 2) / (highest - lowest).max()
    u, v = (flat.points + 0.5).T / nodes
    uv = np.concatenate([np.stack([u / 2, v], -1), np.stack([u / 2 + 0.5, v], -1)])
    # clockwise in the picture is clockwise from the front, counter-clockwise from the back
    faces = np.concatenate([flat.faces[:, ::-1], flat.faces + len(flat.points)])
    vertices = torch.from_numpy(place).to(texture.dtype)
    return Mesh(
        vertices,
        torch.from_numpy(faces.copy()),
        torch.from_numpy(uv).to(texture.dtype),
        vertices.new_ones(len(vertices), 4),
        (Material(texture=texture, name=name),),
        torch.zeros(len(faces), dtype=torch.long),
    )
