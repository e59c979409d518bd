"""A session without a page: objects by clicks, undo, work that can be stopped, all on disk."""

import json
import threading

import numpy as np
import pytest
import torch
from colour_network import BLUE, RED, YELLOW, inside, photo_bytes

from reparo.app import labour, work
from reparo.app.jobs import WAITING, Stopped
from reparo.app.session import Session
from reparo.errors import BackendFailed, InputError
from reparo.scene import Region

COLOURS = {"red": (200, 40, 40), "blue": (40, 60, 200), "yellow": (240, 220, 60)}
WAIT = 10  # s; what takes longer hangs


def shown(session):
    return {region.name: region.visible.numpy() for region in session.regions()}


def worked(session):
    """Waits for the end of the work that is going on."""
    assert session.job is not None and session.job.ended.wait(WAIT)
    return session.job


@pytest.fixture
def finding(monkeypatch):
    """The search finds what the test says."""

    def finds(work_):
        monkeypatch.setattr(work, "find", work_)

    return finds


def test_a_click_makes_an_object_and_the_photo_is_looked_at_once(session, network):
    assert session.click(*RED) == "object-1"
    assert session.click(*BLUE) == "object-2"
    np.testing.assert_array_equal(shown(session)["object-1"], inside(COLOURS["red"]))
    assert network.looks == 1
    assert session.click(*RED) == "object-1"  # the same again is no new one
    assert session.at(*BLUE) == "object-2" and session.at(0.0, 0.0) is None


def test_a_box_is_answered_too(session):
    assert session.box((36.0, 20.0, 56.0, 42.0)) == "object-1"
    np.testing.assert_array_equal(shown(session)["object-1"], inside(COLOURS["blue"]))


def test_more_clicks_add_to_an_object_and_take_from_it(session):
    session.click(*RED)
    session.click(*YELLOW, on="object-1")
    both = inside(COLOURS["red"]) | inside(COLOURS["yellow"])
    np.testing.assert_array_equal(shown(session)["object-1"], both)
    session.click(*YELLOW, on="object-1", inside=False)
    np.testing.assert_array_equal(shown(session)["object-1"], inside(COLOURS["red"]))
    assert [click[2] for click in session.state.things[0].clicks] == [True, True, False]


def test_what_no_click_made_is_added_to_by_what_each_click_means(session):
    session.box((36.0, 20.0, 56.0, 42.0))
    session.click(*YELLOW, on="object-1")
    both = inside(COLOURS["blue"]) | inside(COLOURS["yellow"])
    np.testing.assert_array_equal(shown(session)["object-1"], both)
    session.click(*BLUE, on="object-1", inside=False)
    np.testing.assert_array_equal(shown(session)["object-1"], inside(COLOURS["yellow"]))
    with pytest.raises(InputError, match="nothing of object-1 would be left"):
        session.click(*YELLOW, on="object-1", inside=False)


def test_rename_merge_delete_and_the_way_back(session):
    session.click(*RED)
    session.click(*BLUE)
    assert session.rename("object-1", "red box") == "red-box"
    session.merge("red-box", "object-2")
    assert session.state.names == ("red-box",)
    assert shown(session)["red-box"].sum() == sum(
        inside(COLOURS[name]).sum() for name in ("red", "blue")
    )
    session.delete("red-box")
    for _ in range(2):
        session.undo()
    assert session.state.names == ("red-box", "object-2")
    np.testing.assert_array_equal(shown(session)["object-2"], inside(COLOURS["blue"]))
    session.redo()
    assert session.state.names == ("red-box",)


def test_a_session_comes_back_from_disk(session, network):
    session.click(*RED)
    session.rename("object-1", "box")
    session.undo()
    again = Session(session.folder, load=lambda: network)
    assert again.state == session.state and again.title == "Tidy-room"
    again.redo()
    assert again.state.names == ("box",)
    np.testing.assert_array_equal(shown(again)["box"], inside(COLOURS["red"]))


def test_two_sessions_do_not_disturb_each_other(session, network, tmp_path):
    other = Session(tmp_path / "second", load=lambda: network)
    heard = []
    other.watch(heard.append)
    other.open_photo("b.png", photo_bytes())
    heard.clear()
    session.click(*RED)
    session.undo()
    assert not heard and other.state.names == ()
    with pytest.raises(InputError, match="no scene yet"):
        other.finished()


def test_another_photo_begins_anew_and_the_old_work_stays_beside(session, network):
    session.click(*RED)
    session.open_photo("b.jpg.png", photo_bytes())
    assert session.state.names == () and session.history.words == (None, None)
    (kept,) = [one for one in session.folder.parent.iterdir() if one != session.folder]
    assert Session(kept, load=lambda: network).state.names == ("object-1",)


def test_what_is_no_picture_is_refused_and_nothing_is_lost(session):
    session.click(*RED)
    for name, content in (("a.png", b""), ("a.jpg", b"<html>"), ("../../x.png", b"no")):
        with pytest.raises(InputError):
            session.open_photo(name, content)
    assert session.state.names == ("object-1",)
    assert [one.name for one in session.folder.parent.iterdir()] == [session.folder.name]


