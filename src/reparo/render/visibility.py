"""Which face each pixel sees: boxes of candidate pixels, an inside test, the least depth wins."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

CANDIDATES_AT_ONCE = 1 << 17  # bounds the memory: about 300 bytes each
NOTHING = 2**63 - 1  # not 2^62: that is the key of a face at depth 2.0

Solid = Callable[[Int[Tensor, " n"], Int[Tensor, " n"]], Bool[Tensor, " n"]]
"""Called as solid(triangle, pixel): False where the triangle has a hole at that pixel."""


class NearestKeys:
    """The least of all that is put into each pixel, as depth << 32 | index.

    The bits of floats above 0 sort as the floats do, so one integer minimum finds depth and index
    together. Apple GPUs (never tried) lack that minimum for 64 bits; there it is left to the CPU.
    """

    def __init__(self, pixels: int, device: torch.device) -> None:
        home = torch.device("cpu") if device.type == "mps" else device
        self.device = device
        self.keys = torch.full((pixels,), NOTHING, dtype=torch.int64, device=home)

    def put(
        self, pixel: Int[Tensor, " n"], depth: Float[Tensor, " n"], index: Int[Tensor, " n"]
    ) -> None:
        """Offers to each of `pixel` what has that depth, > 0, and that index, < 2^31."""
        bits = depth.to(self.keys.device, torch.float32).view(torch.int32).to(torch.int64)
        key = (bits << 32) | index.to(self.keys.device)
        self.keys.scatter_reduce_(0, pixel.to(self.keys.device), key, "amin")

    @property
    def depth_bits(self) -> Int[Tensor, " pixels"]:
        """Sorts as depth does; empty pixels come last."""
        return (self.keys >> 32).to(self.device)

    @property
    def index(self) -> Int[Tensor, " pixels"]:
        """What is nearest in each pixel; -1 where nothing was put."""
        found = torch.where(self.keys == NOTHING, -1, self.keys & 0x7FFFFFFF)
        return found.to(self.device)


def nearest_triangles(
    corners: Float[Tensor, "t 3 3"], size: tuple[int, int], solid: Solid | None = None
) -> NearestKeys:
    """Finds the triangle nearest to the camera at each pixel's centre, seen from either side.

    `corners` are x and y in pixels and z > 0 along the camera's axis. Triangles that share an edge
    leave no crack: a centre on the edge is inside both.
    """
    nearest = NearestKeys(size[0] * size[1], corners.device)
    for triangle, pixel in _candidates(corners, size):
        depth, inside = _depth_at(corners.index_select(0, triangle), pixel, size[1])
        hit = inside.nonzero()[:, 0]
        triangle, pixel, depth = (part.index_select(0, hit) for part in (triangle, pixel, depth))
        if solid is not None:
            hit = solid(triangle, pixel).nonzero()[:, 0]
            triangle, pixel, depth = (
                part.index_select(0, hit) for part in (triangle, pixel, depth)
            )
        nearest.put(pixel, depth, triangle)
    return nearest


def _candidates(
    corners: Float[Tensor, "t 3 3"], size: tuple[int, int]
) -> Iterator[tuple[Int[Tensor, " n"], Int[Tensor, " n"]]]:
    """Triangles and the pixels whose centres are in their boxes, a bounded number at a time."""
    a, b, c = corners[..., :2].unbind(1)
    limit = corners.new_tensor([size[1], size[0]])
    low = torch.ceil(torch.minimum(torch.minimum(a, b), c) - 0.5).clamp(min=0)
    high = torch.minimum(torch.floor(torch.maximum(torch.maximum(a, b), c) + 0.5), limit)
    extent = high - low
    kept = (extent.amin(1) > 0).nonzero()[:, 0]  # few: most small triangles miss all centres
    low, extent = low[kept].to(torch.int64), extent[kept].to(torch.int64)
    counts = extent[:, 0] * extent[:, 1]
    ends = counts.cumsum(0)
    begins = ends - counts
    corner = low[:, 1] * size[1] + low[:, 0]
    total = int(ends[-1]) if len(kept) else 0
    for start in range(0, total, CANDIDATES_AT_ONCE):
        stop = min(start + CANDIDATES_AT_ONCE, total)
        share = ends.clamp(max=stop) - begins.clamp(min=start)
        box = torch.repeat_interleave(share.clamp(min=0), output_size=stop - start)
        rank = torch.arange(start, stop, device=box.device) - begins.index_select(0, box)
        width = extent[:, 0].index_select(0, box)
        row = torch.div(rank, width, rounding_mode="floor")
        # rank is row * width + column
        pixel = corner.index_select(0, box) + row * (size[1] - width) + rank
        yield kept.index_select(0, box), pixel


def _depth_at(
    corners: Float[Tensor, "n 3 3"], pixel: Int[Tensor, " n"], width: int
) -> tuple[Float[Tensor, " n"], Bool[Tensor, " n"]]:
    """Depth of each triangle at its pixel's centre, and whether the centre is inside.

    An edge's area is written so that the neighbour, who has its ends swapped, gets exactly the
    negative of it. 1/z, not z, is linear in the picture.
    """
    row = torch.div(pixel, width, rounding_mode="floor")
    x = corners[..., 0] - (pixel - row * width + 0.5)[:, None]
    y = corners[..., 1] - (row + 0.5)[:, None]
    (xa, xb, xc), (ya, yb, yc) = x.unbind(1), y.unbind(1)
    za, zb, zc = corners[..., 2].unbind(1)
    area_a, area_b, area_c = xb * yc - yb * xc, xc * ya - yc * xa, xa * yb - ya * xb
    area = area_a + area_b + area_c
    least = torch.minimum(torch.minimum(area_a, area_b), area_c)
    most = torch.maximum(torch.maximum(area_a, area_b), area_c)
    inside = ((least >= 0) | (most <= 0)) & (area != 0)
    return area / (area_a / za + area_b / zb + area_c / zc), inside
