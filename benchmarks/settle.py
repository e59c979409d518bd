"""What settling does: how deep objects stand in one another, how far they float, and its price.

    python benchmarks/settle.py [--scenes 4]           made-up scenes: objects that touch or stack
    python benchmarks/settle.py --folders TRACK/*      scene folders, grouped by their parent

`fat`: meshes 5 or 10 % too wide, as generated ones may be. Overlap is measured apart from the
aligner: rendered visible masks at the photo's size, and eight times its surface samples.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from reparo import registry
from reparo.evaluate.crowded import crowded_scene, fattened
from reparo.evaluate.made_up import Hints, to_problem
from reparo.evaluate.metrics import picture_errors
from reparo.evaluate.table import markdown_table
from reparo.files.scene_json import read_scene_folder
from reparo.layout import AlignSettings, align, contact
from reparo.scene import Problem, Scene, Solution, Start

RENDER = registry.create("render", "torch")
FREE = ("translation", "scale")
DENSER = 8


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=4)
    parser.add_argument("--folders", type=Path, nargs="*", default=[])
    parser.add_argument("--free", default=",".join(FREE))
    options = parser.parse_args()
    problems = from_folders(options.folders) if options.folders else made_up(options.scenes)
    groups: dict[str, list[dict[str, float]]] = defaultdict(list)
    for group, problem in problems:
        groups[group].append(measured(problem, tuple(options.free.split(","))))
    print(markdown_table([line for group, rows in groups.items() for line in lines(group, rows)]))


def made_up(scenes: int) -> Iterator[tuple[str, Problem]]:
    """Touching and stacked objects, with exact and with fat meshes."""
    for seed in range(scenes):
        for stacked in (False, True):
            scene, seen = crowded_scene(seed, RENDER, stacked=stacked)
            hints = Hints("disparity", "supported" if stacked else "common", seed=seed)
            problem = to_problem(scene, seen, hints)
            name = "stacked" if stacked else "touching"
            yield name, problem
            for share in (0.05, 0.1):
                yield f"{name}, {share:.0%} fat", fattened(problem, share, seed)


def from_folders(folders: list[Path]) -> Iterator[tuple[str, Problem]]:
    """Scene folders as questions."""
    for folder in folders:
        found = read_scene_folder(folder)
        starts = tuple(Start(one.rotation, one.translation, one.scale) for one in found.objects)
        yield (
            folder.resolve().parent.name,
            Problem(found.names, found.meshes, found.camera, found.observation, starts),
        )


def measured(problem: Problem, free: tuple[str, ...]) -> dict[str, float]:
    """One scene, with and without settling."""
    off, on = (align(problem, AlignSettings(free=free, settle=s), RENDER) for s in (False, True))
    return {
        "objects": len(problem.names),
        "deep off": deepest(problem, off),
        "deep on": deepest(problem, on),
        "gap off": max(abs(report.gap) for report in off.objects),
        "gap on": max(abs(report.gap) for report in on.objects),
        "fit off": fit(problem, off),
        "fit on": fit(problem, on),
        "seconds": on.seconds["settle"],
        "of all": sum(on.seconds.values()),
    }


def deepest(problem: Problem, solution: Solution) -> float:
    """The worst penetration, by more samples and another seed than the aligner's own."""
    usual = contact.SAMPLES, contact.DRAWN, contact.MOST_INSIDE
    contact.SAMPLES, contact.DRAWN, contact.MOST_INSIDE = (DENSER * value for value in usual)
    found = contact.overlaps(problem, solution.layout, seed=12345)
    contact.SAMPLES, contact.DRAWN, contact.MOST_INSIDE = usual
    return max((one.share for one in found), default=0.0)


def fit(problem: Problem, solution: Solution) -> float:
    """Mean overlap of visible masks."""
    scene = Scene(problem.names, problem.meshes, solution.layout, problem.camera)
    errors = picture_errors(scene, problem.observation, RENDER)
    return sum(error.mask_iou for error in errors) / len(errors)


def lines(group: str, rows: list[dict[str, float]]) -> list[dict[str, object]]:
    """Two lines of the table: off and on."""
    lost = [row["fit off"] - row["fit on"] for row in rows]
    broken = [
        row["deep on"] > 0.01 or row["gap on"] > 0.01 or loss > 0.005
        for row, loss in zip(rows, lost, strict=True)
    ]
    return [
        {
            "group": group,
            "settle": way,
            "scenes": len(rows),
            "objects": sum(int(row["objects"]) for row in rows),
            "deepest": max(row[f"deep {way}"] for row in rows),
            "worst gap": max(row[f"gap {way}"] for row in rows),
            "mean IoU": sum(row[f"fit {way}"] for row in rows) / len(rows),
            "worst IoU": min(row[f"fit {way}"] for row in rows),
            "worst loss": max(lost) if way == "on" else None,
            "scenes over a bar": sum(broken) if way == "on" else None,
            "% of time": sum(100 * r["seconds"] / r["of all"] for r in rows) / len(rows)
            if way == "on"
            else None,
        }
        for way in ("off", "on")
    ]


if __name__ == "__main__":
    main()
