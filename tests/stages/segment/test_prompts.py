import json

import pytest

from reparo.errors import InputError
from reparo.stages.segment.prompts import read_boxes, read_points

SIZE = (100, 200)  # height, width


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "prompts.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_boxes_and_points_are_read_as_written(written):
    assert read_boxes(written({"cup": [1, 2.5, 200, 100]}), SIZE) == {"cup": (1, 2.5, 200, 100)}
    points = read_points(written({"cup": [[10, 20, 1], [30, 40, 0]]}), SIZE)["cup"]
    assert points.at == [(10, 20), (30, 40)]
    assert points.inside == [True, False]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"cup": [0, 0, 201, 50]}, "200x100"),
        ({"cup": [-1, 0, 20, 50]}, "200x100"),
        ({"cup": [20, 0, 10, 50]}, "x0 < x1"),
        ({"cup": [20, 0, 20, 50]}, "x0 < x1"),
        ({"cup": [0, 0, 10]}, "4 numbers"),
        ({"cup": [0, 0, 10, "50"]}, "finite number"),
        ({"cup": {"x": 1}}, "4 numbers"),
        ('{"cup": [0, 0, 10, NaN]}', "NaN"),
        ('{"cup": [0, 0, 10, 1e999]}', "finite number"),
        ('{"cup": [0, 0, 10, 10], "cup": [0, 0, 9, 9]}', "twice"),
        ({"../cup": [0, 0, 10, 10]}, "'../cup'"),
        ({}, "entry per name"),
        ([1, 2], "entry per name"),
        ("not json", "valid JSON"),
    ],
)
def test_boxes_that_make_no_sense_are_refused(written, content, says):
    with pytest.raises(InputError, match=says):
        read_boxes(written(content), SIZE)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"cup": [[10, 20]]}, "3 numbers"),
        ({"cup": [10, 20, 1]}, "3 numbers"),
        ({"cup": []}, "list of"),
        ({"cup": [[10, 101, 1]]}, "200x100"),
        ({"cup": [[10, 20, 2]]}, "inside"),
        ({"cup": [[10, 20, 0]]}, "at least one point inside"),
        ('{"cup": [[NaN, 20, 1]]}', "NaN"),
    ],
)
def test_points_that_make_no_sense_are_refused(written, content, says):
    with pytest.raises(InputError, match=says):
        read_points(written(content), SIZE)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nosuch\.json"):
        read_boxes(tmp_path / "nosuch.json", SIZE)
