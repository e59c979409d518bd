"""How much sooner a batch is done with more workers: local engine and Ray, one thread a worker.

    python benchmarks/batch_scaling.py PHOTOS OUT [--take 8] [--workers 1 2] [--engines local ray]

Every batch starts from nothing. `wall` is the whole command, imports, start of the workers and of
Ray included; `work` what its photos took, added up.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from reparo.batch.photos import tasks_in
from reparo.evaluate.table import text_table


def main() -> int:
    """Runs all combinations, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--take", type=int, default=8, help="so many photos, spread over all")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--engines", nargs="+", default=["local", "ray"])
    given, more = parser.parse_known_args()
    found = [task.photo for task in tasks_in(given.photos, given.out)]
    chosen = given.out / "photos"
    shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir(parents=True)
    for photo in found[:: max(1, len(found) // given.take)][: given.take]:
        shutil.copy(photo, chosen)
    rows = []
    for engine in given.engines:
        for workers in given.workers:
            rows.append(measured(chosen, given.out / f"{engine}-{workers}", more))
            print(json.dumps(rows[-1]), flush=True)
    print(text_table(rows))
    return 0


def measured(photos: Path, out: Path, more: list[str]) -> dict:
    """One batch from nothing."""
    shutil.rmtree(out, ignore_errors=True)
    engine, _, workers = out.name.partition("-")
    words = ["batch", photos, "-o", out, "--engine", engine, "--workers", workers, "--quiet", *more]
    threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "reparo.cli", *map(str, words)],
        env={**os.environ, **threads},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    wall = time.monotonic() - start
    lines = [json.loads(line) for line in (out / "batch.jsonl").read_text().splitlines()]
    work = sum(line["seconds"] for line in lines)
    return {
        "engine": engine,
        "workers": int(workers),
        "photos": sum(line["done"] for line in lines),
        "wall s": round(wall, 1),
        "work s": round(work, 1),
        "photos / min": round(60 * len(lines) / wall, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
