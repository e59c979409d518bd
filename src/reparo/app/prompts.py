"""Objects where someone clicks or draws a box: the photo is looked at once, each prompt is quick.

Clicks are answered by the packaged network, whatever the preset's own segmenter is.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxtyping import Bool
from torch import Tensor

from reparo.api.networks import pulling
from reparo.app.state import Click
from reparo.contracts import Progress, quiet
from reparo.errors import InputError
from reparo.files.images import read_photo
from reparo.stages.segment.predictor import Predictor, View
from reparo.stages.segment.prompted import mask_of
from reparo.stages.segment.prompts import Box, Points


def packaged() -> Predictor:
    """The network that the preset `embedded` segments with."""
    from reparo.stages.segment.network import load_sam

    return load_sam()


@dataclass
class Eyes:
    """The network, and one photo as it has seen it."""

    photo: Path
    load: Callable[[], Predictor] = packaged
    view: View | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)  # who comes second waits

    def look(self, progress: Progress = quiet) -> View:
        """The photo as the network sees it; a second or two at first."""
        with self.lock:
            if self.view is None:
                rgb = read_photo(self.photo).rgb
                self.view = pulling(self.load, progress).look(rgb)
            return self.view

    def at_clicks(self, clicks: Sequence[Click]) -> Bool[Tensor, "h w"]:
        """What all these clicks mean together."""
        points = Points([(x, y) for x, y, _ in clicks], [inside for *_, inside in clicks])
        return _something(mask_of(self.look(), points))

    def in_box(self, box: Box) -> Bool[Tensor, "h w"]:
        """What fills the box, [x0, y0, x1, y1] in px of the photo."""
        return _something(mask_of(self.look(), box))


def _something(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    if not mask.any():
        raise InputError("nothing was found there; click elsewhere, or draw a box around it")
    return mask
