"""More hidden objects: a whole object of one scene is pasted in front of an object of another.

The full masks stay true, and the picture is seen by the transformer as it then is.
"""

import numpy as np
from PIL import Image

from training.outline.scene import Scene

LEAST_AREA = 300  # px of what is hidden, and of what is pasted
COVERED = (0.08, 0.72)  # how much of the object is hidden in the end
TRIES = 12
RATIO = (0.45, 1.7)  # longer side of what is pasted, over that of what it hides
LARGER = 1.4  # what is pasted becomes at most so many times larger, so that it stays sharp
NEARER = 1.05  # times the disparity of what it hides
LEAST_VISIBLE = 60  # px: what shows less is no object any more, as in `training.scenes`


def pasted(base: Scene, donor: Scene, rng: np.random.Generator) -> Scene | None:
    """The base with an object of the donor in front of one of its own; None where none fits."""
    target = _pick(base, rng, least_share=0.85)
    given = _pick(donor, rng, least_share=0.985)
    if target is None or given is None or donor.names[given] in base.names:
        return None
    rgb, alpha = _cut(donor, given)
    whole = base.full[target]
    for _ in range(TRIES):
        small, mask = _resized(rgb, alpha, _longer(whole) * rng.uniform(*RATIO), rng)
        top, left = _place(whole, mask.shape, rng)
        opacity = _laid(mask, (top, left), base.index.shape)
        cover = opacity >= 0.5
        share = (whole & base.visible(target) & ~cover).sum() / whole.sum()
        if 1 - COVERED[1] <= share <= 1 - COVERED[0]:
            colours = np.stack(
                [_laid(small[..., k], (top, left), base.index.shape) for k in range(3)], -1
            )
            return _composed(base, (colours, opacity, cover), target, donor.names[given])
    return None


def _composed(
    base: Scene, drawn: tuple[np.ndarray, np.ndarray, np.ndarray], target: int, name: str
) -> Scene:
    """The base behind what is pasted; objects that hardly show are no objects any more."""
    colours, opacity, cover = drawn
    mixed = base.rgb * (1 - opacity[..., None]) + colours * opacity[..., None]
    index = np.where(cover, len(base.names) + 1, base.index).astype(np.uint8)
    for i in range(len(base.names)):
        if (index == i + 1).sum() < LEAST_VISIBLE:
            index[index == i + 1] = 0
    near = float(base.disparity[base.visible(target)].max()) * NEARER
    disparity = np.where(cover, near, base.disparity)
    full = np.concatenate([base.full, cover[None]])
    rgb = mixed.round().clip(0, 255).astype(np.uint8)
    return Scene(rgb, index, full, disparity, (*base.names, name))


def _pick(scene: Scene, rng: np.random.Generator, least_share: float) -> int | None:
    """An object that shows enough and does not touch the picture's edge."""
    fit = []
    for i in range(len(scene.names)):
        visible = scene.visible(i)
        edge = visible[[0, -1]].any() or visible[:, [0, -1]].any()
        if visible.sum() >= LEAST_AREA and not edge and scene.share(i) >= least_share:
            fit.append(i)
    return int(rng.choice(fit)) if fit else None


def _cut(scene: Scene, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Colours and mask of an object in its box."""
    rows, columns = np.nonzero(scene.visible(i))
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    return scene.rgb[box], scene.visible(i)[box]


def _longer(mask: np.ndarray) -> int:
    rows, columns = np.nonzero(mask)
    return int(max(np.ptp(rows), np.ptp(columns))) + 1


def _resized(
    rgb: np.ndarray, mask: np.ndarray, longer: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """At another size, mirrored half of the time; the mask becomes 0..1."""
    factor = min(longer / max(mask.shape), LARGER)
    size = (max(2, round(mask.shape[1] * factor)), max(2, round(mask.shape[0] * factor)))
    alpha = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    colours = Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR)
    turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
    return np.asarray(colours)[:, turn].astype(float), np.asarray(alpha)[:, turn] / 255


def _place(whole: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """Top and left of what is pasted; mostly its foot is lower, as nearer things' are."""
    rows, columns = np.nonzero(whole)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    high = bottom - top
    if rng.random() < 0.8:
        foot = bottom + rng.uniform(-0.1, 0.5) * high
        row = foot - shape[0]
    else:
        row = rng.uniform(top - shape[0], bottom)
    column = rng.uniform(left - 0.8 * shape[1], right - 0.2 * shape[1])
    return round(row), round(column)


def _laid(values: np.ndarray, corner: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """The values in an empty picture, cut off at its edge."""
    out = np.zeros(shape)
    top, left = corner
    first = max(0, top), max(0, left)
    last = min(shape[0], top + values.shape[0]), min(shape[1], left + values.shape[1])
    if first[0] < last[0] and first[1] < last[1]:
        out[first[0] : last[0], first[1] : last[1]] = values[
            first[0] - top : last[0] - top, first[1] - left : last[1] - left
        ]
    return out
