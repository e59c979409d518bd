"""Ctrl-C, also where a library swallows it.

Some libraries catch whatever is raised while they import their own optional parts,
KeyboardInterrupt too. So each Ctrl-C is written down as well, and the next sign of progress stops
the work.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_seen: list[int] = []


@contextmanager
def watched(last: bool) -> Iterator[None]:
    """Within, Ctrl-C raises KeyboardInterrupt, as ever, and is written down.

    `last`: the process ends right after; Ctrl-C while Python shuts down changes nothing any more.
    """
    _seen.clear()
    if threading.current_thread() is not threading.main_thread():
        yield  # signals go to the main thread only
        return
    before = signal.signal(signal.SIGINT, _note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if last else before)


def came() -> bool:
    """Whether Ctrl-C came in what is or was `watched`."""
    return bool(_seen)


def stop_if_any() -> None:
    """Raises the KeyboardInterrupt that somebody swallowed."""
    if _seen:
        raise KeyboardInterrupt


def _note(number: int, frame: FrameType | None) -> None:
    _seen.append(number)
    raise KeyboardInterrupt
