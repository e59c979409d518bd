"""Made-up scenes in which objects touch, stand on one another, or come with meshes too fat.

What settling is for: exact meshes side by side, not inside one another; a mesh that is too fat
cannot both fill its mask and stay outside its neighbour.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from reparo.contracts import Renderer
from reparo.evaluate.made_up import DRAWS, how_telling, observe, standing_layout
from reparo.evaluate.room import framing_camera, placed
from reparo.evaluate.shapes import SHAPES, made_up_mesh
from reparo.layout.contact import Contacts
from reparo.scene import Mesh, Observation, Problem, Scene, Similarity

FLAT = ("crate", "pillar", "table")  # shapes with a level top
HALVINGS = 10  # of the way to a neighbour: it ends within a thousandth of it
UPPER = 0.35  # size of what stands on top, to its supporter's


def crowded_scene(
    seed: int,
    render: Renderer,
    objects: int = 3,
    size: tuple[int, int] = (256, 256),
    stacked: bool = False,
) -> tuple[Scene, Observation]:
    """Objects on y = 0, each slid towards the middle until it touches another one.

    `stacked`: the second stands on the first. One seed, one scene.
    """
    rng = np.random.default_rng(seed)
    kinds = [str(kind) for kind in rng.permutation(list(SHAPES))[:objects]]
    if stacked:
        kinds[0] = str(rng.choice([kind for kind in FLAT if kind not in kinds[1:]]))
    meshes = tuple(made_up_mesh(kind, rng) for kind in kinds)
    best: tuple[float, Scene | None] = (-math.inf, None)
    for _ in range(DRAWS):
        layout = standing_layout(meshes, rng)
        if stacked:
            layout = put_on(layout, meshes, rng)
        layout = slid_together(layout, meshes, fixed=2 if stacked else 1)
        camera = framing_camera(
            placed(meshes, layout), rng.uniform(35, 60), rng.uniform(0.1, 0.5), 0.0, size
        )
        scene = Scene(tuple(kinds), meshes, layout, camera)
        score = how_telling(scene, render)
        best = max(best, (score, scene), key=lambda one: one[0])
        if score >= 1:
            break
    assert best[1] is not None  # DRAWS > 0
    return best[1], observe(best[1], render, rng)


def put_on(layout: Similarity, meshes: Sequence[Mesh], rng: np.random.Generator) -> Similarity:
    """The second object made small and put on top of the first, about its middle."""
    lower, upper = meshes[0].bounds, meshes[1].bounds
    translation, scale = layout.translation.clone(), layout.scale.clone()
    scale[1] = UPPER * scale[0]
    top = translation[0, 1] + scale[0] * lower[1, 1]
    aside = torch.tensor(rng.uniform(-0.05, 0.05, 3)).to(translation)
    translation[1] = translation[0] + aside
    translation[1, 1] = top - scale[1] * upper[0, 1]
    return Similarity(layout.wxyz, translation, scale)


def slid_together(layout: Similarity, meshes: Sequence[Mesh], fixed: int) -> Similarity:
    """All but the first `fixed` objects slid level towards the first until they touch."""
    translation = layout.translation.clone()
    for k in range(fixed, len(meshes)):
        far, near = translation[k].clone(), translation[0].clone()
        near[1] = far[1]
        touching, clear = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (touching + clear) / 2
            translation[k] = near + middle * (far - near)
            part = Similarity(layout.wxyz[: k + 1], translation[: k + 1], layout.scale[: k + 1])
            if _touches(part, meshes[: k + 1], k):
                touching = middle
            else:
                clear = middle
        translation[k] = near + clear * (far - near)
    return replace(layout, translation=translation)


def _touches(layout: Similarity, meshes: Sequence[Mesh], k: int) -> bool:
    """Whether object k reaches into another, or another into it."""
    contacts = Contacts(meshes, seed=0)
    contacts.place(layout, range(len(meshes)))
    return any(k in (one.inner, one.outer) for one in contacts.found)


def fattened(problem: Problem, share: float, seed: int) -> Problem:
    """The same question with meshes too wide, as generated ones may be.

    Each is widened by `share` along one level axis of its own and by half of that across.
    """
    rng = np.random.default_rng(seed)
    return replace(problem, meshes=tuple(_widened(one, share, rng) for one in problem.meshes))


def _widened(mesh: Mesh, share: float, rng: np.random.Generator) -> Mesh:
    angle = rng.uniform(0, math.pi)
    axis = mesh.vertices.new_tensor([math.cos(angle), 0, math.sin(angle)])
    level = mesh.vertices.new_tensor([1.0, 0, 1.0])
    along = (mesh.vertices @ axis)[:, None] * axis
    return replace(mesh, vertices=mesh.vertices + share / 2 * (mesh.vertices * level + along))
