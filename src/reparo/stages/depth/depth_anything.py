"""Depth Anything V2 through `transformers`: disparity up to gain and offset, or metres.

The relative networks give a/z + b (kind `disparity`), the metric ones z in metres (`metric`), said
by depth_estimation_type in the folder's config.json.

Never run with trained weights: proven with random ones that were saved in the hub's layout.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.errors import InputError
from reparo.models import located
from reparo.scene import Camera, Depth, Photo, Region
from reparo.stages.pretrained import Network, Place, Precision, forget, load, only_one, read_config
from reparo.stages.seeing import Seeing, read_seeing

NETWORK = Network(
    "DepthAnythingForDepthEstimation",
    ("depth_anything",),
    "depth-anything/Depth-Anything-V2-Small-hf",
)
USUAL = 518  # px, what the official folders say
LEAST = 200  # px; at smaller sizes the networks see little


@dataclass(frozen=True)
class DepthAnything:
    """One network for all photos; regions and camera are not looked at."""

    weights: str | Path = "depth-anything-v2-small"  # a folder, or the name of a pulled network
    size: int | None = (
        None  # px of the shorter side that the network sees; None: as the folder says
    )
    sky: float | None = None  # relative: disparities up to this share of the nearest are unknown
    reach: float | None = None  # metric: what is at this many metres or beyond is unknown
    device: str = "auto"
    precision: Precision = "float32"

    def __call__(self, photo: Photo, camera: Camera, regions: Sequence[Region]) -> Depth:
        """Sees the photo once; the map has the photo's size."""
        network = _loaded(located(self.weights), Place(self.device, self.precision))
        values = network.estimate(photo.rgb, self.size)
        unknown = self._unknown(values, network.metric)
        kind = "metric" if network.metric else "disparity"
        return Depth.from_array(np.where(unknown, np.nan, values.numpy()), kind)

    def close(self) -> None:
        """Lets go of the network."""
        forget()

    def smaller(self) -> "DepthAnything | None":
        """The same network at two thirds of the size; None where little would be left to see."""
        size = (self.size or USUAL) * 2 // 3
        return None if size < LEAST else replace(self, size=size)

    def _unknown(self, values: Float[Tensor, "h w"], metric: bool) -> np.ndarray:
        """Where the network says no more than "far"."""
        wrong = "sky" if metric else "reach"
        if getattr(self, wrong) is not None:
            kind, other = ("metric", "reach") if metric else ("relative", "sky")
            raise InputError(
                f"depth.{wrong} does not belong to a {kind} network; take depth.{other}, or none"
            )
        if self.reach is not None:
            return (values >= self.reach).numpy()
        if self.sky is not None:
            return (values <= self.sky * values.max()).numpy()
        return np.zeros(values.shape, bool)


@dataclass(frozen=True)
class LoadedDepth:
    """The network, how it wants its pictures, and what it says."""

    model: Any
    seeing: Seeing
    metric: bool

    @torch.no_grad()
    def estimate(self, rgb: Float[Tensor, "h w 3"], size: int | None) -> Float[Tensor, "h w"]:
        """The network's own numbers at the picture's size."""
        shape = (rgb.shape[0], rgb.shape[1])
        patch = self.model.config.patch_size
        seen = inner_size(shape, size or self.seeing.side("height"), patch)
        picture = self.seeing.resized(rgb.detach().float().cpu(), seen)
        said = self.model(pixel_values=picture.to(self.model.device, self.model.dtype))
        values = said.predicted_depth[None].float().cpu()
        return interpolate(values, shape, mode="bilinear")[0, 0]


def inner_size(size: tuple[int, int], target: int, multiple: int) -> tuple[int, int]:
    """Height and width of whole patches, one side about `target`, the other in proportion.

    As in the networks' own processor, it is the side that then changes less.
    """
    height, width = (target / length for length in size)
    scale = width if abs(1 - width) < abs(1 - height) else height
    rows, columns = (max(1, round(scale * length / multiple)) * multiple for length in size)
    return rows, columns


def _loaded(folder: Path, place: Place) -> LoadedDepth:
    def make() -> LoadedDepth:
        _, table = read_config(folder, (NETWORK,))
        metric = table.get("depth_estimation_type") == "metric"
        return LoadedDepth(load(folder, NETWORK, table, place), read_seeing(folder), metric)

    return only_one(("depth", folder, place), make)
