"""A program that starts a Ray of its own, works through tasks on it and prints their lines.

python on_ray.py '{"gpus": 1, "names": ["a", "b"], ...}' FOLDER
"""

import json
import os
import sys
from pathlib import Path

import ray

from reparo.batch.drive import How
from reparo.batch.photos import Task
from reparo.batch.plan import GIB
from reparo.batch.ray_engine import RayEngine


def main():
    given, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    variables = {"PYTHONPATH": str(Path(__file__).parent)}
    ray.init(
        num_cpus=given["cpus"],
        num_gpus=given["gpus"],
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": variables},
    )
    how = How("ray", time_limit=given["seconds"])
    engine = RayEngine({}, how, GIB // 4, work="works:in_stages")
    tasks = [Task(folder / f"{name}.png", folder / name) for name in given["names"]]
    for task, line in engine(tasks, lambda task: print(json.dumps({"begun": task.photo.stem}))):
        print(json.dumps({"photo": task.photo.stem, **line}), flush=True)
    ray.shutdown()


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    main()
