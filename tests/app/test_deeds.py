"""What a person does on a page, where the page and the work meet."""

import threading
from types import SimpleNamespace

import pytest
from colour_network import BLUE, RED

pytest.importorskip("viser", reason="the extra `app` is not installed")
from reparo.app import deeds
from reparo.app.deeds import Deeds, Typing
from reparo.app.page import Page
from reparo.errors import InputError


@pytest.fixture
def page(session):
    """One that keeps what it says; its client is a browser's."""
    made = Page.__new__(Page)
    made.session, made.selected, made.in_scene, made.said = session, None, False, []
    made.select = lambda name: setattr(made, "selected", name)
    made.say = lambda *words: made.said.append(words)
    return made


@pytest.fixture
def doing(page):
    made = Deeds.__new__(Deeds)  # its controls are a browser's
    made.page, made.session = page, page.session
    made._typing = Typing(made._tried(made.rename))
    return made


def test_a_typed_name_is_taken_once_the_typing_rests(monkeypatch):
    monkeypatch.setattr(deeds, "RESTED", 0.05)
    taken, rested = [], threading.Event()
    typing = Typing(lambda *typed: (taken.append(typed), rested.set()))
    for name in ("c", "ch", "chair"):
        typing.letter("object-1", name)
    assert rested.wait(10)
    typing.end()
    assert taken == [("object-1", "chair")]


def test_a_typed_name_goes_to_what_was_selected_then(doing, page, session):
    page.select(session.click(*RED))
    doing.name_typed("box")
    doing._safe(lambda: page.select(session.click(*BLUE)))()  # at once, the typing has not rested
    assert session.state.names == ("box", "object-1") and page.selected == "object-1"
    doing.name_typed("ball")
    page.select("box")
    doing._typing.end()
    assert session.state.names == ("box", "ball") and page.selected == "box"


def test_a_name_that_cannot_be_stops_nothing_else(doing, page, session):
    again = []
    page.name_again = lambda: again.append(page.selected)
    page.select(session.click(*RED))
    doing.name_typed("???")
    doing._safe(lambda: session.click(*BLUE))()
    assert again == ["object-1"]  # the field shows the true name again
    assert session.state.names == ("object-1", "object-2")
    assert len(page.said) == 1 and "letters or digits" in page.said[0][1]


def test_what_another_window_deletes_is_let_go(page, session):
    held, button = [], SimpleNamespace()
    page.selected, page.in_scene, page._known = session.click(*RED), True, ("object-1", "object-2")
    session.click(*BLUE)
    session.delete("object-1")
    page.panel = SimpleNamespace(undo=button, redo=button)
    page.scene = SimpleNamespace(hold=held.append)
    page._fill = page._draw_photo = page._show_folders = lambda: None
    page._show_objects()
    assert page.selected == "object-2" and held == ["object-2"]


@pytest.mark.parametrize("error", [InputError("no layout"), FileNotFoundError("no picture")])
def test_a_scene_whose_files_are_damaged_is_said_and_left_out(page, error):
    def scene():
        raise error

    shown = []
    page.session = SimpleNamespace(scene=scene)
    page.scene = SimpleNamespace(show=shown.append)
    page._show_folders = page._fill = lambda: None
    page._show_scene()
    assert shown == [None] and str(error) in page.said[0]
