"""A program that starts a Ray of its own, works through tasks on it and keeps their lines.

python on_ray.py '{"gpus": 1, "names": ["a", "b"], ...}' FOLDER

FOLDER/said.jsonl has them: what is printed, Ray's own words would run into.
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
    with (folder / "said.jsonl").open("w") as said:

        def say(**line):
            said.write(json.dumps(line) + "\n")

        for task, line in engine(tasks, lambda task: say(begun=task.photo.stem)):
            say(photo=task.photo.stem, **line)
    ray.shutdown()


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    main()
