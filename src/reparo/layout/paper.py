"""The paper's own aligner, as far as its text goes; `paper_settings.py` has the switches.

What the text leaves open: a start that nobody gave is the world's origin if that lies 0.5 to 10
units in front of the camera, else the point 2 units in front; the photo is composited on white with
the union of the masks; the scene's camera is used whatever its field of view; where there is no
depth map, the depth term is left out. Places and depths follow the surface points that pixels see,
features the warped picture; both are drawn anew with each match. The layout that is returned is the
best of those seen when a match was fresh.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.contracts import FeatureExtractor, Progress, Renderer, Watch
from reparo.errors import InputError
from reparo.layout.devices import moved_to
from reparo.layout.judge import doubts, judged
from reparo.layout.paper_loss import TERMS, PixelCost, feature_loss, matched
from reparo.layout.paper_picture import COLOUR, Proxies, Sketch, Target, target_at
from reparo.layout.paper_settings import PaperSettings
from reparo.layout.settings import AlignSettings
from reparo.layout.support import lowest_points
from reparo.layout.unknowns import Unknowns, depth_function
from reparo.layout.view import look, view_at
from reparo.render.warp import WarpedPicture
from reparo.scene import ObjectReport, Problem, Round, Similarity, Solution

NEAREST, FARTHEST = 0.5, 10.0  # units in front of the camera at which the world's origin will do
ELSE = 2.0  # units in front
MATCH_SIZE = {"cpu": 32, "cuda": 256}  # px; the text's 256 has 65,536 points a side
PICTURE_SIZE = {"cpu": 112, "cuda": 256}


@dataclass(frozen=True)
class Found:
    """What the search ends with."""

    layout: Similarity  # best seen
    stopped: str  # in words
    loss: float  # of that layout, weighted
    terms: Mapping[str, float]  # of that layout, unweighted
    curve: tuple[float, ...]  # weighted loss at each fresh match
    seconds: Mapping[str, float]  # draw, match, descend


def align_as_paper(
    problem: Problem,
    settings: AlignSettings,
    render: Renderer,
    progress: Progress | None = None,
    features: FeatureExtractor | None = None,
    watch: Watch | None = None,
) -> Solution:
    """Searches as the paper does, and reports what the method "fast" reports.

    Each object's losses are its own; the paper's terms, over all pixels, stand with each.
    """
    search = PaperSearch(problem, settings.free, settings.paper, render, features)
    search.progress, search.watch = progress, watch
    found = search.run()
    begun = time.perf_counter()
    here = moved_to(problem, "cpu")
    seen, ground = understood(here, moved_to(found.layout, "cpu"), render, settings.polish_size)
    reports = judged(here, seen, view_at(here, settings.polish_size), render, settings)
    seconds = {**found.seconds, "judge": time.perf_counter() - begun}
    terms = {f"paper_{name}": value for name, value in found.terms.items()}
    reports = tuple(
        ObjectReport({**one.losses, **terms}, one.confidence, one.penetration, one.gap)
        for one in reports
    )
    notes = doubts(here, reports)
    return Solution(seen.layout, "paper", found.stopped, seconds, reports, ground, notes)


@torch.no_grad()
def understood(
    problem: Problem, layout: Similarity, render: Renderer, size: int
) -> tuple[Unknowns, float | None]:
    """The layout with what it says of the depth map's gain and offset and the ground's height.

    The paper's method solves for none of them: gain and offset are those that fit the map best
    where objects show, the ground is the median of the objects' lowest points.
    """
    plain = Unknowns(layout)
    ground = lowest_points(problem, plain)[:, 1].median().item()
    gain, offset, depth = 1.0, 0.0, problem.observation.depth
    if depth is not None and depth.kind != "metric":
        sight = look(problem, plain, view_at(problem, size), render)
        both = sight.layers.covered & sight.view.masks & ~sight.view.depth.isnan()
        g = depth_function(depth.kind, sight.layers.depths[both])[0]
        values = sight.view.depth.expand_as(both)[both]
        ones = torch.ones_like(g) if depth.kind != "scale" else torch.zeros_like(g)
        fit = torch.linalg.pinv(torch.stack([g, ones], 1)) @ values
        if len(g) > 1 and fit[0] > 0:
            gain, offset = fit.tolist()
    stands = problem.observation.ground == "common"
    return Unknowns(layout, gain, offset, ground), ground if stands else None


def start_layout(problem: Problem) -> Similarity:
    """Every object as its start says; what that leaves out is at one point, at scale 1."""
    camera, like = problem.camera, problem.meshes[0].vertices
    origin = like.new_zeros(3)
    z = camera.project(origin)[1].item()
    if not NEAREST <= z <= FARTHEST:
        origin = camera.world_from_camera.apply(like.new_tensor([[0.0, 0.0, -ELSE]]))[0]
    starts = problem.starts
    return Similarity(
        torch.stack([start.wxyz.to(like) for start in starts]),
        torch.stack(
            [origin if one.translation is None else one.translation.to(like) for one in starts]
        ),
        like.new_tensor([1.0 if one.scale is None else one.scale for one in starts]),
    )


@dataclass
class PaperSearch:
    """One run: Adam on translations and log scales, matches refreshed every few steps."""

    problem: Problem
    free: tuple[str, ...]
    settings: PaperSettings
    render: Renderer
    features: FeatureExtractor | None = None
    progress: Progress | None = None
    watch: Watch | None = None
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("draw", "match"), 0.0))

    def __post_init__(self) -> None:
        """Looks at the photo once."""
        if "rotation" in self.free:
            raise InputError(
                "the paper's method leaves rotations as they start, got rotation among what is "
                "free; leave it out or use the method 'fast'"
            )
        if self.semantic and self.features is None:
            raise InputError(
                "the paper's semantic loss needs a feature extractor, got none; give one or set "
                "align.paper.semantic = 0"
            )
        settings, device = self.settings, self.problem.meshes[0].vertices.device.type
        size = settings.match_size or MATCH_SIZE.get(device, 256)
        self.target = target_at(self.problem, size, settings.background)
        self.points = self.target.points
        self.cost = PixelCost.of(settings, self.target.depth is not None)
        self.solver = self.cost.solver(settings)
        self.large: Target | None = None
        if self.semantic and self.features is not None:
            size = settings.picture_size or PICTURE_SIZE.get(device, 256)
            self.large = target_at(self.problem, size, settings.background)
            with torch.no_grad():
                self.wanted = self.features(self.large.rgb)

    @property
    def semantic(self) -> float:
        """The weight of L_s."""
        return self.settings.semantic if self.settings.loss == "transport" else 0.0

    @torch.enable_grad()
    def run(self, start: Similarity | None = None) -> Found:
        """All steps."""
        settings = self.settings
        begun = time.perf_counter()
        start = start or start_layout(self.problem)
        place = start.translation.detach().clone().requires_grad_("translation" in self.free)
        growth = start.scale.detach().log().requires_grad_("scale" in self.free)
        unknowns = [one for one in (place, growth) if one.requires_grad]
        adam = torch.optim.Adam(unknowns, lr=settings.learning_rate)
        slower = torch.optim.lr_scheduler.ExponentialLR(adam, settings.decay)
        best, curve = (float("inf"), start, {}), []
        stopped = f"all {settings.steps} steps were used, as the paper does"
        for step in range(settings.steps + 1):
            layout = Similarity(start.wxyz, place, growth.exp())
            fresh = step % settings.refresh == 0 or step == settings.steps
            if fresh:
                self.refresh(layout)
            loss, terms = self.loss(layout, step)
            if not loss.isfinite():
                stopped = "the loss was not finite; the best layout before that is returned"
                break
            if fresh and self.watch is not None:
                self.watch(Round("paper", step, moved_to(held(layout), "cpu")))
            if fresh:
                curve.append(loss.item())
                best = min(best, (loss.item(), held(layout), terms), key=lambda one: one[0])
            if self.progress is not None:
                self.progress("paper", step, settings.steps)
            if step == settings.steps:
                break
            adam.zero_grad()
            loss.backward()
            adam.step()
            slower.step()
        rest = time.perf_counter() - begun - sum(self.seconds.values())
        seconds = {**self.seconds, "descend": rest}
        return Found(best[1], stopped, best[0], best[2], tuple(curve), seconds)

    @torch.no_grad()
    def refresh(self, layout: Similarity) -> None:
        """Draws the layout, and matches what it looks like with the photo."""
        begun = time.perf_counter()
        settings, layout = self.settings, held(layout)
        proxies = Proxies.seen(self.problem, layout, self.target.camera, self.render)
        picture = self.drawn(layout, self.target)
        self.sketch = Sketch(self.target, picture, proxies, picture(layout), settings.background)
        self.picture = None if self.large is None else self.drawn(layout, self.large)
        drawn = time.perf_counter()
        if settings.loss == "transport":
            self.sent = matched(
                self.solver, self.sketch.points(layout, settings.gradient), self.points
            )
        self.seconds["draw"] += drawn - begun
        self.seconds["match"] += time.perf_counter() - drawn

    def drawn(self, layout: Similarity, target: Target) -> WarpedPicture:
        """Each object alone, to be warped."""
        return WarpedPicture.drawn(
            self.problem.meshes, layout, target.camera, self.render, self.settings.samples
        )

    def loss(self, layout: Similarity, step: int) -> tuple[Float[Tensor, ""], dict[str, float]]:
        """The weighted sum, and each term unweighted."""
        if self.settings.loss == "pixels":
            rgb = self.sketch.rgb(self.sketch.picture(layout))
            square = (rgb - self.points[:, COLOUR]).square().mean()
            return square, {"pixels": square.item()}
        points = self.sketch.points(layout, self.settings.gradient)
        terms = {name: value.mean() for name, value in self.cost.terms(points, self.sent).items()}
        geometric = sum(
            weight * terms[name] for name, weight in zip(TERMS, self.cost.weights, strict=True)
        )
        total = (1 - self.semantic) * torch.as_tensor(geometric)
        if self.picture is not None and self.features is not None:
            seen = self.picture(layout).on(self.settings.background)
            terms["semantic"] = feature_loss(
                self.features(seen), self.wanted, self.settings.feature_loss
            )
            warm = min(1.0, step / self.settings.warm_up) if self.settings.warm_up else 1.0
            total = total + warm * self.semantic * terms["semantic"]
        return total, {name: value.item() for name, value in terms.items()}


def held(layout: Similarity) -> Similarity:
    """A copy without gradient."""
    return Similarity(*(part.detach().clone() for part in vars(layout).values()))
