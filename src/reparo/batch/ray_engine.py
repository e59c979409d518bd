"""The engine for a cluster: the same steps, each where Ray has room for it.

Where the cluster has GPUs, every GPU gets one worker a stage that uses networks, and each photo
goes from worker to worker; its steps pass as files, in a folder that all machines share. Without
GPUs there is nothing to place: a worker a core does whole photos.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from reparo.batch.drive import How
from reparo.batch.photos import Line, Task
from reparo.batch.worker import named
from reparo.errors import MissingExtra, ReparoError

log = logging.getLogger(__name__)

LOOK = 0.5  # s between looks at clocks
PATIENCE = 60.0  # s without a worker, after which it is said
AGAIN = "it is tried once more"


@dataclass(frozen=True)
class Needs:
    """What one worker of a stage takes."""

    cpus: float  # cores
    gpu: float  # share of one; a worker of each stage together fill it


NEEDS = {
    "segment": Needs(1.0, 0.25),
    "depth": Needs(1.0, 0.15),
    "complete": Needs(1.0, 0.25),
    "reconstruct": Needs(1.0, 0.35),
    "layout": Needs(1.0, 0.0),
}
WHOLE = {"layout": NEEDS["layout"]}  # which brings all steps before it that are not there yet


@dataclass(frozen=True)
class Cluster:
    """What Ray has."""

    cpus: float
    gpus: float
    memory: float  # bytes

    def stations(self, workers: int | None, need: int, photos: int) -> dict[str, tuple[int, Needs]]:
        """How many workers each stage gets, and what one takes; `workers` counts GPUs or cores."""
        if self.gpus < 1:
            fitting = max(1, int(min(self.cpus, self.memory // need)))
            return {"layout": (min(workers or fitting, photos), WHOLE["layout"])}
        sets = min(int(self.gpus), workers or int(self.gpus), photos)
        placed = {name: (sets, needs) for name, needs in NEEDS.items()}
        spare = int(self.cpus) - sum(count for name, (count, _) in placed.items())
        layouts = sets + max(0, min(spare, 3 * sets))  # the slowest without a GPU
        placed["layout"] = (min(layouts, photos), NEEDS["layout"])
        share = min(1.0, self.cpus / sum(count for count, _ in placed.values()))
        return {
            name: (count, Needs(needs.cpus * share, needs.gpu))
            for name, (count, needs) in placed.items()
        }


@dataclass
class Flight:
    """A task at a worker; without one the worker only says that it is there."""

    stage: str
    station: Any
    task: Task | None = None
    begun: float = field(default_factory=time.monotonic)
    hung: bool = False


@dataclass
class RayEngine:
    """Workers of a Ray cluster."""

    told: Mapping[str, Any]  # options of the work
    how: How
    need: int  # bytes a worker
    work: str = "reparo.batch.one:in_stages"  # module:function
    _waiting: dict[str, deque[Task]] = field(default_factory=dict, repr=False)  # by stage
    _idle: dict[str, list[Any]] = field(default_factory=dict, repr=False)
    _flights: dict[Any, Flight] = field(default_factory=dict, repr=False)
    _needs: dict[str, Needs] = field(default_factory=dict, repr=False)
    _memory: int = 0  # bytes that Ray sets aside for a worker
    _spent: dict[Task, dict[str, float]] = field(default_factory=dict, repr=False)  # s a stage
    _tried: set[Task] = field(default_factory=set, repr=False)

    def __call__(
        self, tasks: Sequence[Task], begun: Callable[[Task], None]
    ) -> Iterator[tuple[Task, Line]]:
        """Does them all."""
        with _connected(self.how) as (ray, cluster):
            placed = cluster.stations(self.how.workers, self.need, len(tasks))
            log.info("%s", ", ".join(f"{name}: {count}" for name, (count, _) in placed.items()))
            self._needs = {name: needs for name, (_, needs) in placed.items()}
            # whole photos take so much memory; where stages are apart, each takes less of it
            share = cluster.memory / sum(count for count, _ in placed.values())
            self._memory = int(min(self.need, share)) if len(placed) == 1 else 0
            self._waiting = {name: deque() for name in placed}
            self._idle = {name: [] for name in placed}
            for name, (count, _) in placed.items():
                for _ in range(count):
                    self._engage(ray, name)
            self._waiting[next(iter(placed))].extend(tasks)
            yield from self._work(ray, begun)

    def _work(self, ray: Any, begun: Callable[[Task], None]) -> Iterator[tuple[Task, Line]]:
        patience = time.monotonic() + PATIENCE
        while any(self._waiting.values()) or any(one.task for one in self._flights.values()):
            self._fill(begun)
            landed, _ = ray.wait(list(self._flights), num_returns=1, timeout=LOOK)
            for reference in landed:
                patience = float("inf")
                yield from self._landed(ray, reference, self._flights.pop(reference))
            self._look(ray)
            if time.monotonic() > patience:
                log.warning("no worker has a place yet; `ray status` says who has the cluster")
                patience = float("inf")

    def _engage(self, ray: Any, stage: str) -> None:
        """A new worker, which is idle once it has answered."""
        needs = self._needs[stage]
        actor = ray.remote(Station).options(
            num_cpus=needs.cpus, num_gpus=needs.gpu, memory=self._memory, max_restarts=0
        )
        station = actor.remote(self.work, dict(self.told))
        self._flights[station.there.remote()] = Flight(stage, station)

    def _fill(self, begun: Callable[[Task], None]) -> None:
        """Gives idle workers something to do, to the later stages first."""
        first = next(iter(self._waiting))
        for stage in reversed(self._waiting):
            while self._waiting[stage] and self._idle[stage]:
                task, station = self._waiting[stage].popleft(), self._idle[stage].pop()
                if stage == first:
                    begun(task)
                where = (stage, str(task.photo.absolute()), str(task.folder.absolute()))
                self._flights[station.do.remote(*where)] = Flight(stage, station, task)

    def _landed(self, ray: Any, reference: Any, flight: Flight) -> Iterator[tuple[Task, Line]]:
        try:
            answer = ray.get(reference)
        except ray.exceptions.RayError as error:
            yield from self._lost(ray, flight, error)
            return
        self._idle[flight.stage].append(flight.station)
        task = flight.task
        if task is None:
            return
        spent = self._spent.setdefault(task, {})
        spent[flight.stage] = round(time.monotonic() - flight.begun, 2)
        if answer is None:
            stages = list(self._waiting)
            self._waiting[stages[stages.index(flight.stage) + 1]].append(task)
        else:
            answer.pop("memory", None)  # Ray places a second try no better than the first
            yield task, answer | self._times(task)

    def _lost(self, ray: Any, flight: Flight, error: Exception) -> Iterator[tuple[Task, Line]]:
        """A worker ended, and with it what it was at."""
        if flight.task is None:
            raise ReparoError(f"a worker could not start on the cluster: {_first_line(error)}")
        self._engage(ray, flight.stage)
        task = flight.task
        again = not flight.hung and task not in self._tried
        self._tried.add(task)
        limit = f"took longer than {self.how.time_limit:g} s (--time-limit)"
        reason = limit if flight.hung else f"the worker died: {_first_line(error)}"
        reason += f" in the step {flight.stage!r}"
        yield (
            task,
            {"done": False, "error": f"{reason}; {AGAIN}" if again else reason} | self._times(task),
        )
        if again:
            self._waiting[next(iter(self._waiting))].append(task)

    def _times(self, task: Task) -> dict[str, Any]:
        stages = self._spent.pop(task, {})
        return {"seconds": round(sum(stages.values()), 2), "stages": stages}

    def _look(self, ray: Any) -> None:
        """Ends workers whose task takes too long."""
        for flight in self._flights.values():
            late = time.monotonic() - flight.begun > self.how.time_limit
            if flight.task is not None and late and not flight.hung:
                flight.hung = True
                ray.kill(flight.station)


class Station:
    """A worker, as Ray runs it: does one stage of any photo, and keeps its networks."""

    def __init__(self, work: str, told: Mapping[str, Any]) -> None:
        self._do = named(work)(told)

    def there(self) -> bool:
        """Answers once it is."""
        return True

    def do(self, stage: str, photo: str, folder: str) -> Line | None:
        """One stage; the photo's line after the last, and where it failed."""
        return self._do(stage, Task(Path(photo), Path(folder)))


@contextmanager
def _connected(how: How) -> Iterator[tuple[Any, Cluster]]:
    """Ray, and what it has; a Ray of our own where there is no other."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        ray: Any = import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "--engine ray needs the package 'ray'; `pip install 'reparo3d[ray]'` brings it"
        ) from error
    ours = not ray.is_initialized()
    if ours:
        address = how.address or os.environ.get("RAY_ADDRESS")
        more: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **more)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ReparoError(
                f"no Ray cluster at {address or 'this machine'}: {_first_line(error)}"
            ) from error
    try:
        found = ray.cluster_resources()
        cpus, gpus, memory = (float(found.get(name, 0)) for name in ("CPU", "GPU", "memory"))
        yield ray, Cluster(cpus, gpus, min(memory, how.memory or memory))
    finally:
        if ours:
            ray.shutdown()


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
