"""Whether networks stay in memory when their stage is over: for whoever has many photos."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_keep: ContextVar[bool] = ContextVar("keep", default=False)


@contextmanager
def keeping(keep: bool = True) -> Iterator[None]:
    """Within, stages do not let go of their networks, if there is memory for all of them."""
    token = _keep.set(keep)
    try:
        yield
    finally:
        _keep.reset(token)


def kept() -> bool:
    """Whether they stay."""
    return _keep.get()
