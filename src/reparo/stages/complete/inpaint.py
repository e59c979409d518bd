"""Completes hidden parts with a Stable Diffusion inpainting network.

Never run with trained weights: proven with small random ones that were saved in the hub's layout.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.contracts import Progress
from reparo.models import located
from reparo.scene import Cutout, Depth, Photo, Region
from reparo.stages.complete.again import find_again
from reparo.stages.complete.canvas import Canvas, in_photo, prepare
from reparo.stages.complete.cutout import make_cutout, shown
from reparo.stages.complete.order import hiders_of
from reparo.stages.complete.outline import attached, complete_outline
from reparo.stages.complete.paint import Painting, native_size, noun, paint, smaller_size
from reparo.stages.pretrained import Place, Precision, forget

log = logging.getLogger(__name__)

LEAST_SIZE = 256  # px: below it these networks paint nothing of use


@dataclass(frozen=True)
class InpaintCompleter:
    """Paints what others hide, then finds the outline again; what nothing hides is left alone.

    Which network it is, its folder says: Stable Diffusion 1.5 or 2 inpainting, or SDXL's. The hole
    is made of the masks of what stands in front; outside them nothing is invented.
    """

    weights: str | Path = "sd15-inpainting"  # a folder, or the name of a pulled network
    segmenter: dict[str, Any] | None = None  # finds the outline again; None: continued smoothly
    prompt: str = "a photo of a {name}, whole, on a plain grey background"
    negative_prompt: str = "cropped, cut off, hand, text, frame, several objects, clutter"
    steps: int = 30
    guidance: float = 7.5  # how closely the prompt is followed
    strength: float = 0.99  # of the noise at the start; SDXL's inpainting wants less than 1
    size: int | None = None  # px; None: as the network was trained, 512 or 1024
    largest: int = 512  # px, the cut-out's side
    precision: Precision | None = None  # None: float16 on CUDA, else float32
    device: str = "auto"
    seed: int = 0
    progress: Progress | None = field(default=None, repr=False, compare=False)

    def __call__(
        self, photo: Photo, region: Region, others: Sequence[Region], depth: Depth | None
    ) -> Cutout:
        """Needs a region with a visible pixel."""
        visible = shown(region)
        hiders = hiders_of(region, others, depth)
        invented = torch.zeros((*visible.shape, 4), dtype=photo.rgb.dtype)
        canvas = prepare(photo, visible, hiders)
        if canvas is not None:
            painted = self._painted(canvas, region.name)
            hidden = self._hidden(canvas, painted, region.name)
            drawn = torch.cat([painted, hidden[..., None].to(painted)], -1)
            invented = in_photo(drawn, canvas.square, photo.size)
        return make_cutout(photo, visible, invented, depth, self.largest)

    def close(self) -> None:
        """Lets go of the network."""
        forget()

    def smaller(self) -> "InpaintCompleter | None":
        """Paints fewer pixels: about half the memory."""
        size = smaller_size(self.size or native_size(located(self.weights)), LEAST_SIZE)
        return None if size is None else replace(self, size=size)

    def _painted(self, canvas: Canvas, name: str) -> Float[Tensor, "s s 3"]:
        folder = located(self.weights)
        painting = Painting(
            self.prompt.replace("{name}", noun(name)),
            self.negative_prompt,
            self.steps,
            self.guidance,
            self.strength,
            self.size or native_size(folder),
            self.seed,
        )

        def told(done: int, of_how_many: int) -> None:
            if self.progress is not None:
                self.progress(f"paint {name}", done, of_how_many)

        return paint(canvas.rgb, canvas.hole, painting, (folder, self._place()), told)

    def _hidden(
        self, canvas: Canvas, painted: Float[Tensor, "s s 3"], name: str
    ) -> Bool[Tensor, "s s"]:
        """The object's pixels in the hole: found again, or where its outline would go on."""
        whole = None
        if self.segmenter is not None:
            whole = find_again(painted, canvas, self.segmenter, self.device)
            if whole is None:
                log.info("%s was not found again where it was painted", name)
        seen = canvas.visible.cpu().numpy()
        hole = (canvas.hole & ~canvas.visible).cpu().numpy()
        if whole is None:
            hidden = complete_outline(seen, hole).hidden
        else:
            hidden = attached(seen, whole.cpu().numpy() & hole)
        return torch.from_numpy(hidden)

    def _place(self) -> Place:
        """Half precision where that is fast and saves what is scarce."""
        device, _ = Place(self.device).chosen()
        usual: Precision = "float16" if device.type == "cuda" else "float32"
        return Place(self.device, self.precision or usual)
