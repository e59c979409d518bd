"""Results that hold, results that do not, and results that were never finished."""

import json
import os

import pytest

from reparo import models
from reparo.workspace import NOTE, Recipe, Workspace, digest


@pytest.fixture
def made(tmp_path):
    """A workspace and a function that makes one result, and says whether it had to."""
    workspace = Workspace(tmp_path / "steps")

    def make(recipe=None, content="1") -> bool:
        calls = []

        def write(folder):
            calls.append(1)
            (folder / "result.txt").write_text(content)

        workspace.step("1-step/a", recipe or Recipe("b", {}, {}), write)
        return bool(calls)

    return workspace, make


def test_a_result_is_made_once(made):
    _, make = made
    assert make()
    assert not make()


@pytest.mark.parametrize(
    "recipe", [Recipe("c", {}, {}), Recipe("b", {"x": 1}, {}), Recipe("b", {}, {"photo": "0"})]
)
def test_another_recipe_makes_it_anew(made, recipe):
    _, make = made
    make()
    assert make(recipe)
    assert not make(recipe)


def test_the_order_of_settings_does_not_matter():
    first = Recipe("b", {"x": 1, "y": 2}, {})
    assert first.fingerprint == Recipe("b", {"y": 2, "x": 1}, {}).fingerprint


def test_a_file_among_the_settings_counts_with_its_contents(tmp_path):
    file = tmp_path / "boxes.json"
    file.write_text("1")
    recipe = Recipe("b", {"boxes": file}, {})
    before = recipe.fingerprint
    file.write_text("2")
    assert recipe.fingerprint != before


def test_another_version_of_the_package_makes_it_anew(made, monkeypatch):
    _, make = made
    make()
    monkeypatch.setattr("reparo.workspace.version", lambda name: "99")
    assert make()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_result_is_not_there_and_the_old_one_is(made, error):
    workspace, make = made
    make(content="old")

    def write(folder):
        (folder / "result.txt").write_text("half")
        raise error

    with pytest.raises(error):
        workspace.step("1-step/a", Recipe("other", {}, {}), write)
    assert (workspace.root / "1-step/a/result.txt").read_text() == "old"
    assert [path.name for path in (workspace.root / "1-step").iterdir()] == ["a"]


def test_a_result_changed_by_hand_is_kept_whatever_the_recipe(made):
    workspace, make = made
    make()
    (workspace.root / "1-step/a/result.txt").write_text("mine")
    assert not make(Recipe("other", {}, {}))
    assert (workspace.root / "1-step/a/result.txt").read_text() == "mine"


@pytest.mark.parametrize("note", ["", "[]", "{"])
def test_a_spoilt_note_is_no_reason_to_lose_the_result(made, note):
    workspace, make = made
    make()
    (workspace.root / "1-step/a" / NOTE).write_text(note)
    assert not make(Recipe("other", {}, {}))


def test_the_note_says_what_it_was_made_from(made):
    workspace, make = made
    make(Recipe("b", {"x": 1}, {"photo": "abc"}))
    note = json.loads((workspace.root / "1-step/a" / NOTE).read_text())
    assert note["backend"] == "b"
    assert note["settings"] == {"x": 1}
    assert note["inputs"] == {"photo": "abc"}


def test_the_notes_say_which_networks_were_used(made, tmp_path):
    """Also those of results that were not made now."""
    workspace, make = made
    weights = tmp_path / "weights"
    weights.mkdir()
    place = f"the folder {weights}"

    def look(folder):
        models.located(weights)
        (folder / "seen").write_text("1")

    make()
    assert workspace.models() == {}
    for _ in range(2):
        workspace.step("2-step", Recipe("b", {}, {}), look)
        found = workspace.models()
        assert found == {str(weights): {"from": place, "version": "unknown", "licence": "unknown"}}
    (workspace.root / "2-step" / NOTE).write_text('{"models": 1}')
    assert workspace.models() == {}


def test_a_large_file_is_hashed_again_when_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("reparo.workspace.LARGE", 4)
    file = tmp_path / "weights"
    file.write_bytes(b"12345")
    first = digest(tmp_path)
    assert digest(tmp_path) == first
    file.write_bytes(b"54321")
    os.utime(file, (1, 1))
    assert digest(tmp_path) != first
    monkeypatch.setattr("reparo.workspace.LARGE", 1000)
    file.write_bytes(b"12345")
    assert digest(tmp_path) == first


def test_a_digest_is_of_names_and_contents_but_not_of_notes_and_hidden_files(tmp_path):
    (tmp_path / "a").write_text("1")
    first = digest(tmp_path)
    (tmp_path / NOTE).write_text("{}")
    (tmp_path / ".DS_Store").write_text("x")
    assert digest(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    assert digest(tmp_path) != first


def test_what_was_changed_by_hand_is_not_forgotten(made):
    workspace, make = made
    make()
    (workspace.root / "1-step/a/result.txt").write_text("mine")
    workspace.forget("1-step", keep=set())
    assert (workspace.root / "1-step/a").is_dir()
