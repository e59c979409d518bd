"""Training samples: one object in its square, with the faults that masks have in life."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import binary_dilation, binary_erosion
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample
from torch.utils.data import IterableDataset, get_worker_info

from reparo.stages.complete.cutout import Square
from reparo.stages.complete.look import SIDE, Masks, planes, resized, sampled, square_around
from training.outline.store import Store, Target

FAULTY = 0.35  # of the samples have masks that are a pixel or two off
ALL_GIVEN = 0.25  # ... are given all other objects as hiders
ONE_MORE = 0.15  # ... are given one hider that is none
SHIFT = 0.06  # of the square's side
ZOOM = (0.92, 1.3)
TURN, STRETCH = 0.12, 0.12  # radians and share, standard deviations
TOKENLESS = 0.15  # of the samples: so that outlines alone must do


@dataclass(frozen=True)
class Sample:
    """What the network sees of an object, and what it should say; s = `SIDE`."""

    planes: Float[Tensor, "p s s"]
    tokens: Float[Tensor, "c t t"]
    full: Float[Tensor, "s s"]  # 0..1
    visible: Float[Tensor, "s s"]
    maybe: Float[Tensor, "s s"]  # where it is asked: hiders and gaps


def masks_of(store: Store, target: Target, hiders: tuple[int, ...] | None = None) -> Masks:
    """The true masks; other hiders if given."""
    index = torch.from_numpy(np.array(store.index[target.scene]))
    visible = index == target.number + 1
    chosen = target.hiders if hiders is None else hiders
    in_front = torch.zeros_like(visible)
    for number in chosen:
        in_front |= index == number + 1
    return Masks(visible, in_front, (index > 0) & ~visible)


def plain(
    store: Store, target: Target, masks: Masks, square: Square, all_hide: bool = False
) -> Sample:
    """The sample as it is; `all_hide`: the guess is that behind all other objects."""
    rgb = torch.from_numpy(np.array(store.rgb[target.scene])).float() / 255
    tokens = torch.from_numpy(np.array(store.tokens[target.scene])).float()
    full = torch.from_numpy(store.truth(target))
    guess = torch.from_numpy(store.smooth(target, all_hide)) & masks.maybe
    drawn = torch.stack([full, masks.visible, masks.maybe], -1).float()
    cut = resized(square.cut(drawn).movedim(-1, 0), SIDE)
    size = (rgb.shape[0], rgb.shape[1])
    shown = planes(rgb, masks, guess, square)
    return Sample(shown, sampled(tokens, square, size), *cut)


def varied(store: Store, target: Target, rng: np.random.Generator) -> Sample | None:
    """The sample with faulty masks, another square, other colours, mirrored."""
    believed = _believed(store, target, rng)
    masks = _faulty(masks_of(store, target, believed), rng)
    square = square_around(masks) if masks.visible.any() else None
    if square is None:
        return None
    side = max(8, round(square.side * rng.uniform(*ZOOM)))
    off = np.round((square.side - side) / 2 + rng.uniform(-SHIFT, SHIFT, 2) * side).astype(int)
    square = Square(square.left + int(off[0]), square.top + int(off[1]), side)
    sample = plain(store, target, masks, square, len(believed) > len(target.hiders))
    seen = sample.planes
    colours, drawn = seen[:3], seen[-1:]
    contrast, shade = rng.uniform(0.75, 1.25), rng.normal(0, 0.1, 3)
    tint = torch.tensor(shade, dtype=seen.dtype)[:, None, None]
    noise = 0.05 * rng.uniform() * torch.randn(colours.shape)
    seen = torch.cat([(colours * contrast + tint + noise) * drawn, seen[3:]])
    tokens = sample.tokens * float(rng.random() >= TOKENLESS)
    return _warped(Sample(seen, tokens, sample.full, sample.visible, sample.maybe), rng)


def _warped(sample: Sample, rng: np.random.Generator) -> Sample:
    """Turned and stretched a little, and mirrored half of the time."""
    angle = rng.normal() * TURN
    cos, sin = np.cos(angle), np.sin(angle)
    wide, high = np.exp(rng.normal(0, STRETCH, 2))
    mirror = -1 if rng.random() < 0.5 else 1
    matrix = torch.tensor(
        [[mirror * wide * cos, -wide * sin, 0], [high * sin * mirror, high * cos, 0]]
    )
    stack = torch.cat([sample.planes, torch.stack([sample.full, sample.visible, sample.maybe])])
    stack = _through(matrix, stack, "zeros")
    tokens = _through(matrix, sample.tokens, "border")
    return Sample(stack[:-3], tokens, *stack[-3:])


def _through(matrix: Tensor, values: Float[Tensor, "c s s"], beyond: str) -> Float[Tensor, "c s s"]:
    grid = affine_grid(matrix[None].to(values), [1, *values.shape], align_corners=False)
    return grid_sample(values[None], grid, padding_mode=beyond, align_corners=False)[0]


def _believed(store: Store, target: Target, rng: np.random.Generator) -> tuple[int, ...]:
    """The hiders as somebody may think they are."""
    counts = np.bincount(store.index[target.scene].ravel())
    others = [int(j) - 1 for j in np.nonzero(counts)[0] if j not in (0, target.number + 1)]
    chance = rng.random()
    if chance < ALL_GIVEN:
        return tuple(others)
    wrong = [j for j in others if j not in target.hiders]
    if chance < ALL_GIVEN + ONE_MORE and wrong:
        return (*target.hiders, int(rng.choice(wrong)))
    return target.hiders


def _faulty(masks: Masks, rng: np.random.Generator) -> Masks:
    """Grown or shrunk by a pixel or two, most of the time not at all."""
    if rng.random() >= FAULTY:
        return masks
    visible, hiders, others = (
        _changed(mask.numpy(), rng) for mask in (masks.visible, masks.hiders, masks.others)
    )
    visible = visible & ~masks.others.numpy() if rng.random() < 0.5 else visible
    hiders, others = hiders & ~visible, (others | hiders) & ~visible
    return Masks(*(torch.from_numpy(mask) for mask in (visible, hiders, others)))


def _changed(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    steps = int(rng.integers(1, 3)) if mask.sum() > 2000 else 1
    kind = rng.random()
    if kind < 0.4:
        return mask
    if kind < 0.7:
        return binary_dilation(mask, iterations=steps)
    return binary_erosion(mask, iterations=steps, border_value=1)


@dataclass(frozen=True)
class Feed(IterableDataset[list[Tensor]]):
    """Batches without end, each pass in another order; see `stacked`."""

    store: Store
    targets: Sequence[Target]
    size: int  # of a batch
    seed: int

    def __iter__(self) -> Iterator[list[Tensor]]:
        worker = get_worker_info()
        torch.set_num_threads(1)
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        waiting: list[Sample] = []
        while True:
            for place in rng.permutation(len(self.targets)):
                sample = varied(self.store, self.targets[place], rng)
                if sample is None:
                    continue
                waiting.append(sample)
                if len(waiting) == self.size:
                    yield stacked(waiting)
                    waiting = []


def stacked(samples: list[Sample]) -> list[Tensor]:
    """planes, tokens, full, visible, maybe; each [b, ...]."""
    return [
        torch.stack([getattr(sample, name) for sample in samples])
        for name in ("planes", "tokens", "full", "visible", "maybe")
    ]
