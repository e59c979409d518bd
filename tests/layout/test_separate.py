"""Objects are taken out of one another, on the ground and in the air."""

from dataclasses import replace

import torch
from test_solve import two_boxes

from reparo.layout.contact import penetrations
from reparo.layout.separate import separate
from reparo.layout.unknowns import Unknowns

NOBODY = (None, None)


def test_boxes_on_the_ground_are_pushed_apart_along_it():
    problem, layout = two_boxes([0.0, -1.0, -5.0], [0.93, -1.0, -5.1])
    apart = separate(problem, Unknowns(layout), NOBODY, seed=0).layout
    assert penetrations(problem, layout, seed=0).max() > 0.03
    assert penetrations(problem, apart, seed=0).max() < 0.01
    torch.testing.assert_close(apart.translation[:, 1], layout.translation[:, 1])


def test_in_the_air_the_farther_one_goes_back_and_keeps_its_picture():
    problem, layout = two_boxes([0.0, 0.0, -5.0], [0.2, 0.1, -5.9])
    problem = replace(problem, observation=replace(problem.observation, ground=None))
    apart = separate(problem, Unknowns(layout), NOBODY, seed=0).layout
    assert penetrations(problem, apart, seed=0).max() < 0.01
    before, after = (
        problem.camera.project(one[1].apply(problem.meshes[1].vertices))[0]
        for one in (layout, apart)
    )
    torch.testing.assert_close(after, before)
    torch.testing.assert_close(apart[0].translation, layout[0].translation)


def test_what_stands_on_another_is_left_there_and_goes_with_it():
    problem, layout = two_boxes([0.0, -1.0, -5.0], [0.93, -1.0, -5.0], [0.0, 0.0, -5.0])
    apart = separate(problem, Unknowns(layout), (None, None, 0), seed=0).layout
    torch.testing.assert_close(
        apart.translation[2] - apart.translation[0], layout.translation[2] - layout.translation[0]
    )


def test_what_does_not_touch_is_left_alone():
    problem, layout = two_boxes([0.0, -1.0, -5.0], [1.5, -1.0, -5.0])
    unknowns = Unknowns(layout)
    assert separate(problem, unknowns, NOBODY, seed=0) is unknowns
