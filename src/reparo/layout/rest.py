"""The last step: objects come to rest on what they stand on, and outside one another."""

from dataclasses import dataclass, field, replace

from jaxtyping import Bool
from torch import Tensor

from reparo.contracts import Renderer
from reparo.layout.apart import apart_claim, evenly_weighted, feet_claims, least_step, levelled
from reparo.layout.contact import Contacts, Overlap
from reparo.layout.polish import outlines
from reparo.layout.rows import Rows
from reparo.layout.settings import AlignSettings
from reparo.layout.settle import lowered, settle
from reparo.layout.solve import normal_equations
from reparo.layout.support import Supporters, footing, supporters_of
from reparo.layout.unknowns import Unknowns, free_columns, object_centres
from reparo.layout.view import Sight, View, intersection_over_union, look
from reparo.scene import Problem, Similarity

FIT_LOSS = 0.005  # of mean mask overlap that taking objects apart may cost
ENOUGH = 0.007  # of the smaller box's diagonal: what is less deep is left
ROUNDS = 10
HALVINGS = 4  # of the way apart, where the picture cannot bear all of it
FALLING = 0.9  # of the loss before; what falls slower has stopped


def settled(
    problem: Problem, found: Unknowns, view: View, render: Renderer, settings: AlignSettings
) -> Unknowns:
    """Puts objects on what they stand on and takes them out of one another.

    Of the way apart, only as much is gone as the picture's fit can bear. Who stands on whom is
    asked once more after that, since the layout has a say in it.
    """
    sight = look(problem, found, view, render)
    fit = overlap_seen(sight)
    supporters = supporters_of(problem, sight)
    for _ in range(2):
        room = Room(problem, view, render, settings, supporters, fit)
        found = room.lowered(room.cleared(room.put_down(found)))
        if problem.observation.ground != "supported":
            break
        again = supporters_of(problem, look(problem, found, view, render))
        if again == supporters:
            break
        supporters = again
    return found


def overlap_seen(sight: Sight) -> float:
    """Mean intersection over union of the masks and what shows of each object."""
    depths = sight.layers.depths
    nearest = depths.amin(0)
    seen = (depths == nearest) & nearest.isfinite()
    return intersection_over_union(seen, sight.view.masks).mean().item()


