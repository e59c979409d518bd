"""How many workers fit."""

import pytest

from reparo.batch.drive import How
from reparo.batch.plan import (
    BIG_NEED,
    GIB,
    USUAL_NEED,
    Machine,
    as_bytes,
    in_words,
    need_of,
    planned,
)
from reparo.errors import InputError

MACHINE = Machine(cores=8, free=20 * GIB)


def test_cores_memory_and_photos_each_bound_the_workers():
    assert planned(MACHINE, GIB, 100).workers == 8
    assert planned(MACHINE, 5 * GIB, 100).workers == 3  # 80 % of 20, less the batch's own
    assert planned(MACHINE, GIB, 2).workers == 2
    assert planned(MACHINE, 100 * GIB, 100).workers == 1  # there is always one
    assert planned(MACHINE, GIB, 100, memory=2 * GIB).workers == 2
    assert planned(Machine(8, 20 * GIB, gpus=2), GIB, 100).workers == 2


def test_what_is_said_counts():
    chosen = planned(MACHINE, 5 * GIB, 100, workers=6, memory=GIB)
    assert (chosen.workers, chosen.memory) == (6, GIB)


def test_cores_are_shared():
    assert [planned(MACHINE, GIB, 9, workers=count).threads for count in (1, 2, 3, 8)] == [
        8,
        4,
        2,
        1,
    ]


def test_what_photos_were_seen_to_need_counts_more_than_the_table():
    assert need_of("embedded", []) == USUAL_NEED
    assert need_of("paper", [100.0]) == BIG_NEED  # one photo tells too little
    assert need_of("embedded", [1000.0, 2000.0, 1500.0]) == pytest.approx(2400 << 20)


@pytest.mark.parametrize(
    "text, amount", [("12G", 12 * GIB), ("500m", 500 << 20), ("1.5GiB", 3 * GIB // 2), ("64", 64)]
)
def test_amounts_of_memory(text, amount):
    assert as_bytes(text) == amount


def test_amounts_in_words():
    assert in_words(3 * GIB // 2) == "1.5 GiB" and in_words(100 << 20) == "100 MiB"


@pytest.mark.parametrize("text", ["", "much", "-1G", "0G", "1X"])
def test_other_words_are_no_amounts(text):
    with pytest.raises(InputError, match="--memory"):
        as_bytes(text)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"engine": "cloud"}, "local or ray"),
        ({"workers": 0}, "--workers"),
        ({"time_limit": 0.0}, "--time-limit"),
    ],
)
def test_wrong_ways_are_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        How(**wrong)
