"""From which side a picture shows a mesh, where the generator does not say.

Some generators give an object in the pose that its kind usually has, whatever side the picture
shows. Here the mesh is looked at from all around, and the view that is most like the picture wins:
outline and colours, both brought to the same box.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.scene import Cutout

SIDE = 32  # px of the views that are compared
SAMPLES = 8000  # points on the surface: every pixel of a view gets several
TURNS = 36  # steps of 10 degrees
TELLING = 0.01  # of the error, 0..1: what a view must be better by than that without a turn
RAISED_DEG = (0, 15, 30, 45)  # how far above the object's level the eye may be


def facing(
    vertices: Float[np.ndarray, "v 3"],
    faces: np.ndarray,
    colours: Float[np.ndarray, "v 3"],
    cutout: Cutout,
) -> Float[np.ndarray, "3 3"]:
    """The rotation after which +z points to the eye of the cut-out; the mesh has y up.

    None at all where no other view is clearly more alike.
    """
    points, paint = _sampled(vertices, faces, colours)
    wanted, seen = _picture(cutout)
    views = [
        _rotation(2 * math.pi * turn / TURNS, math.radians(raised))
        for raised in RAISED_DEG
        for turn in range(TURNS)
    ]
    errors = [_error(_view(points @ view.T, paint), wanted, seen) for view in views]
    best = int(np.argmin(errors))
    return views[best] if errors[best] < errors[0] - TELLING else views[0]


def _rotation(turn: float, raised: float) -> Float[np.ndarray, "3 3"]:
    """About the upright axis, then towards the eye above."""
    c, s = math.cos(turn), math.sin(turn)
    about = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = math.cos(raised), math.sin(raised)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ about


def _sampled(
    vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Points on the surface, as many as the area asks for, and their colours; always the same."""
    random = np.random.default_rng(0)
    a, b, c = (vertices[corner] for corner in faces.T)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = random.choice(len(faces), SAMPLES, p=area / area.sum())
    weight = random.dirichlet((1.0, 1.0, 1.0), SAMPLES)[..., None]
    corners = faces[chosen]
    return (vertices[corners] * weight).sum(1), (colours[corners] * weight).sum(1)


def _view(
    points: Float[np.ndarray, "n 3"], paint: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "s s 4"]:
    """The nearest point of each pixel, seen from far; the object's box fills the picture's side."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    scale = (SIDE - 1e-6) / (high - low).max()
    at = (points[:, :2] - (low + high) / 2) * scale + SIDE / 2
    column = np.floor(at[:, 0]).astype(int).clip(0, SIDE - 1)
    row = np.floor(SIDE - at[:, 1]).astype(int).clip(0, SIDE - 1)
    order = points[:, 2].argsort()  # the nearest last: it stays
    view = np.zeros((SIDE, SIDE, 4))
    view[row[order], column[order]] = np.concatenate([paint, np.ones((len(paint), 1))], 1)[order]
    return view


def _picture(
    cutout: Cutout,
) -> tuple[Float[np.ndarray, "s s 4"], Float[np.ndarray, "s s"]]:
    """The cut-out likewise; and how much of each pixel the photo shows."""
    alpha = cutout.rgba[..., 3] >= 0.5
    rows, columns = (alpha.any(axis).nonzero()[:, 0] for axis in (1, 0))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    side = max(bottom - top, right - left)
    planes = torch.cat(
        [
            cutout.rgba[..., :3] * alpha[..., None],
            alpha[..., None].to(cutout.rgba),
            cutout.visible[..., None].to(cutout.rgba),
        ],
        -1,
    )
    square = planes.new_zeros(side, side, 5)
    down, along = (side - bottom + top) // 2, (side - right + left) // 2
    square[down : down + bottom - top, along : along + right - left] = planes[
        top:bottom, left:right
    ]
    small = torch.nn.functional.adaptive_avg_pool2d(_big_enough(square).movedim(-1, 0), SIDE)
    found = small.movedim(0, -1).double().cpu().numpy()
    opaque = found[..., 3:4] >= 0.5
    colour = np.where(opaque, found[..., :3] / found[..., 3:4].clip(1e-6), 0)
    return np.concatenate([colour, opaque], -1), found[..., 4]


def _big_enough(square: Float[Tensor, "s s c"]) -> Float[Tensor, "t t c"]:
    factor = -(-SIDE // square.shape[0])
    return square.repeat_interleave(factor, 0).repeat_interleave(factor, 1)


def _error(view: np.ndarray, wanted: np.ndarray, seen: np.ndarray) -> float:
    """Mean over the pixels of either: 1 where one is empty, else the colours' difference."""
    mine, theirs = view[..., 3] > 0.5, wanted[..., 3] > 0.5
    both = mine & theirs
    # invented colours count half
    weight = np.where(seen > 0.5, 1.0, 0.5)
    differing = (np.abs(view[..., :3] - wanted[..., :3]).mean(-1) * weight)[both].sum()
    return float(((mine ^ theirs).sum() + differing) / max(1, (mine | theirs).sum()))
