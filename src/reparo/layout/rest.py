"""The last step: objects come to rest on what they stand on, and outside one another."""

import torch

from reparo.contracts import Renderer
from reparo.layout.contact import Contacts, Overlap
from reparo.layout.polish import polish_rows
from reparo.layout.rows import Rows
from reparo.layout.settings import AlignSettings
from reparo.layout.settle import settle
from reparo.layout.solve import add_contact, normal_equations, solve_step
from reparo.layout.support import Supporters, footing, supporters_of
from reparo.layout.unknowns import PER_OBJECT, Unknowns, distances, free_columns, motion, object_centres
from reparo.layout.view import Sight, View, look, mask_overlap
from reparo.scene import Problem

FIT_LOSS = 0.005  # of mean mask overlap that taking objects apart may cost
ENOUGH = 0.005
ROUNDS = 10
WEIGHT = 100.0
import os
NEAR = float(os.environ.get('NEAR','0.1'))
L1=float(os.environ.get('L1','1'))
ROOM = 0.002


def settled(problem, found, view, render, settings):
    sight = look(problem, found, view, render)
    supporters = supporters_of(problem, sight)
    fit = shown(sight)
    grounded = problem.observation.ground is not None
    if grounded:
        found = settle(problem, found, supporters, settings.free)
    if "translation" not in settings.free:
        return found
    contacts = Contacts(problem.meshes, settings.seed)
    everyone = range(len(problem.meshes))
    contacts.place(found.layout, everyone)
    active = {}
    best, best_key = found, None
    free = tuple(x for x in settings.free if x != "rotation")
    columns = free_columns(problem, free)
    log = []
    for index in range(ROUNDS + 1):
        touching = [one for one in contacts.found if counts(one, supporters)]
        deepest = max((one.share for one in touching), default=0.0)
        if deepest <= ENOUGH and index == 0:
            return found
        sight = look(problem, found, view, render)
        loss = fit - shown(sight)
        log.append((round(deepest, 4), round(loss, 4)))
        key = (max(deepest, ENOUGH) / 0.01 if loss <= FIT_LOSS else 100 + loss)
        if best_key is None or key < best_key:
            best, best_key = found, key
        if deepest <= ENOUGH and (loss <= FIT_LOSS or index > 6) or index == ROUNDS:
            break
        now = {(one.inner, one.outer): one for one in touching}
        anchors = found.layout.apply(object_centres(problem)[:, None])[:, 0]
        rows = [outline(one, sight) for one in polish_rows(sight) if not one.slope[:, 2].any()]
        equations = normal_equations(Rows.join(rows), anchors, view.camera)
        diag = equations[0].diagonal()
        for k in range(len(anchors)):
            at = slice(k * PER_OBJECT + 3, k * PER_OBJECT + 7)
            diag[at] += NEAR * diag[at][:3].max()
        if grounded:
            stand = footing(problem, found, supporters)
            add_contact(equations, stand, supporters, anchors, view.camera)
        for pair, one in now.items():
            active[pair] = one
        for pair, one in active.items():
            add_apart(equations, one, pair in now, anchors, view.camera)
        step = solve_step(equations, columns)
        found = found.stepped(step, object_centres(problem), problem.camera)
        if grounded:
            found = settle(problem, found, supporters, settings.free)
        contacts.place(found.layout, everyone)
    import os
    if os.environ.get("LOG"): print(log)
    return best


def shown(sight):
    masks = sight.view.masks
    depths = sight.layers.depths
    nearest = depths.argmin(0)
    n = len(masks)
    seen = (nearest[None] == torch.arange(n)[:, None, None]) & depths.isfinite()
    both, either = (seen & masks).flatten(1).sum(1), (seen | masks).flatten(1).sum(1)
    return (both / either.clamp(min=1)).mean().item()


def outline(rows, sight):
    from dataclasses import replace
    area = sight.view.masks[int(rows.owner[0])].sum() if len(rows.owner) else 1
    return replace(rows, weight=100 / rows.residual.abs().clamp(min=L1) / area)


def counts(overlap, supporters):
    k, j = overlap.inner, overlap.outer
    return supporters[k] != j and supporters[j] != k


def add_apart(equations, one, now, anchors, camera):
    hessian, gradient = equations
    depth = one.push.norm()
    normal = one.push / depth.clamp(min=1e-12)
    both = torch.tensor([one.inner, one.outer])
    moved = motion(one.point.expand(2, 3), both, anchors, camera)  # [2, 3, 7]
    away = normal @ moved  # [2, 7]
    row = torch.zeros_like(gradient)
    row[one.inner * PER_OBJECT : (one.inner + 1) * PER_OBJECT] = away[0]
    row[one.outer * PER_OBJECT : (one.outer + 1) * PER_OBJECT] = -away[1]
    pixels = camera.focal / distances(one.point[None], camera)[0]
    diagonal = depth / one.share
    residual = -(depth - 0.0 * diagonal) * pixels if now else 0 * depth
    row = row * pixels
    hmax = hessian.diagonal()[:-3].max().clone()
    hessian += WEIGHT * hmax / row.square().max() * torch.outer(row, row)
    gradient += WEIGHT * hmax / row.square().max() * row * residual
