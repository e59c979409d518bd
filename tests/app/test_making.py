"""From objects to a scene and on: made, moved by hand, refined, undone, saved."""

import io
import json
import shutil
import threading
import time
import zipfile

import pytest
import torch
from colour_network import BLUE, RED, ColourNetwork, photo_bytes

from reparo.app import labour, work
from reparo.app.session import Session
from reparo.app.shown import placed
from reparo.errors import InputError
from reparo.files.layout_json import read_layout
from reparo.files.meshes import read_mesh
from reparo.files.stored import read_result

pytestmark = pytest.mark.slow
WAIT = 100  # s


def done(session):
    assert session.job.ended.wait(WAIT)
    assert session.job.error is None
    return session


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Made once; each test goes on from a copy of its own."""
    folder = tmp_path_factory.mktemp("sessions") / "made"
    session = Session(folder, {"preset": "plain"}, load=ColourNetwork)
    session.open_photo("room.png", photo_bytes())
    session.click(*RED)
    session.click(*BLUE)
    heard = []
    session.watch(lambda change: heard.append((change, session.live and bool(session.live.poses))))
    labour.make(session)
    done(session)
    assert ("live", False) in heard and ("live", True) in heard  # meshes came, then places
    return session


@pytest.fixture
def session(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "own")
    return Session(tmp_path / "own", made.options, load=made.load)


def test_a_scene_is_a_result_like_any_other(session):
    stored = read_result(session.finished())
    assert sorted(stored.scene.names) == ["object-1", "object-2"]
    shown = session.scene()
    for name, mesh in shown.meshes.items():
        assert mesh.is_file() and len(shown.poses[name]) == 8


def test_what_is_moved_by_hand_is_in_what_is_saved(session):
    before = session.scene().poses["object-1"]
    pose = (before[0] + 0.5, *before[1:7], before[7] * 1.1)
    session.move("object-1", pose)
    out = session.finished()
    found = read_layout(out / "layout.json")
    place = found.solution.layout[found.names.index("object-1")]
    torch.testing.assert_close(place.translation, torch.tensor(pose[:3]), atol=1e-5, rtol=0)
    entries = json.loads((out / "scene/scene.json").read_text())["objects"]
    (entry,) = [entry for entry in entries if entry["name"] == "object-1"]
    assert entry["scale"] == pytest.approx(pose[7])
    moved = read_result(out).scene.layout
    torch.testing.assert_close(moved.translation[found.names.index("object-1")], place.translation)
    with zipfile.ZipFile(io.BytesIO(work.archive(out))) as packed:
        names = set(packed.namelist())
    assert {"scene.glb", "layout.json", "report.html", "preview.png", "scene/scene.json"} <= names
    session.undo()
    assert session.scene().poses["object-1"] == before
    assert session.finished() != out


def test_refining_starts_where_a_person_put_things_and_comes_back(session):
    before = session.scene().poses["object-2"]
    session.move("object-2", (before[0] + 0.2, *before[1:]))
    labour.refine(session)
    done(session)
    after = session.scene().poses["object-2"]
    assert abs(after[0] - before[0]) < 0.05  # the picture says where it belongs
    assert session.state.moved == {} and session.state.said == "places refined"
    session.undo()
    assert session.scene().poses["object-2"][0] == pytest.approx(before[0] + 0.2)
    session.redo()
    assert session.scene().poses["object-2"] == after


def test_making_again_keeps_what_still_holds(session):
    mesh = session.folder / "run/steps/4-reconstruct/object-1/object-1.glb"
    time = mesh.stat().st_mtime_ns
    labour.make(session)
    done(session)
    assert mesh.stat().st_mtime_ns == time
    assert session.state.scene == "002"
    session.undo()
    assert session.result.is_dir()


def test_what_is_not_in_the_scene_cannot_be_moved(session):
    pose = session.scene().poses["object-1"]
    with pytest.raises(InputError, match="no longer in the scene"):
        session.move("object-3", pose)  # as when another window has just made the scene anew


def test_two_windows_that_save_at_once_take_turns(session, monkeypatch):
    pose = session.scene().poses["object-1"]
    session.move("object-1", (pose[0] + 0.5, *pose[1:]))
    at_work, together = [], []

    def written(*_):
        at_work.append(1)
        together.append(len(at_work))
        time.sleep(0.05)
        at_work.pop()

    monkeypatch.setattr(work, "hand_placed", written)
    threads = [threading.Thread(target=session.finished) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1, 1, 1]


def test_growing_leaves_the_foot_where_it_is(session):
    def foot(pose):
        return placed(pose).apply(read_mesh(shown.meshes["object-1"]).vertices)[:, 1].min()

    shown = session.scene()
    pose = work.grown(shown, "object-1", 1.5)
    assert pose[7] == pytest.approx(1.5 * shown.poses["object-1"][7])
    torch.testing.assert_close(foot(pose), foot(shown.poses["object-1"]))
