import math

from reparo.evaluate.table import markdown_table, summary, text_table

ROWS = [
    {"object": "mug", "add": 0.01234, "iou": 0.5},
    {"object": "old chair", "add": 2.0, "iou": 0.25},
]


def test_text_columns_line_up_words_left_and_numbers_right():
    lines = text_table(ROWS).splitlines()
    assert lines[0] == "object        add     iou"
    assert lines[2] == "mug        0.0123  0.5000"
    assert lines[3] == "old chair    2.00  0.2500"


def test_markdown_marks_number_columns():
    lines = markdown_table(ROWS).splitlines()
    assert lines[1] == "| --- | ---: | ---: |"
    assert lines[3] == "| old chair | 2.00 | 0.2500 |"


def test_a_cell_that_is_not_known_is_empty():
    rows = [{"a": 1.0}, {"a": math.nan, "b": "x"}, {"a": math.inf}]
    assert markdown_table(rows).splitlines()[2:] == ["| 1.00 |  |", "|  | x |", "| inf |  |"]


def test_the_worst_is_the_lowest_where_higher_is_better():
    rows = [{"track": "t", **row} for row in ROWS]
    lines = summary(rows, "track", higher_is_better=("iou",))
    assert [line["of objects"] for line in lines] == ["median of 2", "mean of 2", "worst of 2"]
    assert [line["add"] for line in lines] == [1.00617, 1.00617, 2.0]
    assert lines[2]["iou"] == 0.25
