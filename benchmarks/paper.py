"""The paper's method put to the test; prints Markdown tables.

    python benchmarks/paper.py [home] [terms] [distance] [fast] [--steps 500] [--starts 20]
                               [--match-size 32] [--device cpu] [--semantic] [--variants ...]

home      two objects drawn apart from where they belong: plain L2 against transport
terms     each term of the cost, and the semantic loss, switched off in turn
distance  how many of the seeded starts come home, by how far they start from it
fast      seconds of the methods "fast" and "paper" on the same scenes, and how far each is off

"off" is the mean distance in the picture between where surface points are and where they belong, in
per cent of the picture's height; home is below 3. One picture cannot tell a small near object
from a large far one, so distances in space are not compared. The scenes: a ball and a box whose
colours differ from place to place, 128 x 128 pixels, the paper's camera (fov 49.1°, 2 units away);
`fast` uses made-up scenes of two to four objects. `--semantic` adds the semantic loss wherever a
table does not say (it needs `reparo models pull embedded`). All is drawn by seed.
"""

import argparse
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
import trimesh
from torch import Tensor

from reparo import registry
from reparo.evaluate.made_up import Hints, made_up_scene, to_problem
from reparo.evaluate.metrics import pose_errors, surface_points
from reparo.layout import AlignSettings, align
from reparo.layout.devices import moved_to
from reparo.layout.paper import PaperSearch
from reparo.layout.paper_settings import PaperSettings
from reparo.scene import (
    Camera,
    Depth,
    Mesh,
    Observation,
    Photo,
    Problem,
    Region,
    Scene,
    Similarity,
    Start,
)

HOME = 3.0  # per cent of the picture's height
FAST_RUNS = 5  # of which the median counts
BOTH = ("translation", "scale")
DISTANCES = (0.1, 0.2, 0.4, 0.8)  # world units; the picture is 1.83 high at the objects


@dataclass(frozen=True)
class Bench:
    """What all tables share."""

    settings: PaperSettings
    device: str
    starts: int
    semantic: bool
    distances: tuple[float, ...] = DISTANCES
    variants: tuple[str, ...] = ()  # of `terms`; none named: all

    def search(self, scene: Scene, start: Similarity, **changed) -> tuple[float, float]:
        """How far off it ends, in per cent, and its seconds."""
        settings = replace(self.settings, **changed)
        problem = moved_to(observed(scene), self.device)
        features = self.features() if settings.semantic and settings.loss == "transport" else None
        begun = time.perf_counter()
        found = PaperSearch(problem, BOTH, settings, render(), features).run(
            moved_to(start, self.device)
        )
        seconds = time.perf_counter() - begun
        return off(scene, moved_to(found.layout, "cpu")), seconds

    def features(self):
        """The packaged network."""
        return registry.create("features", "vit", device=self.device)


def render():
    """The plain renderer."""
    return registry.create("render", "torch")


def coloured(solid, phase: float) -> Mesh:
    """A mesh whose colours change smoothly over it."""
    solid = solid.subdivide().subdivide()
    vertices = torch.tensor(solid.vertices, dtype=torch.get_default_dtype())
    waves = torch.tensor([[3.0, 1.0, 2.0], [1.0, 4.0, 1.0], [2.0, 1.0, 3.0]]).to(vertices)
    rgb = 0.45 + 0.35 * torch.sin(vertices @ waves * 2 + phase)
    plain = Mesh.plain(vertices, torch.tensor(solid.faces))
    return replace(plain, colours=torch.cat([rgb, torch.ones_like(rgb[:, :1])], 1))