def test_without_a_photo_there_is_nothing_to_click(tmp_path):
    empty = Session(tmp_path / "empty")
    for deed in (lambda: empty.click(1.0, 1.0), lambda: labour.find(empty)):
        with pytest.raises(InputError, match="no photo yet"):
            deed()
    assert not (tmp_path / "empty").exists()


def test_found_objects_come_beside_those_that_were_marked(session, finding):
    session.click(*RED)
    masks = [torch.from_numpy(inside(COLOURS[name])) for name in ("red", "blue")]
    regions = [Region(f"object-{i}", mask) for i, mask in enumerate(masks, 1)]
    finding(lambda photo, options, progress: regions)
    labour.find(session)
    assert worked(session).error is None
    assert session.state.names == ("object-1", "object-2")
    session.undo()
    assert session.state.names == ("object-1",)
    finding(lambda photo, options, progress: regions[:1])
    labour.find(session)
    assert "already" in worked(session).error


def test_work_tells_how_far_it_is_and_can_be_stopped(session, finding):
    halfway, go_on, seen = threading.Event(), threading.Event(), []

    def find(photo, options, progress):
        progress("segment", 1, 4)
        halfway.set()
        go_on.wait(WAIT)
        progress("segment", 2, 4)
        raise AssertionError("it should have stopped")

    finding(find)
    session.watch(lambda change: seen.append((change, session.job.step, session.job.share)))
    labour.find(session)
    assert halfway.wait(WAIT)
    with pytest.raises(InputError, match="going on"):
        session.click(*RED)
    session.stop()
    go_on.set()
    job = worked(session)
    assert job.error == "Finding the objects: stopped" and not session.busy
    assert ("job", "segment", 0.25) in seen
    session.click(*RED)  # and all goes on


def test_a_second_long_work_waits_for_the_first_and_stops_while_it_waits(
    session, finding, tmp_path, network
):
    go_on, waiting = threading.Event(), threading.Event()
    other = Session(tmp_path / "second", load=lambda: network)
    other.open_photo("b.png", photo_bytes())
    other.watch(lambda _: waiting.set() if other.job and other.job.step == WAITING else None)
    finding(lambda photo, options, progress: go_on.wait(WAIT) and [])
    labour.find(session)
    labour.find(other)
    assert waiting.wait(WAIT)
    other.stop()
    assert worked(other).error == "Finding the objects: stopped"
    go_on.set()
    assert "no object was found" in worked(session).error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BackendFailed("the service is gone"), "the service is gone"),
        (ValueError("3"), "ValueError"),
    ],
)
def test_what_fails_is_said(session, finding, error, said):
    def find(photo, options, progress):
        raise error

    finding(find)
    labour.find(session)
    assert said in worked(session).error


def test_stop_is_no_objects_failure():
    """Steps leave out an object for an Exception; stopping must not be taken for one."""
    assert not issubclass(Stopped, Exception)


def test_a_listener_that_fails_harms_nobody(session):
    def broken(change):
        raise RuntimeError(change)

    heard = []
    session.watch(broken)
    unwatch = session.watch(heard.append)
    session.click(*RED)
    unwatch()
    session.undo()
    assert heard == ["objects"]


@pytest.mark.parametrize(
    "name, kept",
    [
        ("照片.jpg", "photo.jpg"),
        ("  .png", "photo.png"),
        ("", "photo.png"),
        ("../../b ü.PNG", "b.png"),
    ],
)
def test_a_photo_may_have_any_name(session, name, kept):
    session.open_photo(name, photo_bytes())
    assert session.photo == session.folder / "photo" / kept


def test_what_is_no_picture_is_refused_by_its_own_name(session):
    with pytest.raises(InputError, match=r"^my notes\.png is cut short"):
        session.open_photo("my notes.png", b"notes")
    assert session.title == "Tidy-room"


def test_a_workspace_that_cannot_be_written_is_said(network, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        Session(tmp_path / "file/session", load=lambda: network).open_photo("a.png", photo_bytes())


def test_what_a_person_keeps_beside_the_results_stays(session):
    for name in ("001", "007", "001 copy", "2nd"):
        (session.folder / "results" / name).mkdir(parents=True)
    assert labour._next(session) == "008"
    labour._forget(session)
    left = {path.name for path in (session.folder / "results").iterdir()}
    assert left == {"001 copy", "2nd"}


def test_the_folder_is_plain_files(session):
    session.click(*RED)
    names = {path.relative_to(session.folder).as_posix() for path in session.folder.rglob("*.*")}
    mask = session.state.things[0].mask
    assert names == {"photo/Tidy-room.png", f"masks/{mask}", "session.json"}
    assert json.loads((session.folder / "session.json").read_text())["at"] == 1


def test_a_scene_is_outdated_once_its_objects_are_others(session):
    session.click(*RED)
    assert not session.outdated  # there is none yet
    session.history.go(session.state.made("001", "scene made"))
    assert not session.outdated
    session.click(*BLUE)
    assert session.outdated
    session.undo()
    assert not session.outdated
    session.rename("object-1", "box")
    assert session.outdated
    session.history.go(session.state.made("002", "scene made"))
    assert not session.outdated
