"""Which views are learned from, which only watched meanwhile, and which kept for the figures."""

import hashlib
from pathlib import Path

from training import library

BUILT = "built-"  # begins the names of made-up pieces; the others are the library's
WATCHED = 16  # one model in so many of those not held out


def is_built(name: str) -> bool:
    """Whether it is a made-up piece."""
    return name.startswith(BUILT)


def is_held_out(name: str) -> bool:
    """Whether a model is for the figures only."""
    return not is_built(name) and library.is_held_out(name)


def is_watched(name: str) -> bool:
    """Whether a model shows, while others are learned, how well new ones are understood."""
    if is_built(name) or is_held_out(name):
        return False
    return int(hashlib.sha256(f"watched {name}".encode()).hexdigest(), 16) % WATCHED == 0


def names(views: Path, held_out: bool) -> list[str]:
    """What there are views of, on one side."""
    found = (file.stem for file in views.glob("*.npz"))
    return sorted(name for name in found if is_held_out(name) == held_out)