@dataclass(frozen=True)
class State:
    """A layout, how deep its worst pair is, and what it lost of the picture's fit."""

    unknowns: Unknowns
    sight: Sight
    overlaps: tuple[Overlap, ...]
    deepest: float
    loss: float

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Lower is better: first the picture, then room between objects, up to what is enough."""
        spoilt = self.loss > FIT_LOSS
        return spoilt, max(self.deepest, ENOUGH), max(self.loss, 0.0)


@dataclass(frozen=True)
class Room:
    """What taking objects apart has to go by."""

    problem: Problem
    view: View
    render: Renderer
    settings: AlignSettings
    supporters: Supporters
    fit: float  # mean mask overlap before settling
    contacts: Contacts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "contacts", Contacts(self.problem.meshes, self.settings.seed))

    def put_down(self, found: Unknowns) -> Unknowns:
        """On what each stands on, if the scene says that they stand."""
        if self.problem.observation.ground is None:
            return found
        return settle(self.problem, found, self.supporters, self.settings.free)

    def cleared(self, found: Unknowns) -> Unknowns:
        """The layout whose objects are farthest out of one another, of those that fit."""
        if "translation" not in self.settings.free or not self.touching(found):
            return found
        states = [self.state(found)]
        for _ in range(ROUNDS):
            if states[-1].deepest <= ENOUGH and not _still_falling(states):
                break
            states.append(self.state(self.put_down(self.stepped(states[-1]))))
        best = min(states, key=lambda state: state.rank)
        if best.deepest > ENOUGH:
            end = min(states[1:], key=lambda state: (max(state.deepest, ENOUGH), state.loss))
            best = min([best, *self.on_the_way(found, end.unknowns)], key=lambda s: s.rank)
        return best.unknowns

    def lowered(self, found: Unknowns) -> Unknowns:
        """What its rays of sight do not bring onto its supporter, moved upright as far as fits."""
        wanted = found
        if self.problem.observation.ground is not None and "translation" in self.settings.free:
            wanted = lowered(self.problem, found, self.supporters, ENOUGH)
        if wanted is found:
            return found
        was = self.state(found)
        for share in (1.0, 0.75, 0.5, 0.25):
            tried = self.state(between(found, wanted, share))
            if tried.loss <= FIT_LOSS and tried.deepest <= max(ENOUGH, was.deepest):
                return tried.unknowns
        return found

    def touching(self, found: Unknowns) -> bool:
        """Whether a pair is too deep."""
        return max((one.share for one in self.overlaps(found)), default=0.0) > ENOUGH

    def overlaps(self, found: Unknowns) -> list[Overlap]:
        """Of all pairs that do not stand on one another, each in its deeper direction."""
        self.contacts.place(found.layout, range(len(self.supporters)))
        deeper: dict[frozenset[int], Overlap] = {}
        for one in sorted(self.contacts.found, key=lambda one: one.share):
            if self.supporters[one.inner] != one.outer and self.supporters[one.outer] != one.inner:
                deeper[frozenset((one.inner, one.outer))] = one
        return list(deeper.values())

    def state(self, found: Unknowns) -> State:
        """All that is to be known of a layout."""
        overlaps = self.overlaps(found)
        sight = look(self.problem, found, self.view, self.render)
        deepest = max((one.share for one in overlaps), default=0.0)
        return State(found, sight, tuple(overlaps), deepest, self.fit - overlap_seen(sight))

    def stepped(self, state: State) -> Unknowns:
        """One step apart; what the depth map says is left out, outlines are what must stay."""
        problem, found, camera = self.problem, state.unknowns, self.view.camera
        centres = object_centres(problem)
        anchors = found.layout.apply(centres[:, None])[:, 0]
        rows = [self.outline(one) for one in outlines(state.sight).values() if len(one.owner)]
        if not rows:
            return found
        equations = normal_equations(Rows.join(rows), anchors, camera)
        held, overlaps = [], list(state.overlaps)
        if problem.observation.ground is not None:
            held = feet_claims(footing(problem, found, self.supporters), anchors, camera)
            overlaps = [levelled(one, found.layout) for one in overlaps]
        pushes = [apart_claim(one, anchors, camera) for one in overlaps]
        step = least_step(equations, held, pushes, self.free)
        return found.stepped(step, centres, camera) if step.isfinite().all() else found

    @property
    def free(self) -> Bool[Tensor, " u"]:
        """Settling turns nothing."""
        freedoms = tuple(name for name in self.settings.free if name != "rotation")
        return free_columns(self.problem, freedoms)

    def outline(self, rows: Rows) -> Rows:
        """Weighed by what they mean for the overlap of that object's mask."""
        return evenly_weighted(rows, float(self.view.masks[int(rows.owner[0])].sum()))

    def on_the_way(self, start: Unknowns, end: Unknowns) -> list[State]:
        """Layouts between two, as near the end as the picture can bear."""
        states, low, high = [], 0.0, 1.0
        for _ in range(HALVINGS):
            share = (low + high) / 2
            states.append(self.state(self.put_down(between(start, end, share))))
            low, high = (low, share) if states[-1].loss > FIT_LOSS else (share, high)
        return states


def _still_falling(states: list[State]) -> bool:
    """Whether the picture is spoilt, but less so with each step."""
    now = states[-1].loss
    if now <= FIT_LOSS or len(states) < 2:
        return False
    return states[-2].deepest > ENOUGH or now < FALLING * states[-2].loss


def between(start: Unknowns, end: Unknowns, share: float) -> Unknowns:
    """So much of the way from one layout to another of the same rotations."""
    a, b = start.layout, end.layout
    translation = a.translation + share * (b.translation - a.translation)
    scale = a.scale * (b.scale / a.scale) ** share
    return replace(end, layout=Similarity(a.wxyz, translation, scale))
