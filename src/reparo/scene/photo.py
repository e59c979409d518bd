"""The picture to explain."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError


@dataclass(frozen=True)
class Photo:
    """The picture to explain, as a viewer shows it (EXIF already turned)."""

    rgb: Float[Tensor, "h w 3"]  # sRGB, 0..1
    fov_y_deg: float | None = None  # what the file's EXIF says of the lens; None: unknown

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]

    @classmethod
    def from_array(cls, pixels: np.ndarray, fov_y_deg: float | None = None) -> "Photo":
        """The door for arrays from outside: 8-bit RGB, first row at the top."""
        if pixels.ndim != 3 or pixels.shape[-1] != 3 or pixels.dtype != np.uint8:
            raise InputError(
                f"a photo is uint8 [height, width, 3], got {pixels.dtype} {list(pixels.shape)}; "
                "for RGBA drop the alpha channel: pixels[..., :3]"
            )
        own = np.array(pixels, order="C")  # torch warns of arrays that may not be written to
        rgb = torch.from_numpy(own).to(torch.get_default_dtype()) / 255
        return cls(rgb, fov_y_deg)

    def to_array(self) -> np.ndarray:
        """8-bit RGB [h, w, 3]."""
        return (self.rgb.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
