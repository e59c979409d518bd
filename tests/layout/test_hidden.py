"""What is hidden, alike or white still gets home."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reparo.evaluate.made_up import Hints, full_masks, observe, to_problem
from reparo.evaluate.metrics import pose_errors, surface_points
from reparo.evaluate.room import framing_camera, placed
from reparo.evaluate.shapes import made_up_mesh
from reparo.layout import AlignSettings, align
from reparo.scene import Mesh, Observation, Photo, Scene, Similarity, Solution, Start


def standing(kinds: list[str], places: list[list[float]], scales: list[float]) -> Scene:
    """Shapes on y = 0 at [x, z], seen by a camera that frames them all."""
    rng = np.random.default_rng(3)
    first = {kind: made_up_mesh(kind, rng) for kind in dict.fromkeys(kinds)}
    meshes = tuple(first[kind] for kind in kinds)
    rows = [
        [x, -mesh.bounds[0, 1].item() * scale, z]
        for mesh, (x, z), scale in zip(meshes, places, scales, strict=True)
    ]
    wxyz = torch.tensor([[1.0, 0, 0, 0]]).repeat(len(kinds), 1)
    layout = Similarity(wxyz, torch.tensor(rows), torch.tensor(scales))
    camera = framing_camera(placed(meshes, layout), 45.0, 0.3, 0.0, (192, 256))
    names = tuple(f"{kind}-{i}" for i, kind in enumerate(kinds))
    return Scene(names, meshes, layout, camera)


def seen(scene: Scene, render) -> Observation:
    return observe(scene, render, np.random.default_rng(3))


def worst(scene: Scene, solution: Solution) -> float:
    return max(
        pose_errors(surface_points(mesh), solution.layout[k], scene.layout[k], scene.camera).add
        for k, mesh in enumerate(scene.meshes)
    )


def test_an_object_of_which_a_third_shows_is_found(render):
    scene = standing(["crate", "chair"], [[0.0, 0.0], [0.3, -0.8]], [1.0, 0.9])
    observation = seen(scene, render)
    shown = observation.regions[1].area / int(full_masks(scene, render)[1].sum())
    assert 0.2 < shown < 0.4
    assert worst(scene, align(to_problem(scene, observation), AlignSettings(), render)) < 0.02


def test_an_object_that_starts_hidden_behind_another_comes_out(render):
    scene = standing(["crate", "mug"], [[-0.7, 0.0], [0.7, 0.0]], [1.0, 0.5])
    problem = to_problem(scene, seen(scene, render))
    behind = scene.layout.translation[0] + torch.tensor([0.0, 0.0, -1.0])
    starts = (problem.starts[0], replace(problem.starts[1], translation=behind, scale=0.5))
    solution = align(replace(problem, starts=starts), AlignSettings(), render)
    assert worst(scene, solution) < 0.01


def test_two_of_the_same_are_not_swapped(render):
    scene = standing(["chair", "chair"], [[-0.6, 0.2], [0.6, -0.6]], [1.0, 1.0])
    problem = to_problem(scene, seen(scene, render))
    middle = scene.layout.translation.mean(0)
    starts = tuple(replace(start, translation=middle, scale=1.0) for start in problem.starts)
    solution = align(replace(problem, starts=starts), AlignSettings(), render)
    assert worst(scene, solution) < 0.01


def test_white_objects_on_white_survive(render):
    scene = standing(["house", "stairs"], [[-0.6, 0.0], [0.6, -0.3]], [1.0, 1.0])
    observation = seen(scene, render)
    white = tuple(Mesh.plain(mesh.vertices, mesh.faces) for mesh in scene.meshes)
    blank = Photo(torch.ones_like(observation.photo.rgb))
    scene = replace(scene, meshes=white)
    for depth in ("metric", None):
        hints = Hints(depth, None if depth else "common")
        problem = to_problem(scene, replace(observation, photo=blank), hints)
        solution = align(problem, AlignSettings(), render)
        assert all(report.losses["mask"] < 0.02 for report in solution.objects)
        assert solution.layout.translation.isfinite().all()


def test_a_start_is_only_a_start(render):
    """However wrong it is, what the picture says wins."""
    scene = standing(["house", "mug"], [[-0.5, 0.0], [0.6, 0.2]], [1.0, 0.6])
    problem = to_problem(scene, seen(scene, render))
    starts = tuple(
        Start(start.wxyz, torch.tensor([0.0, 1.0, 0.0]), 0.3) for start in problem.starts
    )
    solution = align(replace(problem, starts=starts), AlignSettings(), render)
    assert worst(scene, solution) < 0.02


@pytest.mark.parametrize(
    "translation, scale",
    [([3.0, 0.2, -0.3], None), ([0.0, 1.5, 20.0], None), (None, 1e-4), ([0.0, 0.0, -1e3], 1e-3)],
    ids=["beside the picture", "behind the camera", "too small", "too far"],
)
def test_a_start_from_which_nothing_is_seen_does_no_harm(render, translation, scale):
    scene = standing(["crate", "mug"], [[-0.7, 0.0], [0.7, 0.0]], [1.0, 0.5])
    problem = to_problem(scene, seen(scene, render))
    place = None if translation is None else torch.tensor(translation)
    starts = (replace(problem.starts[0], translation=place, scale=scale), problem.starts[1])
    solution = align(replace(problem, starts=starts), AlignSettings(), render)
    assert worst(scene, solution) < 0.01
    assert solution.notes == ()


def test_an_object_that_cannot_be_found_is_told(render):
    scene = standing(["crate", "mug"], [[-0.7, 0.0], [0.7, 0.0]], [1.0, 0.5])
    problem = to_problem(scene, seen(scene, render))
    away = replace(problem.starts[0], translation=torch.tensor([0.0, 0.0, 50.0]), scale=1.0)
    fixed = AlignSettings(free=("rotation",))
    starts = (away, replace(problem.starts[1], translation=scene.layout.translation[1], scale=0.5))
    solution = align(replace(problem, starts=starts), fixed, render)
    assert len(solution.notes) == 1
    assert solution.notes[0].startswith("crate-0 was not found")