def two_objects() -> Scene:
    """A ball to the left, a box to the right and a little farther."""
    ball = coloured(trimesh.creation.icosphere(subdivisions=2, radius=0.5), 0.0)
    box = coloured(trimesh.creation.box((0.8, 1.0, 0.8)), 2.0)
    turn = torch.tensor([[1.0, 0, 0, 0], [0.95, 0.05, 0.3, 0.0]])
    places = torch.tensor([[-0.4, -0.3, 0.1], [0.4, 0.3, -0.1]])
    layout = Similarity(
        torch.nn.functional.normalize(turn, dim=-1), places, torch.tensor([0.45, 0.4])
    )
    eye = replace(Similarity.identity(), translation=torch.tensor([0.0, 0.0, 2.0]))
    camera = Camera.from_fov(49.1, (128, 128), eye)
    return Scene(("ball", "box"), (ball, box), layout, camera)


def observed(scene: Scene) -> Problem:
    """The scene as a question: its own picture on white, masks and metric depth."""
    seen, exact = render()(scene, samples=3), render()(scene)
    photo = Photo(seen.rgb + 1 - seen.coverage[..., None])
    regions = [Region(name, exact.object_index == i) for i, name in enumerate(scene.names)]
    known = exact.coverage > 0
    depth = Depth(torch.where(known, exact.depth, 0), known, "metric")
    starts = tuple(Start(wxyz) for wxyz in scene.layout.wxyz)
    observation = Observation(photo, tuple(regions), depth)
    return Problem(scene.names, scene.meshes, scene.camera, observation, starts)


def off(scene: Scene, layout: Similarity) -> float:
    """Mean distance in the picture, per cent of its height."""
    return statistics.mean(
        pose_errors(surface_points(mesh), layout[k], scene.layout[k], scene.camera).reproj
        for k, mesh in enumerate(scene.meshes)
    )


def start_at(scene: Scene, shift: Tensor, growth: Tensor | None = None) -> Similarity:
    """The true layout moved."""
    true = scene.layout
    grown = true.scale if growth is None else true.scale * growth.exp()
    return Similarity(true.wxyz, true.translation + shift, grown)


def drawn_start(scene: Scene, distance: float, seed: int) -> Similarity:
    """Each object moved by that distance sideways, any way, and by a fifth of it in size."""
    generator = torch.Generator().manual_seed(seed)
    angle = 2 * torch.pi * torch.rand(len(scene.names), generator=generator)
    shift = distance * torch.stack([angle.cos(), angle.sin(), torch.zeros_like(angle)], 1)
    growth = distance / 5 * torch.randn(len(scene.names), generator=generator)
    return start_at(scene, shift, growth)


