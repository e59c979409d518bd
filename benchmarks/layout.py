"""What each step of the fast aligner is worth, and how its time grows.

    python benchmarks/layout.py steps [--scenes 8]     each step left out in turn, on made-up scenes
    python benchmarks/layout.py growth                 objects, triangles, size of the picture

Made-up scenes have exact meshes; the tracks differ in what is told beside the masks. Errors are
medians over all objects; `add` is the mean distance of surface points over the object's diagonal.
"""

import argparse
import resource
import statistics
import time
from dataclasses import replace

import torch

from reparo import registry
from reparo.evaluate.made_up import Hints, made_up_scene, to_problem
from reparo.evaluate.metrics import free_factor, grown, pose_errors, surface_points
from reparo.evaluate.table import markdown_table
from reparo.layout import AlignSettings, align
from reparo.scene import Mesh, Problem, Scene, Solution

RENDER = registry.create("render", "torch")
ALL_FREE = ("translation", "scale", "rotation")
TRACKS = {
    "metric": (Hints("metric"), ("translation", "scale")),
    "disparity": (Hints("disparity", "common"), ("translation", "scale")),
    "nodepth": (Hints(None, "common"), ("translation", "scale")),
    "turned": (Hints("metric", yaw=0.3), ALL_FREE),
}
STEPS = {
    "place alone": {"match": False, "polish": False, "turn": False, "settle": False},
    "no match": {"match": False},
    "no polish": {"polish": False},
    "no turn": {"turn": False},
    "no settle": {"settle": False},
    "all": {},
}


def main() -> None:
    """Prints the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("steps", "growth"))
    parser.add_argument("--scenes", type=int, default=8)
    options = parser.parse_args()
    print(markdown_table(steps(options.scenes) if options.what == "steps" else growth()))


def steps(scenes: int) -> list[dict[str, object]]:
    """A row per track and set of steps."""
    made = [made_up_scene(seed, RENDER, size=(256, 256)) for seed in range(100, 100 + scenes)]
    rows = []
    for track, (hints, free) in TRACKS.items():
        for name, chosen in STEPS.items():
            if name == "no turn" and free != ALL_FREE:
                continue  # nothing is turned where rotation is given
            settings = AlignSettings(free=free, **chosen)
            found = [(one[0], align(to_problem(*one, hints), settings, RENDER)) for one in made]
            errors = [e for scene, solution in found for e in scored(scene, solution, hints)]
            seconds = statistics.median(sum(s.seconds.values()) for _, s in found)
            add = sorted(error.add for error in errors)
            rows.append(
                {
                    "track": track,
                    "steps": name,
                    "add median": statistics.median(add),
                    "add < 0.1": sum(value < 0.1 for value in add) / len(add),
                    "reproj median %": statistics.median(error.reproj for error in errors),
                    "turn median": statistics.median(error.turn for error in errors),
                    "deepest": max(o.penetration for _, s in found for o in s.objects),
                    "seconds": seconds,
                }
            )
    return rows


def scored(scene: Scene, solution: Solution, hints: Hints):
    """Errors of one layout; without metric depth one factor about the camera is free."""
    layout = solution.layout
    if hints.depth != "metric":
        layout = grown(layout, free_factor(layout, scene.layout, scene.camera), scene.camera)
    return [
        pose_errors(surface_points(mesh), layout[k], scene.layout[k], scene.camera)
        for k, mesh in enumerate(scene.meshes)
    ]


def growth() -> list[dict[str, object]]:
    """Seconds of all steps together, and the process's peak memory so far."""
    rows = []
    for count in (1, 2, 4, 8, 16):
        rows.append(timed("objects", count, problem_of(count, (256, 256))))
    for triangles in (1_000, 10_000, 100_000, 500_000):
        problem = problem_of(3, (256, 256))
        meshes = tuple(refined(mesh, triangles) for mesh in problem.meshes)
        rows.append(timed("triangles each", triangles, replace(problem, meshes=meshes)))
    for side in (64, 128, 256, 512, 1024):
        rows.append(timed("picture, px", side, problem_of(3, (side, side))))
    return rows


def problem_of(objects: int, size: tuple[int, int]) -> Problem:
    """A made-up scene as a question."""
    return to_problem(*made_up_scene(7, RENDER, objects=objects, size=size), Hints("metric"))


def refined(mesh: Mesh, triangles: int) -> Mesh:
    """The same surface in about so many triangles: each cut into four until there are enough."""
    while len(mesh.faces) < triangles:
        a, b, c = (mesh.faces[:, i] for i in range(3))
        n, f = len(mesh.vertices), len(mesh.faces)
        ab, bc, ca = (torch.arange(f) + n + i * f for i in range(3))
        middles = [
            torch.cat([value[[a, b, c][i]] * 0.5 + value[[b, c, a][i]] * 0.5 for i in range(3)])
            for value in (mesh.vertices, mesh.uv, mesh.colours)
        ]
        faces = torch.cat(
            [torch.stack(t, -1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        )
        mesh = Mesh(
            torch.cat([mesh.vertices, middles[0]]),
            faces,
            torch.cat([mesh.uv, middles[1]]),
            torch.cat([mesh.colours, middles[2]]),
            mesh.materials,
            mesh.face_material.repeat(4),
        )
    return mesh


def timed(what: str, value: int, problem: Problem) -> dict[str, object]:
    """The median of three runs."""
    runs = []
    for _ in range(3):
        begun = time.perf_counter()
        solution = align(problem, AlignSettings(polish_size=1024), RENDER)
        runs.append((time.perf_counter() - begun, solution))
    seconds, solution = sorted(runs, key=lambda run: run[0])[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    parts = {step: round(value, 3) for step, value in solution.seconds.items()}
    return {"grows": what, "value": value, "seconds": seconds, "peak GB": peak, **parts}


if __name__ == "__main__":
    main()
