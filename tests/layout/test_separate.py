"""Objects are taken out of one another, on the ground and in the air, where it shows least."""

from dataclasses import replace

import pytest
import torch
from test_solve import two_boxes

from reparo.evaluate.crowded import crowded_scene, fattened
from reparo.evaluate.made_up import Hints, to_problem
from reparo.evaluate.metrics import picture_errors
from reparo.layout import AlignSettings, align
from reparo.layout.apart import Claim, least_step
from reparo.layout.contact import penetrations
from reparo.layout.rest import settled
from reparo.layout.unknowns import PER_OBJECT, SHARED, Unknowns
from reparo.layout.view import view_at
from reparo.scene import Problem, Region, Scene, Similarity

SETTINGS = AlignSettings()


def as_seen(problem: Problem, layout: Similarity, render) -> Problem:
    """The same question with the masks that this layout shows."""
    seen = render(Scene(problem.names, problem.meshes, layout, problem.camera))
    regions = tuple(Region(name, seen.object_index == k) for k, name in enumerate(problem.names))
    return replace(problem, observation=replace(problem.observation, regions=regions))


def rested(problem: Problem, layout: Similarity, render) -> Similarity:
    found = Unknowns(layout, ground=-1.5)
    return settled(problem, found, view_at(problem, 256), render, SETTINGS).layout


def test_boxes_a_little_inside_one_another_are_pushed_apart_along_the_ground(render):
    problem, layout = two_boxes([-0.48, -1.0, -5.0], [0.48, -1.0, -5.2])
    apart = rested(as_seen(problem, layout, render), layout, render)
    assert penetrations(problem, layout, seed=0).max() > 0.015
    assert penetrations(problem, apart, seed=0).max() < 0.01
    feet = apart.translation[:, 1] - apart.scale / 2
    torch.testing.assert_close(feet, torch.full_like(feet, -1.5))


def test_in_the_air_they_go_apart_along_the_rays_of_sight(render):
    problem, layout = two_boxes([0.0, 0.0, -5.0], [0.2, 0.1, -5.9])
    problem = replace(problem, observation=replace(problem.observation, ground=None))
    problem = as_seen(problem, layout, render)
    apart = rested(problem, layout, render)
    assert penetrations(problem, layout, seed=0).max() > 0.04
    assert penetrations(problem, apart, seed=0).max() < 0.01
    for k, mesh in enumerate(problem.meshes):
        before, after = (
            problem.camera.project(one[k].apply(mesh.vertices))[0] for one in (layout, apart)
        )
        assert (after - before).abs().max() < 1.0  # px


def test_what_does_not_touch_is_left_alone(render):
    problem, layout = two_boxes([0.0, -1.0, -5.0], [1.5, -1.0, -5.0])
    apart = rested(as_seen(problem, layout, render), layout, render)
    torch.testing.assert_close(apart.translation, layout.translation)


def test_without_the_freedom_to_move_nothing_moves(render):
    problem, layout = two_boxes([0.0, -1.0, -5.0], [0.9, -1.0, -5.0])
    kept = settled(
        problem, Unknowns(layout), view_at(problem, 64), render, AlignSettings(free=("rotation",))
    )
    torch.testing.assert_close(kept.layout.translation, layout.translation)


def test_the_step_goes_where_the_picture_minds_least_and_meets_its_claims():
    """Least x² + 4 y² with x + y = 1 is at (0.8, 0.2)."""
    size = PER_OBJECT + SHARED
    hessian, row, free = torch.zeros(size, size), torch.zeros(size), torch.zeros(size, dtype=bool)
    hessian[0, 0], hessian[1, 1], row[0], row[1], free[:2] = 1, 4, 1, 1, True
    equations = hessian, torch.zeros(size)
    step = least_step(equations, [Claim(row, 1.0)], [], free)
    torch.testing.assert_close(step[:2], torch.tensor([0.8, 0.2]), rtol=0.02, atol=0)
    let_go = least_step(equations, [], [Claim(row, -1.0)], free)
    torch.testing.assert_close(let_go, torch.zeros(size))


@pytest.mark.parametrize(
    ("seed", "stacked"),
    [
        (1, False),
        pytest.param(3, False, marks=pytest.mark.slow),
        pytest.param(1, True, marks=pytest.mark.slow),
        (3, True),
    ],
)
def test_meshes_a_little_too_fat_come_to_rest_outside_one_another(render, seed, stacked):
    """The bars of the aligner: 1 % deep, 1 % of a gap, at most 0.005 of mask overlap lost."""
    scene, observation = crowded_scene(seed, render, stacked=stacked)
    hints = Hints("disparity", "supported" if stacked else "common", seed=seed)
    problem = fattened(to_problem(scene, observation, hints), 0.04, seed)
    loose, firm = (align(problem, AlignSettings(settle=on), render) for on in (False, True))
    assert max(report.penetration for report in firm.objects) <= 0.01
    assert max(abs(report.gap) for report in firm.objects) <= 0.01
    before, after = (
        picture_errors(
            replace(scene, meshes=problem.meshes, layout=one.layout), observation, render
        )
        for one in (loose, firm)
    )
    lost = sum(b.mask_iou - a.mask_iou for b, a in zip(before, after, strict=True)) / len(before)
    assert lost <= 0.005
