"""The aligner: place, match and solve, polish, turn, settle; each can be left out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.contracts import FeatureExtractor, Progress, Renderer, Watch, quiet
from reparo.errors import InputError
from reparo.layout.judge import doubts, judged, score
from reparo.layout.match import Fineness, fineness_of_rounds, match_rows
from reparo.layout.paper import align_as_paper
from reparo.layout.place import place
from reparo.layout.polish import polish_rows
from reparo.layout.rest import settled
from reparo.layout.rows import Rows
from reparo.layout.settings import AlignSettings
from reparo.layout.solve import add_contact, normal_equations, solve_step
from reparo.layout.support import footing, supporters_of
from reparo.layout.turn import turn
from reparo.layout.unknowns import Unknowns, free_columns, object_centres, per_object
from reparo.layout.view import Sight, View, look, mask_overlap, view_at
from reparo.scene import Problem, Round, Solution

# px that a last step may still move: at half the size, at the whole
COARSELY, FINELY = 1.0, 0.2
TURN_ROUNDS = 5  # of each rotation that is tried
PATIENCE = 3  # rounds without a better score
# A disc d mask diagonals off misses 1 - IoU = 8 sqrt(2) / pi d = 3.6 d of its overlap.
OFF = 3.6


def align(
    problem: Problem,
    settings: AlignSettings,
    render: Renderer,
    progress: Progress | None = None,
    features: FeatureExtractor | None = None,
    watch: Watch | None = None,
) -> Solution:
    """Finds where every object stands; the layout is in the problem's own world.

    `features` are for the paper's semantic loss; the method "fast" does not look at them.
    `watch` sees every round.
    """
    if len(problem.meshes) != len(problem.observation.regions):
        raise InputError(
            f"every mesh needs its mask, got {len(problem.meshes)} meshes and "
            f"{len(problem.observation.regions)} masks"
        )
    if settings.method == "paper":
        return align_as_paper(problem, settings, render, progress, features, watch)
    return Search(problem, settings, render, progress, watch).run()


@dataclass(frozen=True)
class Stage:
    """Some rounds at one resolution."""

    name: str
    view: View
    rounds: int  # at most
    enough: float  # radians, distances or log scale: a step below it ends the stage
    fineness: tuple[Fineness, ...] = ()  # of each round of matching


@dataclass
class Search:
    """One run of the aligner: what it was given, and what it has found so far."""

    problem: Problem
    settings: AlignSettings
    render: Renderer
    progress: Progress | None
    watch: Watch | None
    seconds: dict[str, float] = field(default_factory=dict)
    stopped: str = "only placed, as asked"

    @torch.no_grad()
    def run(self) -> Solution:
        """All steps in their order."""
        settings, problem = self.settings, self.problem
        coarse = view_at(problem, settings.match_size)
        fine = view_at(problem, settings.polish_size)
        with self.timed("place"):
            found = place(problem, coarse, self.render, settings.free)
        if settings.match:
            with self.timed("match"):
                found = self.improve(found, self.matching(found, coarse))
        if settings.polish:
            half = view_at(problem, settings.polish_size // 2)
            with self.timed("polish"):
                found = self.improve(
                    self.improve(found, self.polishing(half, COARSELY)), self.polishing(fine)
                )
            if settings.turn and "rotation" in settings.free:
                with self.timed("turn"):
                    found = self.turned(found, half, fine)
        if settings.settle:
            with self.timed("settle"):
                found = settled(problem, found, fine, self.render, settings)
                self.shown("settle", 0, found)
        with self.timed("judge"):
            reports = judged(problem, found, fine, self.render, settings)
        return Solution(
            found.layout,
            settings.method,
            self.stopped,
            self.seconds,
            reports,
            found.ground if problem.observation.ground is not None else None,
            doubts(problem, reports),
        )

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the step's wall clock to `seconds`, and tells who waits."""
        progress = self.progress or quiet
        progress(step, 0, 1)
        begun = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - begun
        progress(step, 1, 1)

    def shown(self, step: str, index: int, found: Unknowns) -> None:
        """Lets whoever watches see the layout."""
        if self.watch is not None:
            self.watch(Round(step, index, found.layout))

    def turned(self, found: Unknowns, half: View, fine: View) -> Unknowns:
        """Tries other rotations at half the size; where one is better, polishes again."""
        few = replace(self.polishing(half, COARSELY), name="turn", rounds=TURN_ROUNDS)
        stopped = self.stopped
        better = turn(
            self.problem,
            found,
            lambda one: look(self.problem, one, half, self.render),
            lambda one: self.improve(one, few),
        )
        if better is found:
            self.stopped = stopped
            return found
        return self.improve(better, self.polishing(fine))

    def matching(self, found: Unknowns, view: View) -> Stage:
        """Coarse to fine, from as coarse as the worst object is off."""
        rounds = fineness_of_rounds(self.settings.match_rounds, self.settings.match_points)
        misfit = 1 - mask_overlap(look(self.problem, found, view, self.render)).min().item()
        needed = tuple(one for one in rounds if one.blur * OFF <= misfit)
        return Stage("match", view, len(needed), 0.0, needed)

    def polishing(self, view: View, near: float = FINELY) -> Stage:
        """Until a last step moves less than so many px."""
        return Stage("polish", view, self.settings.polish_rounds, near / view.camera.focal)

    def improve(self, found: Unknowns, stage: Stage) -> Unknowns:
        """Draws, compares and solves, round by round; returns the best layout seen."""
        best, best_score, best_index = found, float("inf"), 0
        self.stopped = f"all {stage.rounds} {stage.name} rounds were used"
        for index in range(stage.rounds + 1):
            self.shown(stage.name, index, found)
            sight = look(self.problem, found, stage.view, self.render)
            now = score(sight)
            if now < best_score:
                best, best_score, best_index = found, now, index
            if index == stage.rounds:
                break
            if index - best_index > PATIENCE:
                self.stopped = f"the last {PATIENCE} of {index} {stage.name} rounds were no better"
                break
            rows = self.rows(sight, stage, index)
            if not rows:
                break
            step = self.step(sight, Rows.join(rows))
            if not step.isfinite().all():
                self.stopped = "a step was not finite; the best layout before it is returned"
                break
            found = found.stepped(step, object_centres(self.problem), self.problem.camera)
            if per_object(step).abs().max() < stage.enough:
                self.stopped = f"converged: round {index + 1} of {stage.name} moved nothing further"
                break
        return best

    def rows(self, sight: Sight, stage: Stage, index: int) -> list[Rows]:
        """What the picture says in this round."""
        if not stage.fineness:
            return polish_rows(sight, texture="rotation" in self.settings.free)
        return match_rows(sight, stage.fineness[index])

    def step(self, sight: Sight, rows: Rows) -> Float[Tensor, " unknowns"]:
        """One Gauss-Newton step, the ground included where objects stand on it."""
        problem, found, view = self.problem, sight.unknowns, sight.view
        anchors = found.layout.apply(object_centres(problem)[:, None])[:, 0]
        equations = normal_equations(rows, anchors, view.camera)
        if problem.observation.ground is not None:
            supporters = supporters_of(problem, sight)
            stand = footing(problem, found, supporters)
            add_contact(equations, stand, supporters, anchors, view.camera)
        return solve_step(equations, free_columns(problem, self.settings.free))
