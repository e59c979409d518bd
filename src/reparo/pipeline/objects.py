"""One object after the other: what goes wrong with one costs that object, not the scene."""

import gc
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import torch

from reparo import models
from reparo.contracts import Closeable, Progress, Shrinkable
from reparo.errors import BackendFailed, InputError, OutOfMemory, ReparoError
from reparo.settings import Choice

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

REMEDY = "end what else needs memory, take smaller settings, or try --device cpu"
NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # torch's words


@dataclass(frozen=True)
class Kept(Generic[Result]):
    """The objects that a step could do, by name, and what is to be said of it, in words."""

    done: Mapping[str, Result]
    notes: tuple[str, ...] = ()


@dataclass
class Worker:
    """A stage's backend: built when it is first asked, let go of when the stage is over."""

    choice: Choice
    progress: Progress
    logs: Path
    backend: Any = None
    notes: list[str] = field(default_factory=list)  # of the object at hand

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __call__(self, *inputs: Any) -> Any:
        """The backend's answer; where memory runs out, that of its smaller self, tried once."""
        if self.backend is None:
            self.backend = self._built()
        self.notes.clear()
        try:
            return self.backend(*inputs)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            reason = _sentence(error)
        # only here is the error gone, whose traceback holds on to all that filled the memory
        return self._smaller(reason, *inputs)

    def close(self) -> None:
        """Frees what the backend holds, unless networks are to stay for the next photo."""
        if not models.kept():
            _freed(self.backend)
        self.backend = None

    def _built(self) -> Any:
        try:
            return self.choice.create(self.progress, self.logs, self.notes.append)
        except InputError as error:  # concerns every object, so none is skipped for it
            raise ReparoError(str(error)) from error

    def _smaller(self, reason: str, *inputs: Any) -> Any:
        _freed(self.backend)
        able = isinstance(self.backend, Shrinkable)
        smaller: Any = self.backend.smaller() if able else None
        if smaller is None:
            raise OutOfMemory(f"memory ran out ({reason}); {REMEDY}")
        log.info("memory ran out (%s): trying once more with less detail", reason)
        try:
            answer = smaller(*inputs)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            reason = _sentence(error)
        else:
            self.notes.append("was made with less detail, since memory ran out")
            return answer
        finally:
            _freed(smaller)
        raise OutOfMemory(f"memory ran out even with less detail ({reason}); {REMEDY}")


def each(
    what: str, items: Mapping[str, Item], one: Callable[[Item], Result], progress: Progress
) -> Kept[Result]:
    """One after the other; an object that cannot be done is left out, and a note says why.

    What concerns all objects alike, such as weights that are missing, is raised at once.
    """
    done: dict[str, Result] = {}
    notes: list[str] = []
    reason: Exception | None = None
    for index, (name, item) in enumerate(items.items()):
        progress(what, index, len(items))
        try:
            done[name] = one(item)
        except ReparoError as error:
            if not isinstance(error, InputError | BackendFailed):
                raise
            reason = error
        except Exception as error:
            log.debug("%s: %s", name, what, exc_info=True)
            reason = error
        if name not in done:
            notes.append(f"{name} is left out, {what} failed: {_sentence(reason)}")
            log.info("%s", notes[-1])
    progress(what, len(items), len(items))
    if not done:
        sentence = f"no object is left, {what} failed for all: {_sentence(reason)}"
        raise _kind(reason)(sentence) from reason
    return Kept(done, tuple(notes))


def _kind(reason: Exception | None) -> type[Exception]:
    """What to raise where all failed for this: a fault of nobody's knowing is one of ours."""
    if isinstance(reason, InputError):
        return InputError
    mendable = isinstance(reason, BackendFailed) or is_out_of_memory(reason)
    return BackendFailed if mendable else RuntimeError


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out, on whichever device; torch says so in three ways."""
    if isinstance(error, MemoryError | OutOfMemory | torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in NO_MEMORY)


def _sentence(error: Exception | None) -> str:
    """The first line of what went wrong; of errors that are not for people with their kind."""
    first = str(error).strip().partition("\n")[0]
    if isinstance(error, ReparoError):
        return first
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _freed(backend: Any) -> None:
    """Lets go of a backend's network, and gives memory back to the device."""
    if not isinstance(backend, Closeable):
        return
    backend.close()
    gc.collect()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
