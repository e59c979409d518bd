"""Describes patches with DINOv2 through `transformers`; gradients reach the pixels.

Never run with the official weights, which no package carries: proven with random ones that were
saved in the hub's layout, and with the packaged relative of DINOv2 ViT-S/14 written in that layout.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.models import located
from reparo.stages.pretrained import Network, Place, Precision, forget, load, only_one, read_config
from reparo.stages.seeing import Seeing, read_seeing
from reparo.stages.vision.patches import patch_grid

NETWORK = Network("Dinov2Model", ("dinov2",), "facebook/dinov2-small")


@dataclass(frozen=True)
class Dinov2Features:
    """Patch tokens [rows, columns, channels] of a picture of any size; differentiable, frozen.

    The whole picture is seen: the folder's cropping, made for classifying, is not followed.
    """

    weights: str | Path = "dinov2-small"  # a folder, or the name of a pulled network
    size: int = 224  # px of the longer side that the network sees; it learned at 518
    device: str = "cpu"
    precision: Precision = "float32"

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> Float[Tensor, "rows columns channels"]:
        model, seeing = _loaded(located(self.weights), Place(self.device, self.precision))
        patch = model.config.patch_size
        grid = patch_grid((rgb.shape[0], rgb.shape[1]), self.size, patch)
        picture = rgb.to(model.device, torch.float32)
        picture = seeing.resized(picture, (grid[0] * patch, grid[1] * patch))
        tokens = model(pixel_values=picture.to(model.dtype)).last_hidden_state[0, 1:]  # no class
        return tokens.unflatten(0, grid).to(rgb.device, rgb.dtype)

    def close(self) -> None:
        """Lets go of the network."""
        forget()


def _loaded(folder: Path, place: Place) -> tuple[Any, Seeing]:
    def make() -> tuple[Any, Seeing]:
        _, table = read_config(folder, (NETWORK,))
        return load(folder, NETWORK, table, place), read_seeing(folder)

    return only_one(("features", folder, place), make)
