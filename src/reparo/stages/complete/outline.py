"""Where an object goes on behind what hides it.

The outline is the zero of a field: inside the visible part the distance to the free outline,
outside minus the distance to the object. Behind the hiding objects the field is unknown; it is
continued as a thin plate under some tension,

    minimise  sum (Laplacian f)^2 + TENSION sum |grad f|^2 + MIRROR trust sum (f - mirrored f)^2,

so that outlines go on smoothly and straight where they disappear, meet on the far side, and follow
the object's own mirror image where it has one. The last sum is over hidden pixels whose mirror
image is not hidden.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from reparo.stages.complete.mirror import Mirror, find_mirror, look_up

TENSION = 0.1  # 1/px^2
MIRROR = 0.05  # 1/px^4
REACH = 0.6  # of the visible part's longer side: how far beyond it a hidden part is looked for
WORKING_SIDE = 80  # px, about: larger outlines are completed on a coarser grid


@dataclass(frozen=True)
class Completion:
    """The hidden part, and the symmetry it was found with."""

    hidden: Bool[np.ndarray, "h w"]
    mirror: Mirror | None  # in the photo's pixels, centres at integers


def complete_outline(
    visible: Bool[np.ndarray, "h w"], hiders: Bool[np.ndarray, "h w"]
) -> Completion:
    """The hidden part of an object inside the masks of what hides it; maybe nothing."""
    window, step = _working_grid(visible)
    seen, maybe = visible[window], (hiders & ~visible)[window]
    small_seen = _coarser(seen, step) >= 0.5
    small_maybe = (_coarser(maybe, step) >= 0.5) & ~small_seen
    if not (small_seen.any() and small_maybe.any()):
        return Completion(np.zeros_like(visible), None)
    mirror = find_mirror(small_seen, small_maybe)
    field = _continued(_known_field(small_seen, small_maybe), small_maybe, mirror)
    hidden = np.zeros_like(visible)
    hidden[window] = (_finer(field, step, seen.shape) > 0) & maybe
    hidden = attached(visible, hidden)
    return Completion(hidden, None if mirror is None else _in_photo(mirror, window, step))


def _working_grid(visible: np.ndarray) -> tuple[tuple[slice, slice], int]:
    """The part of the photo looked at, and how many of its pixels a working pixel is wide."""
    rows, columns = np.nonzero(visible)
    margin = int(REACH * max(np.ptp(rows), np.ptp(columns))) + 4
    window = tuple(
        slice(max(int(along.min()) - margin, 0), min(int(along.max()) + margin + 1, length))
        for along, length in zip((rows, columns), visible.shape, strict=True)
    )
    longest = max(part.stop - part.start for part in window)
    return (window[0], window[1]), max(1, round(longest / WORKING_SIDE))


def _coarser(mask: np.ndarray, step: int) -> Float[np.ndarray, "a b"]:
    """Means over squares of `step` pixels; the edge is repeated to fill the last ones."""
    padding = [(0, -length % step) for length in mask.shape]
    padded = np.pad(mask.astype(float), padding, mode="edge")
    rows, columns = (length // step for length in padded.shape)
    return padded.reshape(rows, step, columns, step).mean((1, 3))


def _finer(field: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """The field at the photo's pixels, bilinearly."""
    from scipy.ndimage import map_coordinates

    rows, columns = ((np.arange(length) + 0.5) / step - 0.5 for length in shape)
    grid = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(field, grid, order=1, mode="nearest")


def _known_field(seen: np.ndarray, maybe: np.ndarray) -> np.ndarray:
    """Signed distance to the free outline, in px, within the object's own size; 0 if unknown."""
    from scipy.ndimage import distance_transform_edt

    limit = np.sqrt(seen.sum())
    free = ~seen & ~maybe
    inside: Any = distance_transform_edt(~free) if free.any() else np.full(seen.shape, limit)
    outside: Any = distance_transform_edt(~seen)
    field = np.where(seen, inside - 0.5, 0.5 - outside).clip(-limit, limit)
    return np.where(maybe, 0, field)


def _continued(known: np.ndarray, maybe: np.ndarray, mirror: Mirror | None) -> np.ndarray:
    """Solves the least squares problem above for the pixels in `maybe`."""
    from scipy.sparse import diags, vstack
    from scipy.sparse.linalg import spsolve

    gradient = _differences(known.shape)
    unknown = maybe.ravel()
    concerned = abs(gradient) @ unknown > 0
    plate = gradient.T @ gradient
    bent = abs(plate) @ unknown > 0
    system = vstack([plate[bent], np.sqrt(TENSION) * gradient[concerned]]).tocsc()
    free = system[:, unknown]
    normal, right = free.T @ free, -free.T @ (system @ known.ravel())
    if mirror is not None:
        y, x = np.nonzero(maybe)
        known_or_nan = np.where(maybe, np.nan, known)
        image = look_up(known_or_nan, *mirror.reflect(x, y), outside=np.nan)
        weight = MIRROR * mirror.trust * ~np.isnan(image)
        normal = normal + diags(weight)
        right = right + weight * np.nan_to_num(image)
    solved: Any = spsolve(normal.tocsc(), right)
    field = known.copy()
    field[maybe] = solved
    return field


def _differences(shape: tuple[int, ...]) -> Any:
    """The sparse matrix of differences between neighbours, one row a pair of pixels."""
    from scipy.sparse import coo_matrix

    index = np.arange(shape[0] * shape[1]).reshape(shape)
    first = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    second = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    row = np.arange(len(first))
    values = np.concatenate([np.ones(len(first)), -np.ones(len(first))])
    places = (np.concatenate([row, row]), np.concatenate([first, second]))
    return coo_matrix((values, places), shape=(len(first), index.size)).tocsr()


def attached(
    visible: Bool[np.ndarray, "h w"], hidden: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """The hidden pixels that hang together with visible ones."""
    from scipy.ndimage import label

    numbered: Any = label(visible | hidden, np.ones((3, 3)))
    parts = numbered[0]
    return hidden & np.isin(parts, np.unique(parts[visible]))


def _in_photo(mirror: Mirror, window: tuple[slice, slice], step: int) -> Mirror:
    x, y = ((along + 0.5) * step - 0.5 for along in mirror.centre)
    return Mirror((x + window[1].start, y + window[0].start), mirror.normal, mirror.score)
