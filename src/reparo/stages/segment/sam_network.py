"""SAM and SAM 2.1 through `transformers`: look at a picture once, then answer prompts.

SAM brings the picture to 1,024 pixels on its longer side and pads it to a square, the *frame*; SAM
2 stretches it to fill the frame. Both answer with logits over the frame, a quarter as fine, which
are cut and resampled here to the picture's own shape.

Never run with trained weights: proven with random ones that were saved in the hub's layout.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from reparo.stages.pretrained import Network, Place, load, only_one, read_config
from reparo.stages.seeing import Seeing, read_seeing
from reparo.stages.segment.predictor import Answer

SAM = Network("SamModel", ("sam",), "facebook/sam-vit-base")
# the hub's SAM 2 folders are of the video network, of which this is the part for pictures
SAM2 = Network("Sam2Model", ("sam2", "sam2_video"), "facebook/sam2.1-hiera-small")
LONGEST = 2  # an answer's longer side is at most so many times the decoder's own

Size = tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """Where a picture lies in the square that the network sees."""

    size: Size  # of the picture, px
    inner: Size  # of the picture in the frame, frame px
    side: int  # of the frame, px
    low: int  # of the decoder's masks over the frame

    @classmethod
    def of(cls, size: Size, side: int, low: int, stretched: bool) -> "Frame":
        """Fills the frame, or its longer side."""
        if stretched:
            return cls(size, (side, side), side, low)
        scale = side / max(size)
        height, width = (max(1, int(length * scale + 0.5)) for length in size)
        return cls(size, (height, width), side, low)

    @property
    def low_size(self) -> Size:
        """Rows and columns of an answer: the picture's shape, and no coarser than the decoder's."""
        if self.inner == (self.side, self.side):
            shorter, most = min(self.size), LONGEST * self.low
            scale = min(self.low / shorter, most / max(self.size))
        else:
            scale = self.low / max(self.size)
        rows, columns = (max(1, round(length * scale)) for length in self.size)
        return rows, columns

    def points(self, points: list[tuple[float, float]]) -> Float[Tensor, "n 2"]:
        """Picture pixels to the network's [x, y], which counts from the first pixel's centre."""
        scale = torch.tensor([self.inner[1] / self.size[1], self.inner[0] / self.size[0]])
        return torch.tensor(points, dtype=scale.dtype) * scale - 0.5

    def cut(self, logits: Float[Tensor, "n low low"]) -> Float[Tensor, "n rows columns"]:
        """What lies on the picture, without the padding, resampled to `low_size`."""
        axes = []
        for length, count in zip(self.inner, self.low_size, strict=True):
            reach = length / self.side  # share of the frame that the picture takes
            axes.append(((torch.arange(count) + 0.5) / count * reach * 2 - 1).to(logits))
        y, x = torch.meshgrid(*axes, indexing="ij")
        grid = torch.stack([x, y], -1)[None]
        return grid_sample(
            logits[None], grid, mode="bilinear", padding_mode="border", align_corners=False
        )[0]


@dataclass(frozen=True)
class NetworkView:
    """One picture as the network has seen it."""

    frame: Frame
    embedding: Any = field(repr=False)  # one tensor, or for SAM 2 one a level
    model: Any = field(repr=False)

    @property
    def size(self) -> Size:
        """Of the picture, px."""
        return self.frame.size

    @property
    def low_size(self) -> Size:
        """Rows and columns of an answer."""
        return self.frame.low_size

    def ask_points(self, points: list[tuple[float, float]], inside: list[bool]) -> Answer:
        """Prompts with points [x, y] in pixels of the picture."""
        device = self.model.device
        return self._ask(
            input_points=self.frame.points(points).float().to(device)[None, None],  # [1, 1, n, 2]
            input_labels=torch.tensor(inside, device=device).to(torch.int32)[None, None],
        )

    def ask_box(self, box: tuple[float, float, float, float]) -> Answer:
        """Prompts with a box [x0, y0, x1, y1] in pixels of the picture."""
        corners = self.frame.points([(box[0], box[1]), (box[2], box[3])])
        return self._ask(input_boxes=corners.float().to(self.model.device).reshape(1, 1, 4))

    @torch.no_grad()
    def _ask(self, **prompt: Tensor) -> Answer:
        """The single best mask and its three rivals, which the decoder gives one or the other."""
        logits, scores = [], []
        for several in (False, True):
            said = self.model(image_embeddings=self.embedding, multimask_output=several, **prompt)
            logits.append(said.pred_masks[0, 0].float().cpu())
            scores.append(said.iou_scores[0, 0].float().cpu())
        # the network's guess of the IoU can pass 1
        return Answer(self.frame.cut(torch.cat(logits)), torch.cat(scores).clamp(0, 1))


@dataclass(frozen=True)
class NetworkSam:
    """A loaded network, and how it wants its pictures."""

    model: Any = field(repr=False)
    seeing: Seeing = field(repr=False)
    stretched: bool

    def look(self, rgb: Float[Tensor, "h w 3"]) -> NetworkView:
        """Encodes a picture (sRGB 0..1)."""
        prompts = self.model.config.prompt_encoder_config
        side = prompts.image_size
        low = 4 * side // prompts.patch_size  # the decoder doubles the grid of patches twice
        frame = Frame.of((rgb.shape[0], rgb.shape[1]), side, low, self.stretched)
        picture = self.seeing.resized(rgb.detach().float().cpu(), frame.inner)
        below, right = side - frame.inner[0], side - frame.inner[1]
        square = pad(picture, (0, right, 0, below)).to(self.model.device, self.model.dtype)
        with torch.no_grad():
            return NetworkView(frame, self.model.get_image_embeddings(square), self.model)


def load_sam(folder: Path, place: Place) -> NetworkSam:
    """SAM or SAM 2, whichever the folder holds."""

    def make() -> NetworkSam:
        network, table = read_config(folder, (SAM, SAM2))
        return NetworkSam(load(folder, network, table, place), read_seeing(folder), network is SAM2)

    return only_one(("sam", folder, place), make)
