"""States: each command gives a new one, and a file brings it back."""

import json

import pytest

from reparo.app.history import KEPT, History
from reparo.app.state import State, Thing, safe_name
from reparo.errors import InputError

POSE = (1.0, 2.0, 3.0, 1.0, 0.0, 0.0, 0.0, 0.5)


@pytest.fixture
def two():
    click = ((3.0, 4.0, True),)
    return State().added(Thing("object-1", "a.png", click)).added(Thing("object-2", "b.png"))


def test_commands_leave_the_old_state_as_it_was(two):
    two.renamed("object-1", "lamp").merged("lamp", "object-2", "c.png").placed("lamp", POSE)
    assert two.names == ("object-1", "object-2") and two.moved == {}


def test_a_merged_object_keeps_its_name_and_has_the_new_outline(two):
    merged = two.merged("object-2", "object-1", "c.png")
    assert merged.names == ("object-2",)
    assert merged.thing("object-2") == Thing("object-2", "c.png")


def test_what_people_type_becomes_a_file_name(two):
    assert two.renamed("object-1", "  My red chair! ").names[0] == "My-red-chair"
    assert two.renamed("object-1", "Object-1").names[0] == "Object-1"
    assert safe_name("../../etc/passwd") == "etc-passwd"
    for wrong in ("", " ", "///", "..."):
        with pytest.raises(InputError, match="letters or digits"):
            safe_name(wrong)


def test_names_stay_different_and_known(two):
    assert two.free_name() == "object-3"
    for wrong in (
        lambda: two.renamed("object-1", "object-2"),
        lambda: two.renamed("object-1", "Object-2"),
        lambda: two.deleted("sofa"),
        lambda: two.merged("object-1", "object-1", "c.png"),
        lambda: two.merged("object-1", "sofa", "c.png"),
    ):
        with pytest.raises(InputError):
            wrong()


def test_a_new_result_forgets_what_was_moved_in_the_old_one(two):
    assert two.made("001", "made").placed("object-1", POSE).made("002", "refined").moved == {}


def test_a_history_comes_back_from_its_file(two, tmp_path):
    history = History.read(tmp_path / "session.json")
    for state in (two, two.made("001", "scene made"), two.made("001", "x").placed("a", POSE)):
        history.go(state)
    assert history.undo()
    again = History.read(tmp_path / "session.json")
    assert (again.states, again.at) == (history.states, history.at)
    assert again.words == ("scene made", "a moved")
    assert again.scenes == {"001"}


def test_undo_and_redo_end_at_the_ends_and_a_new_command_ends_redo(two, tmp_path):
    history = History.read(tmp_path / "session.json")
    assert not history.undo() and not history.redo()
    history.go(two)
    history.undo()
    assert history.now == State()
    history.go(State(said="else"))
    assert not history.redo()
    for number in range(2 * KEPT):
        history.go(State(said=str(number)))
    assert len(history.states) == KEPT and history.now.said == str(2 * KEPT - 1)


@pytest.mark.parametrize(
    "broken",
    [
        "[]",
        '{"states": [], "at": 0}',
        '{"states": [{}], "at": 0}',
        '{"states": 3, "at": 0}',
        json.dumps({"states": [State().as_json() | {"scene": "../out"}], "at": 0}),
        json.dumps({"states": [State().as_json() | {"things": [{"name": "/"}]}], "at": 0}),
        json.dumps({"states": [State().as_json() | {"moved": {"a": [1, 2]}}], "at": 0}),
    ],
)
def test_a_broken_file_is_said_to_be_one(broken, tmp_path):
    (tmp_path / "session.json").write_text(broken)
    with pytest.raises(InputError):
        History.read(tmp_path / "session.json")
