"""How far each point of an object's front stands out, from the cut-out's depth."""

from typing import Any

import numpy as np
from jaxtyping import Float

STEEPEST = 1.0  # slope of an object's overall tilt that is believed
PLAIN = 0.25  # of the inflated front's height: relief that is as strong replaces it


def standing_out(
    depth: Float[np.ndarray, "s s"], points: Float[np.ndarray, "v 2"], focal: float
) -> Float[np.ndarray, " v"]:
    """Height towards the viewer at points given in px of the cut-out; median about 0.

    Heights have the unit of `focal`, the focal length, which need not be px of the cut-out:
    z / z0 = 1 - height / focal, z0 the median: what stands out by one pixel's width is nearer by
    that. Unknown depth (nan) is that of the nearest known pixel.
    """
    from scipy.ndimage import distance_transform_edt, map_coordinates, median_filter

    known = np.isfinite(depth) & (depth > 0)
    found: Any = distance_transform_edt(~known, return_distances=False, return_indices=True)
    ratio = depth[tuple(found)] / np.median(depth[known])
    smooth = median_filter(ratio, 5, mode="nearest")
    at_points = map_coordinates(smooth, points[:, ::-1].T - 0.5, order=1, mode="nearest")
    return (1 - at_points) * focal


def front_and_back(
    half: Float[np.ndarray, " v"], points: Float[np.ndarray, "v 2"], relief: Float[np.ndarray, " v"]
) -> tuple[Float[np.ndarray, " v"], Float[np.ndarray, " v"]]:
    """Front and back heights for half a thickness and a measured front, all in the same unit.

    A depth map that knows no more than how the object leans gives a leaning cushion; one that
    knows its relief gives that as the front, and a back as far behind it as the cushion is thick.
    """
    slopes, lean = _plane(points, relief)
    steep = max(1.0, float(np.linalg.norm(slopes)) / STEEPEST)
    bumps = relief - lean
    largest = np.ptp(points, axis=0).max() / 2
    low, high = np.quantile(bumps, [0.02, 0.98])
    strength = min(1.0, (high - low) / (PLAIN * max(float(half.max()), 1e-12)))
    bumps = bumps.clip(max(low, -largest), min(high, largest))
    front = lean / steep + strength * bumps + (1 - strength) * half
    return front, front - 2 * half


def _plane(points: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and values of the plane nearest to the heights, the worst tenth left out."""
    centred = points - points.mean(0)
    system = np.concatenate([centred, np.ones((len(points), 1))], 1)
    chosen = np.ones(len(points), dtype=bool)
    solution = np.zeros(3)
    for _ in range(3):
        solution = np.linalg.lstsq(system[chosen], heights[chosen], rcond=None)[0]
        error = np.abs(heights - system @ solution)
        chosen = error <= np.quantile(error, 0.9)
    return solution[:2], system @ solution
