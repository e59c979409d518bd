"""Takes objects out of one another, as little as possible.

On a ground they are pushed apart along it, half each; without one, the farther of the two is moved
away along its rays of sight, which leaves its picture as it is.
"""

from dataclasses import replace

from reparo.layout.contact import Contacts, Overlap
from reparo.layout.support import Supporters
from reparo.layout.unknowns import Unknowns
from reparo.scene import Problem, Similarity

ENOUGH = 0.005  # of the smaller box's diagonal: what is less is left
ROUNDS = 8
FARTHEST = 0.05  # of its distance that an object is moved away in one round


def separate(problem: Problem, unknowns: Unknowns, supporters: Supporters, seed: int) -> Unknowns:
    """Pushes the deepest pair apart, again and again, until no pair is deeper than `ENOUGH`.

    What stands on something moves with it, and is not pushed out of it.
    """
    contacts = Contacts(problem.meshes, seed)
    moved = set(range(len(supporters)))
    for _ in range(ROUNDS):
        contacts.place(unknowns.layout, moved)
        found = [one for one in contacts.found if _counts(one, supporters)]
        if not found:
            break
        deepest = max(found, key=lambda one: one.share)
        before = unknowns.layout.translation
        if problem.observation.ground is None:
            unknowns = _moved_away(problem, unknowns, deepest)
        else:
            unknowns = _pushed_apart(unknowns, deepest, supporters)
        changed = (unknowns.layout.translation != before).any(-1)
        moved = set(changed.nonzero().flatten().tolist())
    return unknowns


def _counts(overlap: Overlap, supporters: Supporters) -> bool:
    """Whether it is deep enough to mend, and neither stands on the other."""
    k, j = overlap.inner, overlap.outer
    return overlap.share > ENOUGH and supporters[k] != j and supporters[j] != k


def between(start: Unknowns, end: Unknowns, share: float) -> Unknowns:
    """So much of the way from one layout to another of the same rotations."""
    a, b = start.layout, end.layout
    translation = a.translation + share * (b.translation - a.translation)
    scale = a.scale * (b.scale / a.scale) ** share
    return replace(end, layout=Similarity(a.wxyz, translation, scale))


def _pushed_apart(unknowns: Unknowns, overlap: Overlap, supporters: Supporters) -> Unknowns:
    """Both go half the way, level with the ground."""
    layout = unknowns.layout
    between = layout.translation[overlap.inner] - layout.translation[overlap.outer]
    push = overlap.push.clone()
    push[1] = 0
    if push.norm() < 0.3 * overlap.push.norm():  # out is up or down: go apart by the centres
        push = between.clone()
        push[1] = 0
        push = push / push.norm().clamp(min=1e-9) * overlap.push.norm()
    translation = layout.translation.clone()
    for index, share in ((overlap.inner, 0.5), (overlap.outer, -0.5)):
        for k in range(len(supporters)):
            if k == index or _stands_on(supporters, k, index):
                translation[k] += share * push
    return replace(unknowns, layout=replace(layout, translation=translation))


def _stands_on(supporters: Supporters, k: int, j: int) -> bool:
    """Whether k stands on j, or on something that does."""
    for _ in supporters:
        below = supporters[k]
        if below is None or below == j:
            return below == j
        k = below
    return False


def _moved_away(problem: Problem, unknowns: Unknowns, overlap: Overlap) -> Unknowns:
    """The farther one, scaled about the eye by just what takes it out."""
    eye = problem.camera.world_from_camera.translation
    layout = unknowns.layout
    away = layout.translation - eye
    k = max((overlap.inner, overlap.outer), key=lambda index: away[index].norm().item())
    push = overlap.push if k == overlap.inner else -overlap.push
    ray = away[k] / away[k].norm()
    along = (push.norm() / (push @ ray / push.norm()).clamp(min=0.3)).item()
    factor = 1 + min(along / away[k].norm().item(), FARTHEST)
    translation, scale = layout.translation.clone(), layout.scale.clone()
    translation[k], scale[k] = eye + factor * away[k], factor * scale[k]
    return replace(unknowns, layout=Similarity(layout.wxyz, translation, scale))
