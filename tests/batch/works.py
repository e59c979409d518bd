"""Work without networks, for workers in tests: the photo's name says what happens."""

import os
import signal
import time

from reparo.batch.photos import made_from


def leave(task, options):
    """What the batch looks for where a scene is done."""
    (task.folder / "steps").mkdir(parents=True, exist_ok=True)
    for name in ("scene.glb", "layout.json", "report.html", "steps/made-from.json"):
        (task.folder / name).write_text("{}")
    return made_from(task.photo, options["settings"])


def work(options):
    if options.get("broken"):
        raise RuntimeError("no such thing here")

    def one(task, step):
        step("segment")
        name = task.photo.stem
        trace = task.folder.parent / "trace.txt"
        with trace.open("a", errors="replace") as file:
            file.write(f"{name}\n")
        if name.startswith("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("trips") and trace.read_text().count(name) == 1:
            os.abort()
        if name.startswith("hangs"):
            time.sleep(60)
        if name.startswith("big"):
            held = bytearray(os.urandom(1 << 20)) * 400
            time.sleep(60 if held else 0)
        if name.startswith("slow"):
            time.sleep(0.3)
        if name.startswith("bad"):
            return {"done": False, "error": "InputError: bad", "objects": [], "seconds": 0.0}
        print("a library says something")
        line = {"done": True, "objects": [name, os.getpid()], "notes": [], "seconds": 0.1}
        return line | ({"made_from": leave(task, options)} if "settings" in options else {})

    return one


def in_stages(options):
    """As for Ray: the names say what happens in the stage `depth`, lines say where each was."""
    import ray

    def one(stage, task):
        place = {"gpus": ray.get_gpu_ids(), "pid": os.getpid()}
        with (task.folder.parent / "trace.txt").open("a") as file:
            file.write(f"{task.photo.stem} {stage} {len(place['gpus'])} {os.getpid()}\n")
        if stage == "depth" and task.photo.stem.startswith("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        if stage == "depth" and task.photo.stem.startswith("hangs"):
            time.sleep(60)
        if stage == "depth" and task.photo.stem.startswith("bad"):
            return {"done": False, "error": "InputError: bad", "objects": []}
        return {"done": True, "objects": ["one"]} if stage == "layout" else None

    return one
