"""Confidence follows what is known, not what was found."""

from dataclasses import replace

import pytest

from reparo.evaluate.made_up import Hints, to_problem
from reparo.layout import AlignSettings, align


def least(made_up, hints, render, name: str, **settings) -> float:
    solution = align(to_problem(*made_up, hints), AlignSettings(**settings), render)
    return min(report.confidence[name] for report in solution.objects)


@pytest.mark.parametrize("name", ["distance", "scale"])
def test_metric_depth_determines_distance_and_scale(made_up, render, name):
    assert least(made_up, Hints("metric"), render, name) > 0.8


@pytest.mark.parametrize("name", ["distance", "scale"])
def test_a_ground_determines_distance_and_scale(made_up, render, name):
    assert least(made_up, Hints(None, "common"), render, name) > 0.8


@pytest.mark.parametrize("name", ["distance", "scale"])
def test_a_picture_alone_tells_neither(made_up, render, name):
    assert least(made_up, Hints(None), render, name) < 0.3


def test_what_is_given_is_certain(first_made_up, render):
    sure = least(first_made_up, Hints(None), render, "scale", free=("translation",))
    assert sure == 1


def test_a_smoothly_wrong_depth_map_says_less_than_a_metric_one(made_up, render):
    coarse = least(made_up, Hints("disparity"), render, "distance")
    assert coarse < least(made_up, Hints("metric"), render, "distance")


def test_the_outline_error_is_in_pixels_and_grows_with_a_wrong_mask(first_made_up, render):
    problem = to_problem(*first_made_up, Hints("metric"))
    regions = list(problem.observation.regions)
    moved = replace(
        regions[0], visible=regions[0].visible.roll(8, 1).logical_or(regions[0].visible)
    )
    spoilt = replace(
        problem, observation=replace(problem.observation, regions=(moved, *regions[1:]))
    )
    true, wrong = (
        align(one, AlignSettings(), render).objects[0].losses["outline"]
        for one in (problem, spoilt)
    )
    assert true < 0.5
    assert wrong > 1
