"""How many workers fit: so many as there are cores, and as the memory holds."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from reparo.errors import InputError

GIB = 1 << 30
SHARE = 0.8  # of the free memory, where nobody says more
MARGIN = 1.2  # over the largest that a photo was seen to need
ENOUGH = 3  # photos that must have been seen
OWN = GIB // 2  # what the batch itself takes
NEED = {"plain": 1 * GIB}  # bytes a worker, measured; at its largest photo (docs/batch.md)
USUAL_NEED = 7 * GIB // 2  # `embedded`, and whatever is not known better
BIG = ("paper", "paper-dreamgaussian")
BIG_NEED = 10 * GIB
CGROUPS = (("memory.max", "memory.current"),)  # of version 2
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True)
class Machine:
    """What there is."""

    cores: int
    free: int  # bytes
    gpus: int = 0


@dataclass(frozen=True)
class Plan:
    """How many workers, and what they may take."""

    workers: int
    memory: int  # bytes, of all workers together
    need: int  # bytes a worker is expected to take
    threads: int  # a worker
    gpus: int = 0

    def environment(self, slot: int) -> dict[str, str]:
        """Variables for the worker in a slot: its share of the cores, and its GPU."""
        threads = str(self.threads)
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        found = {name: threads for name in names if name not in os.environ}
        if self.gpus > 1 and "CUDA_VISIBLE_DEVICES" not in os.environ:
            found["CUDA_VISIBLE_DEVICES"] = str(slot % self.gpus)
        return found


def planned(
    machine: Machine,
    need: int,
    photos: int,
    workers: int | None = None,
    memory: int | None = None,
) -> Plan:
    """As many workers as the cores, the memory and the GPUs allow, unless it is said."""
    budget = memory if memory is not None else max(need, int(SHARE * machine.free) - OWN)
    fitting = max(1, min(machine.cores, budget // need))
    if machine.gpus:
        fitting = min(fitting, machine.gpus)
    chosen = max(1, min(workers if workers is not None else fitting, photos))
    return Plan(chosen, budget, need, max(1, machine.cores // chosen), machine.gpus)


def need_of(preset: str, peaks: Sequence[float]) -> int:
    """What a worker takes, bytes: as seen on this batch's photos (MiB), else as measured."""
    if len(peaks) >= ENOUGH:
        return int(MARGIN * max(peaks) * (1 << 20))
    return BIG_NEED if preset in BIG else NEED.get(preset, USUAL_NEED)


def machine(device: str) -> Machine:
    """This machine; GPUs only where the networks run there."""
    gpus = 0
    if device in ("auto", "cuda"):
        import torch

        gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    free = psutil.virtual_memory().available
    return Machine(_cores(), min([free, *_container_memory()]), gpus)


def spent(processes: Sequence[int]) -> dict[int, int]:
    """The memory, bytes, that each of these processes and its children hold; 0 for one that ended.

    Pages that several share count for each, so the truth is a little less.
    """
    return {pid: sum(map(_held, _tree(pid))) for pid in processes}


def end(pid: int) -> None:
    """Kills a process and whatever it started."""
    for process in reversed(_tree(pid)):
        try:
            process.kill()
        except psutil.Error:
            pass


def as_bytes(text: str) -> int:
    """`12G`, `500M` or `1.5GiB` as bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", text.strip().upper())
    if match is None or float(match[1]) == 0:
        raise InputError(f"--memory is an amount such as 12G or 500M, got {text!r}")
    return int(float(match[1]) * UNITS[match[2]])


def in_words(amount: int) -> str:
    """Bytes as people say them."""
    return f"{amount / GIB:.1f} GiB" if amount >= GIB else f"{amount / (1 << 20):.0f} MiB"


def _tree(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _held(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _cores() -> int:
    """Those that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    count = len(allowed(0)) if allowed else os.cpu_count() or 1
    quota = _words(Path("/sys/fs/cgroup/cpu.max"))
    if len(quota) == 2 and quota[0].isdigit():
        count = min(count, max(1, round(int(quota[0]) / int(quota[1]))))
    return count


def _container_memory() -> list[int]:
    """What a container's limit leaves, if there is one."""
    left = []
    for limit, used in CGROUPS:
        most, now = (_words(Path("/sys/fs/cgroup") / name) for name in (limit, used))
        if most and now and most[0].isdigit():
            left.append(max(0, int(most[0]) - int(now[0])))
    return left


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
