"""Made-up pieces that are no thing: forms anyhow, of which much can be learnt all the same."""

import numpy as np

from training.shape.forms import Ball, Box, Cut, Form, Ring, Rod, Turned
from training.shape.pile import Pile, any_turn, cut, lump, outline, profile


def free(pile: Pile) -> None:
    """Any forms, each anyhow, each touching one that is there."""
    middles = [np.zeros(3)]
    for number in range(int(pile.rng.integers(2, 9))):
        size = pile.any(0.12, 0.5) * (1.5 if number == 0 else 1)
        turn = any_turn(pile.rng) if pile.chance(0.6) else np.eye(3)
        near = middles[int(pile.rng.integers(len(middles)))]
        way = pile.rng.normal(size=3)
        place = near + way / np.linalg.norm(way) * size * pile.any(0.5, 1.1) * (number > 0)
        form, stuff = any_form(pile, size), int(pile.rng.integers(4))
        pile.add(form, tuple(place), stuff, turn)
        if number:
            pile.rod(tuple(near), tuple(place), size * pile.any(0.08, 0.3), stuff)
        middles.append(place)


def any_form(pile: Pile, size: float) -> Form:
    """One of all forms, about so large."""
    half = size * pile.rng.uniform(0.2, 1, 3)
    kind = pile.pick(
        "box", "ball", "soft", "turned", "hollow", "ring", "cut", "rod", "prism", "lump"
    )
    if kind == "box":
        return Box(half)
    if kind in ("ball", "soft"):
        return Ball(half, 2.0 if kind == "ball" else pile.any(3, 9))
    if kind == "ring":
        return Ring(size * 0.7, size * pile.any(0.1, 0.3))
    if kind == "cut":
        return cut(pile.rng, size, size * pile.any(0.1, 0.8))
    if kind == "rod":
        return Rod(np.array([0, -size, 0]), np.array([0, size, 0]), size * pile.any(0.1, 0.4))
    if kind == "prism":
        return Cut(outline(pile.rng, int(pile.rng.integers(3, 8))) * size, size * pile.any(0.2, 1))
    if kind == "lump":
        return lump(pile.rng, size)
    shape = (profile(pile.rng) - [0.5, 0]) * [2 * size, 1.6 * size]
    inner = None
    if kind == "hollow" and shape[-1, 1] > 0.6 * shape[:, 1].max():
        inner = np.array([[0, shape[:, 1].min() * 0.7], [size, shape[-1, 1] * 0.8]])
        inner[:, 1] = np.minimum(inner[:, 1], 0.85 * np.interp(inner[:, 0], *shape.T))
        if (np.interp(shape[:, 0], *inner.T) > 0.9 * shape[:, 1])[shape[:, 0] > 0].any():
            inner = None
    return Turned(shape, 32 if pile.chance(0.7) else int(pile.rng.integers(3, 9)), inner)
