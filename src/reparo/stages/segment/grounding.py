"""Boxes of what text names, by Grounding DINO through `transformers`.

Never run with trained weights: proven with random ones that were saved in the hub's layout.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.models import located
from reparo.stages.pretrained import Network, Place, load, only_one, read_config, transformers
from reparo.stages.seeing import Seeing, read_seeing
from reparo.stages.segment.named import Found
from reparo.stages.segment.prompts import Box

NETWORK = Network(
    "GroundingDinoForObjectDetection", ("grounding-dino",), "IDEA-Research/grounding-dino-tiny"
)


@dataclass(frozen=True)
class GroundingDino:
    """The detector's settings; it computes in float32, where the segmenter does."""

    weights: str | Path = "grounding-dino-tiny"  # a folder, or the name of a pulled network
    threshold: float = 0.3  # 0..1: least likeness of a box's content to a word of its phrase

    def load(self, device: str) -> "LoadedDetector":
        """Reads the network, its tokens and how it wants its pictures."""
        folder, place = located(self.weights), Place(device)

        def make() -> tuple[Any, Any, Seeing]:
            _, table = read_config(folder, (NETWORK,))
            return load(folder, NETWORK, table, place), _tokenizer(folder), read_seeing(folder)

        model, tokenizer, seeing = only_one(("grounding", folder, place), make)
        return LoadedDetector(model, tokenizer, seeing, self.threshold)


DETECTOR = GroundingDino()  # unless said otherwise


@dataclass(frozen=True)
class LoadedDetector:
    """Called with a picture and phrases; gives boxes, the surest first."""

    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    seeing: Seeing = field(repr=False)
    threshold: float

    @torch.no_grad()
    def __call__(self, rgb: Float[Tensor, "h w 3"], phrases: list[str]) -> list[Found]:
        size = (rgb.shape[0], rgb.shape[1])
        inner = fitted(size, self.seeing.side("shortest_edge"), self.seeing.side("longest_edge"))
        picture = self.seeing.resized(rgb.detach().float().cpu(), inner)
        ids, owner = self._tokens(phrases)
        tokens = torch.tensor([ids], device=self.model.device)
        said = self.model(
            pixel_values=picture.to(self.model.device),
            input_ids=tokens,
            token_type_ids=torch.zeros_like(tokens),
            attention_mask=torch.ones_like(tokens),
        )
        likeness = said.logits[0, :, : len(ids)].float().sigmoid().cpu()  # [queries, tokens]
        boxes = said.pred_boxes[0].float().cpu()
        found = [
            Found(phrases[index], _in_pixels(box, size), score)
            for index, box, score in surest(likeness, boxes, owner, self.threshold)
        ]
        return sorted(found, key=lambda one: -one.score)

    def _tokens(self, phrases: list[str]) -> tuple[list[int], list[int]]:
        """ "[CLS] chair . lamp . [SEP]" as numbers, and whose each is (-1: nobody's)."""
        tokenizer = self.tokenizer
        (stop,) = tokenizer.encode(".", add_special_tokens=False)
        ids, owner = [tokenizer.cls_token_id], [-1]
        for index, phrase in enumerate(phrases):
            words = tokenizer.encode(phrase, add_special_tokens=False)
            ids += [*words, stop]
            owner += [*([index] * len(words)), -1]
        ids, owner = [*ids, tokenizer.sep_token_id], [*owner, -1]
        most = self.model.config.max_text_len
        if len(ids) > most:
            raise InputError(
                f"the text has {len(ids)} pieces of words, and the detector takes {most}; name "
                "fewer objects"
            )
        return ids, owner


def surest(
    likeness: Float[Tensor, "queries tokens"],
    boxes: Float[Tensor, "queries 4"],
    owner: list[int],
    threshold: float,
) -> list[tuple[int, Float[Tensor, " 4"], float]]:
    """For each query that is sure enough: the phrase whose word it is most like, box, likeness."""
    whose = torch.tensor(owner)
    count = max(owner) + 1
    scores = torch.stack([likeness[:, whose == index].amax(1) for index in range(count)], 1)
    best, phrase = scores.max(1)
    kept = (best > threshold).nonzero()[:, 0].tolist()
    return [(int(phrase[query]), boxes[query], float(best[query])) for query in kept]


def fitted(size: tuple[int, int], shortest: int, longest: int) -> tuple[int, int]:
    """Height and width with the shorter side so long, unless the longer then passes `longest`."""
    low, high = min(size), max(size)
    least = min(float(shortest), longest * low / high)
    height, width = (
        round(least) if length == low else int(least * length / low) for length in size
    )
    return height, width


def _in_pixels(box: Float[Tensor, " 4"], size: tuple[int, int]) -> Box:
    """Centre and sides as shares of the picture to [x0, y0, x1, y1] in its pixels."""
    height, width = size
    x, y, w, h = box.tolist()
    return (
        min(max((x - w / 2) * width, 0.0), float(width)),
        min(max((y - h / 2) * height, 0.0), float(height)),
        min(max((x + w / 2) * width, 0.0), float(width)),
        min(max((y + h / 2) * height, 0.0), float(height)),
    )


def _tokenizer(folder: Path) -> Any:
    """The folder's words; where it has none, the library would make up an empty list."""
    reason = "there is neither"
    if any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        try:
            return transformers().AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0][:200]
    raise InputError(
        f"{folder} must hold the words that the detector knows, tokenizer.json or vocab.txt "
        f"({reason}); bring the folder anew"
    )
