"""Pictures as pretrained networks want them: resized and normalised as their folder says.

The library's own image processors need torchvision; this is what they do, in plain torch: Pillow's
antialiased filters, without its rounding to 8 bits in between.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.errors import InputError
from reparo.files.checks import numbers, read_json

Size = tuple[int, int]  # height and width, px
Filter = Literal["bilinear", "bicubic"]
FILTERS: dict[int, Filter] = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers


@dataclass(frozen=True)
class Seeing:
    """A preprocessor_config.json."""

    mean: tuple[float, float, float]  # of sRGB 0..1
    deviation: tuple[float, float, float]
    filter: Filter
    table: dict[str, Any]  # the whole file
    path: Path

    def side(self, *names: str) -> int:
        """The first of these entries of `size` that is there, px."""
        sizes = self.table.get("size")
        for name in names:
            value = sizes.get(name) if isinstance(sizes, dict) else sizes
            if isinstance(value, int) and value > 0:
                return value
        raise InputError(f"{self.path} must say size.{names[0]} in pixels, got {sizes!r}; mend it")

    def resized(self, rgb: Float[Tensor, "h w 3"], size: Size) -> Float[Tensor, "1 3 rows columns"]:
        """The picture (sRGB 0..1) in another number of pixels, normalised; differentiable."""
        picture = rgb.movedim(-1, 0)[None]
        if picture.shape[-2:] != size:
            picture = interpolate(picture, size, mode=self.filter, antialias=True)
        mean, deviation = (
            picture.new_tensor(value)[:, None, None] for value in (self.mean, self.deviation)
        )
        return (picture.clamp(0, 1) - mean) / deviation  # bicubic overshoots


def read_seeing(folder: Path) -> Seeing:
    """What the folder says of pictures."""
    path = folder / "preprocessor_config.json"
    if path.is_file():
        table = read_json(path)
    else:  # newer folders have all processors in one file
        path = folder / "processor_config.json"
        table = read_json(path) if path.is_file() else {}
        table = table.get("image_processor") if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise InputError(
            f"{folder} must hold preprocessor_config.json, which says how the network wants its "
            "pictures; bring the folder anew"
        )
    mean, deviation = _colour(table, "image_mean", path), _colour(table, "image_std", path)
    if min(deviation) <= 0:
        raise InputError(f"image_std in {path} must be above 0, got {deviation}; mend it")
    if table.get("do_normalize") is False:
        mean, deviation = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    filter = FILTERS.get(table.get("resample", 2), "bilinear")
    return Seeing(mean, deviation, filter, table, path)


def _colour(table: dict[str, Any], key: str, path: Path) -> tuple[float, float, float]:
    red, green, blue = numbers(table.get(key), f"{key} in {path}", 3).tolist()
    return red, green, blue
