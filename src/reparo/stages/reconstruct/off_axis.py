"""Cut-outs from beside the picture's middle, as a camera would see them that looks straight there.

A mesh made from a cut-out faces the eye: its z is the ray through the cut-out's middle. A picture
is flat, and cut by that ray at an angle: away from its middle it is drawn larger, and more so
outwards than around. What is not corrected for this can't lie on the photo's outline again.
"""

import math

import numpy as np
from jaxtyping import Float

from reparo.scene import Cutout


def focal_in_sides(cutout: Cutout) -> float | None:
    """How far away the cut-out was taken, in its own sides, as seen straight on.

    At an angle t a picture is drawn larger by 1 / cos² t outwards and 1 / cos t around: this is
    longer than the lens by their mean, 1 / cos^1.5 t, so that sizes stay as they are.
    """
    if cutout.focal is None:
        return None
    side = float(cutout.photo_from_cutout[0, 0]) * len(cutout.rgba)
    return cutout.focal / side * math.hypot(*_ray(cutout, np.zeros((1, 2)))[0]) ** 1.5


def straight_on(points: Float[np.ndarray, "v 2"], cutout: Cutout) -> Float[np.ndarray, "v 2"]:
    """Where a camera that looks straight at the cut-out's middle sees points of it.

    Both in sides from the middle, x to the right, y up. Where lens or place are unknown, as given.
    """
    focal = focal_in_sides(cutout)
    if focal is None or cutout.principal is None:
        return points
    middle = -_ray(cutout, np.zeros((1, 2)))[0]
    z = middle / np.linalg.norm(middle)
    x = np.cross([0.0, 1.0, 0.0], z)
    x /= np.linalg.norm(x)
    turned = _ray(cutout, points) @ np.stack([x, np.cross(z, x), z], -1)
    return focal * turned[:, :2] / -turned[:, 2:]


def _ray(cutout: Cutout, points: Float[np.ndarray, "v 2"]) -> Float[np.ndarray, "v 3"]:
    """From the eye through points of a cut-out, in the camera's frame; 1 long along its axis."""
    axis = np.tile([0.0, 0.0, -1.0], (len(points), 1))
    if cutout.focal is None or cutout.principal is None:
        return axis
    side = len(cutout.rgba)
    pixels = side * (0.5 + points * [1, -1])
    matrix = cutout.photo_from_cutout.detach().cpu().double().numpy()
    photo = pixels @ matrix[:, :2].T + matrix[:, 2]
    axis[:, :2] = (photo - cutout.principal) / cutout.focal * [1, -1]
    return axis
