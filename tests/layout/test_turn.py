"""Other rotations are tried where a fit is bad, and kept only where they are better."""

from dataclasses import replace

import torch

from reparo.evaluate.made_up import Hints, to_problem
from reparo.layout.turn import chosen, merits, turn, turned
from reparo.layout.unknowns import Unknowns, object_centres
from reparo.layout.view import look, view_at


def setting(made_up, render):
    problem = to_problem(*made_up, Hints("metric"))
    view = view_at(problem, 128)
    return problem, lambda one: look(problem, one, view, render)


def test_nothing_is_better_than_the_truth(first_made_up, render):
    scene, _ = first_made_up
    problem, see = setting(first_made_up, render)
    found = turn(problem, Unknowns(scene.layout), see, lambda one: one)
    torch.testing.assert_close(found.layout.wxyz, scene.layout.wxyz)


def test_what_fits_and_looks_right_is_not_even_tried(first_made_up, render):
    scene, observation = first_made_up
    photo = replace(observation.photo, rgb=render(scene).rgb)
    problem = to_problem(scene, replace(observation, photo=photo), Hints("metric"))
    view = view_at(problem, max(photo.size))  # the masks' own size: the truth fits exactly

    def solve(_: Unknowns) -> Unknowns:
        raise AssertionError("a rotation was tried")

    found = turn(
        problem, Unknowns(scene.layout), lambda one: look(problem, one, view, render), solve
    )
    assert found.layout is scene.layout


def test_an_object_that_was_turned_by_one_of_the_ways_is_turned_back(first_made_up, render):
    scene, _ = first_made_up
    problem, see = setting(first_made_up, render)
    up = problem.camera.world_from_camera.matrix.mT[1]
    away = torch.zeros(len(scene.names), 3)
    away[0] = up * torch.pi / 12
    start = turned(problem, Unknowns(scene.layout), away)
    found = turn(problem, start, see, lambda one: one)
    same = (found.layout.wxyz * scene.layout.wxyz).sum(-1).abs()
    torch.testing.assert_close(same, torch.ones_like(same), atol=1e-6, rtol=0)
    assert (merits(see(found)) <= merits(see(start)) + 1e-12).all()


def test_turning_keeps_every_centre(first_made_up, render):
    scene, _ = first_made_up
    problem, _ = setting(first_made_up, render)
    centres = object_centres(problem)[:, None]
    after = turned(problem, Unknowns(scene.layout), torch.rand(len(scene.names), 3))
    torch.testing.assert_close(after.layout.apply(centres), scene.layout.apply(centres))


def test_objects_are_chosen_one_by_one(first_made_up):
    scene, _ = first_made_up
    other = replace(scene.layout, translation=scene.layout.translation + 1)
    use = torch.tensor([True, False, True])
    mixed = chosen(Unknowns(scene.layout), Unknowns(other), use).layout.translation
    torch.testing.assert_close(mixed[1], scene.layout.translation[1])
    torch.testing.assert_close(mixed[[0, 2]], other.translation[[0, 2]])
