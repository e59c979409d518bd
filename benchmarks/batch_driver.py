"""How many photos a second one driver can hand to a Ray cluster, were the work itself nothing.

    python benchmarks/batch_driver.py [--photos 500] [--gpus 4]

Ray runs on this machine and only claims the GPUs. Each photo passes all five stages; nothing is
read or written. What is left is what a driver does for each photo, and what Ray does.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reparo.batch.drive import How
from reparo.batch.photos import Line, Task
from reparo.batch.plan import GIB
from reparo.batch.ray_engine import RayEngine


def nothing(_options: Any) -> Callable[[str, Task], Line | None]:
    """Work that is done at once."""
    return lambda stage, _: {"done": True, "objects": []} if stage == "layout" else None


def main() -> int:
    """Counts from the first line to the last: starting the workers is not in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--gpus", type=int, default=4)
    given = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    here = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}}
    ray.init(
        num_cpus=5 * given.gpus,
        num_gpus=given.gpus,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env=here,
    )
    engine = RayEngine({}, How("ray"), GIB // 8, work="batch_driver:nothing")
    tasks = [Task(Path(f"{index}.jpg"), Path(f"{index}")) for index in range(given.photos)]
    times = [time.monotonic() for _ in engine(tasks, lambda _: None)]
    ray.shutdown()
    rate = (len(times) - 1) / (times[-1] - times[0])
    print(f"{rate:.0f} photos a second, {5 * rate:.0f} stages a second, {given.gpus} GPUs claimed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
