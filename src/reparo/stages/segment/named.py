"""Objects that text names: a detector finds their boxes, the segmenter their outlines."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from reparo.contracts import Progress
from reparo.errors import InputError
from reparo.scene import Photo, Region
from reparo.stages.segment.predictor import Predictor
from reparo.stages.segment.prompted import mask_of
from reparo.stages.segment.prompts import Box
from reparo.stages.segment.regions import disjoint_regions

log = logging.getLogger(__name__)

TWIN = 0.8  # IoU above which two masks are one object, which the surer box keeps


@dataclass(frozen=True)
class Found:
    """One thing that a detector saw."""

    phrase: str  # the one of those asked for that fits best
    box: Box
    score: float  # 0..1


Detector = Callable[[Tensor, list[str]], list[Found]]
"""Called as detector(rgb [h, w, 3] in sRGB 0..1, phrases); the surest first."""


def phrases_in(text: str) -> list[str]:
    """What is asked for: "Chair . table lamp." is chair and table lamp, each once."""
    phrases = [" ".join(part.split()).lower() for part in text.split(".")]
    wanted = list(dict.fromkeys(phrase for phrase in phrases if phrase))
    if not wanted:
        raise InputError(
            f'text names the objects with full stops between, as in "chair . lamp", got {text!r}'
        )
    return wanted


def objects_named(
    photo: Photo, predictor: Predictor, found: Sequence[Found], progress: Progress
) -> list[Region]:
    """A region a thing, called after its phrase; further ones of a kind are chair-2, chair-3."""
    view = predictor.look(photo.rgb)
    kept: list[tuple[str, Bool[Tensor, "h w"]]] = []
    for index, one in enumerate(sorted(found, key=lambda one: -one.score)):
        progress("segment", index, len(found))
        mask = mask_of(view, one.box)
        if not mask.any() or any(_iou(mask, other) > TWIN for _, other in kept):
            log.debug("a second or empty %r at %s is left out", one.phrase, one.box)
            continue
        kept.append((one.phrase, mask))
    progress("segment", len(found), len(found))
    return disjoint_regions(_names([phrase for phrase, _ in kept]), [mask for _, mask in kept])


def _names(phrases: Sequence[str]) -> list[str]:
    """Unique names that are safe in files."""
    names: list[str] = []
    for phrase in phrases:
        stem = re.sub(r"[^a-z0-9_-]+", "-", phrase).strip("-") or "object"
        name, count = stem, 1
        while name in names:
            count += 1
            name = f"{stem}-{count}"
        names.append(name)
    return names


def _iou(one: Bool[Tensor, "h w"], other: Bool[Tensor, "h w"]) -> float:
    shared = torch.count_nonzero(one & other)
    return float(shared / torch.count_nonzero(one | other).clamp(min=1))