def table(title: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Prints one, row by row as they come."""
    head = list(head)
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for row in rows:
        cells = [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row]
        print(f"| {' | '.join(cells)} |", flush=True)


def home(bench: Bench) -> None:
    """Drawn so far away that no pixel of a render is on its own target."""
    scene = two_objects()
    start = start_at(scene, torch.tensor([[0.05, 0.75, 0.0], [-0.05, -0.75, 0.0]]))

    def rows():
        share = 1 / 11 if bench.semantic else 0.0
        for name, changed in (
            ("pixels (L2)", {"loss": "pixels"}),
            ("transport", {"semantic": share}),
            ("transport, gradient of the picture", {"gradient": "picture", "semantic": 0.0}),
            ("transport, as the published code", {**PUBLISHED, "semantic": 0.0}),
        ):
            end, seconds = bench.search(scene, start, **changed)
            yield name, off(scene, start), end, "yes" if end < HOME else "no", seconds

    table("Renders that do not overlap their targets", ("loss", "off at start, %",
          "off at the end, %", "home", "seconds"), rows())  # fmt: skip


PUBLISHED = {"cost": "squared", "gradient": "position"}


def terms(bench: Bench) -> None:
    """One term off at a time, over a few starts."""
    scene, count = two_objects(), max(bench.starts // 4, 1)
    share = 1 / 11 if bench.semantic else 0.0
    variants = {
        "all terms": {},
        "without colour": {"colour": 0.0},
        "without depth": {"depth": 0.0},
        "without position": {"position": 0.0},
        "squared cost": {"cost": "squared"},
        "gradient of places alone": {"gradient": "position"},
        "gradient of the picture": {"gradient": "picture"},
    }
    cases = {name: {"semantic": share, **changed} for name, changed in variants.items()}
    if bench.semantic:
        cases["without the semantic loss"] = {"semantic": 0.0}

    def rows():
        for name, changed in cases.items():
            if bench.variants and name not in bench.variants:
                continue
            ends = [
                bench.search(scene, drawn_start(scene, 0.4, seed), **changed)[0]
                for seed in range(count)
            ]
            homes = sum(end < HOME for end in ends)
            yield name, f"{homes} of {count}", statistics.median(ends), max(ends)

    table("Terms switched off, starts 0.4 away",
          ("variant", "home", "median off, %", "worst, %"), rows())  # fmt: skip


def distance(bench: Bench) -> None:
    """Seeded starts, nearer and farther."""
    scene = two_objects()
    share = 1 / 11 if bench.semantic else 0.0

    def rows():
        for far in bench.distances:
            for name, changed in (("pixels", {"loss": "pixels"}), ("transport", {})):
                begins = [drawn_start(scene, far, seed) for seed in range(bench.starts)]
                ends = [
                    bench.search(scene, begin, semantic=share, **changed)[0] for begin in begins
                ]
                first = statistics.median(off(scene, begin) for begin in begins)
                homes = sum(end < HOME for end in ends)
                yield far, name, first, f"{homes} of {len(ends)}", statistics.median(ends)

    table("Convergence by the distance of the start", ("distance, units", "loss",
          "off at start, %", "home", "median off at the end, %"), rows())  # fmt: skip


def fast(bench: Bench) -> None:
    """Both methods on made-up scenes."""
    cases = [("fast", {}), ("paper, L_s off", {"semantic": 0.0})]
    if bench.semantic:
        cases.append(("paper", {"semantic": 1 / 11}))

    def rows():
        for seed in (1, 2, 3):
            scene, observation = made_up_scene(seed, render(), objects=1 + seed)
            problem, first = to_problem(scene, observation, Hints("metric")), None
            for name, changed in cases:
                paper = replace(bench.settings, **changed)
                method = "fast" if name == "fast" else "paper"
                chosen = AlignSettings(method=method, paper=paper)
                there = moved_to(problem, bench.device) if method == "paper" else problem
                runs = [
                    align(there, chosen, render(), features=bench.features())
                    for _ in range(FAST_RUNS if method == "fast" else 1)
                ]
                solution = runs[-1]
                seconds = statistics.median(sum(run.seconds.values()) for run in runs)
                first = first or seconds
                apart = off(scene, solution.layout)
                yield seed, len(scene.names), name, seconds, f"{seconds / first:.0f}x", apart

    table("Fast against paper, made-up scenes, 256 x 256, metric depth", ("scene", "objects",
          "method", "seconds", "against fast", "off, %"), rows())  # fmt: skip


def main() -> None:
    """Prints the tables asked for; all of them if none is named."""
    tables = {"home": home, "terms": terms, "distance": distance, "fast": fast}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", choices=[*tables, []], default=list(tables))
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--distances", nargs="+", type=float, default=DISTANCES)
    parser.add_argument("--variants", nargs="+", default=(), help="rows of `terms`; else all")
    parser.add_argument("--match-size", type=int, default=32)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--semantic", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = PaperSettings(steps=options.steps, match_size=options.match_size)
    bench = Bench(
        settings,
        options.device,
        options.starts,
        options.semantic,
        tuple(options.distances),
        tuple(options.variants),
    )
    print(f"{options.steps} steps, match {options.match_size} x {options.match_size}, on "
          f"{options.device}, torch {torch.__version__}")  # fmt: skip
    for name in options.tables:
        tables[name](bench)


if __name__ == "__main__":
    main()
