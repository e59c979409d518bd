"""Many processes, each on a core of its own."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import torch

MOST = 16  # more would need much memory


def pool(workers: int | None = None) -> ProcessPoolExecutor:
    """So many processes, as many as there are cores unless said.

    Embree and others start as many threads as a process has cores: with one core each they stay
    out of one another's way, where the system lets a process choose its cores (Linux).
    """
    count = workers or min(os.cpu_count() or 1, MOST)
    started = multiprocessing.Value("i", 0)
    return ProcessPoolExecutor(count, initializer=_alone, initargs=(started,))


def _alone(started) -> None:
    torch.set_num_threads(1)
    with started.get_lock():
        number = started.value
        started.value += 1
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})
