"""External programs that make meshes, crash, hang, leave children, or write rubbish."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from reparo.errors import BackendFailed, InputError, OutOfMemory, ReparoError
from reparo.scene import Cutout
from reparo.stages.reconstruct.command import CommandReconstructor

posix = pytest.mark.skipif(sys.platform == "win32", reason="looks at POSIX processes")


@pytest.fixture
def box(tmp_path) -> Path:
    trimesh.creation.box((1, 2, 3)).export(tmp_path / "box.glb")
    return tmp_path / "box.glb"


@pytest.fixture
def cutout() -> Cutout:
    rgba = torch.zeros(8, 8, 4)
    rgba[2:6, 3:5] = torch.tensor([1.0, 0.5, 0.0, 1.0])
    return Cutout(rgba, rgba[..., 3] > 0, torch.eye(2, 3))


@pytest.fixture
def program(tmp_path, cutout):
    """Runs lines of Python as the generator; `sys.argv` is script, cutout, mesh, name, folder."""

    def run(lines: str, **settings):
        script = tmp_path / "make it.py"
        script.write_text(f"import os, shutil, subprocess, sys, time\n{lines}\n")
        places = ("{cutout}", "{mesh}", "{name}", "{folder}")
        command = (sys.executable, "-S", str(script), *places)
        settings = {"seconds": 20.0, "logs": tmp_path / "logs"} | settings
        return CommandReconstructor(settings.pop("command", command), **settings)(cutout, "chair")

    return run


def test_the_program_gets_the_cutout_and_its_mesh_comes_back_in_the_unit_box(
    program, box, tmp_path
):
    kept = tmp_path / "kept.png"
    mesh = program(
        f"shutil.copy(sys.argv[1], {str(kept)!r}); shutil.copy({str(box)!r}, sys.argv[2])\n"
        "assert sys.argv[3] == 'chair'; print('fine')"
    )
    torch.testing.assert_close(mesh.bounds[1], torch.tensor([1.0, 2, 3]) / 6)
    picture = np.asarray(Image.open(kept))
    assert picture.shape == (8, 8, 4)
    assert picture[3, 3].tolist() == [255, 128, 0, 255] and picture[0, 0, 3] == 0
    assert (tmp_path / "logs/chair.log").read_text() == "fine\n"


def test_axes_are_turned_and_too_many_triangles_are_merged(program, tmp_path):
    ball = trimesh.creation.icosphere(subdivisions=4)
    ball.apply_scale((1, 2, 3))
    ball.export(tmp_path / "ball.ply")
    mesh = program(
        f"shutil.copy({str(tmp_path / 'ball.ply')!r}, sys.argv[4])",
        mesh="{folder}/*.ply",
        up="+z",
        front="-y",
        most_faces=500,
    )
    assert len(mesh.faces) <= 500
    size = mesh.bounds[1] - mesh.bounds[0]
    torch.testing.assert_close(size, torch.tensor([1.0, 3, 2]) / 3, atol=0.03, rtol=0)


def test_no_shell_reads_the_command_and_a_text_is_split_at_its_spaces(program, box, tmp_path):
    script = tmp_path / "make it.py"
    mesh = program(
        f"assert sys.argv[3:] == ['$HOME;*', 'a b'], sys.argv\n"
        f"shutil.copy({str(box)!r}, sys.argv[2])",
        command=f"'{sys.executable}' -S '{script}' {{cutout}} {{mesh}} '$HOME;*' \"a b\"",
    )
    assert len(mesh.faces) == 12


def test_the_environment_and_the_folder_are_as_said(program, box, tmp_path, monkeypatch):
    monkeypatch.setenv("FOR_THE_PROGRAM", "yes")
    (tmp_path / "home").mkdir()
    mesh = program(
        f"assert os.environ['FOR_THE_PROGRAM'] == 'yes'\nshutil.copyfile({str(box)!r}, 'here.glb')",
        directory=str(tmp_path / "home"),
        mesh="here.glb",
    )
    assert len(mesh.faces) == 12


FAILURES = {
    "crashes": ("raise SystemExit('no such layer')", "exit code 1; its last words: no such layer"),
    "says nothing": ("sys.exit(3)", "exit code 3; its last words: none"),
    "writes nothing": ("pass", "left no new mesh at 'chair.glb'"),
    "writes an empty file": ("open(sys.argv[2], 'w')", "empty"),
    "writes no mesh": ("open(sys.argv[2], 'w').write('sorry')", "cannot be read"),
    "writes half a mesh": (
        "data = open({box!r}, 'rb').read(); open(sys.argv[2], 'wb').write(data[:len(data) // 2])",
        "cannot be read",
    ),
    "waits for an answer": ("input('licence? ')", "EOFError"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_program_that(program, box, what, tmp_path):
    lines, why = FAILURES[what]
    with pytest.raises(ReparoError, match=r".") as caught:
        program(lines.replace("{box!r}", repr(str(box))))
    assert isinstance(caught.value, BackendFailed | InputError)
    assert why in str(caught.value) and "\n" not in str(caught.value)
    assert (tmp_path / "logs/chair.log").exists()


RUBBISH = {
    "vertices that are no numbers": ("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
    "no triangles": ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no triangles"),
    "one point": ("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "one point"),
    "a line": ("v 0 0 0\nv 1 1 1\nv 2 2 2\nf 1 2 3\n", "no area"),
    "something huge": ("v 0 0 0\nv 1e30 0 0\nv 0 1e30 0\nf 1 2 3\n", "within"),
}


@pytest.mark.parametrize("what", RUBBISH)
def test_refused_is_a_mesh_of(program, tmp_path, what):
    text, why = RUBBISH[what]
    (tmp_path / "rubbish.obj").write_text(text)
    with pytest.raises(
        BackendFailed, match=f"'chair' left no mesh that can be used.*{why}"
    ) as said:
        program(
            f"shutil.copy({str(tmp_path / 'rubbish.obj')!r}, sys.argv[4])", mesh="{folder}/*.obj"
        )
    assert "chair.log has all of its output" in str(said.value)
    assert "reparo-" not in str(said.value)  # the folder it was in is gone


def test_a_mesh_of_an_earlier_run_is_not_taken_for_this_one(program, box, tmp_path):
    os.utime(box, (1e9, 1e9))
    with pytest.raises(BackendFailed, match="no new mesh"):
        program("pass", mesh=str(box))


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> bool:
    """Whether a process goes within a few seconds: signals take a moment."""
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


HANGS = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(100)"])
print(os.getpid(), child.pid, flush=True)
"""
proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")


@proc
@pytest.mark.parametrize("lines, seconds", [(HANGS + "time.sleep(100)", 1.0), (HANGS, 20.0)])
def test_the_program_and_its_children_are_gone_when_its_time_is_over_or_it_ends(
    program, tmp_path, lines, seconds, monkeypatch
):
    monkeypatch.setattr("reparo.stages.reconstruct.process.GRACE", 0.1)
    with pytest.raises(BackendFailed, match=r"was not done after 1 s|no new mesh"):
        program(lines, seconds=seconds)
    pids = (tmp_path / "logs/chair.log").read_text().split()
    assert len(pids) == 2
    assert all(gone(int(pid)) for pid in pids)


@proc
def test_ctrl_c_ends_the_program_too(program, tmp_path, monkeypatch):
    monkeypatch.setattr("reparo.stages.reconstruct.process.GRACE", 0.1)
    log = tmp_path / "logs/chair.log"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job

    def interrupt() -> None:
        while not (log.exists() and len(log.read_text().split()) == 2):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            program(HANGS + "time.sleep(100)")
    finally:
        signal.signal(signal.SIGINT, before)
    thread.join()
    assert all(gone(int(pid)) for pid in log.read_text().split())


@posix
@pytest.mark.parametrize(
    "lines",
    [
        "sys.exit('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB')",
        "print('CUDA out of memory'); sys.exit('see the manual ' * 50)",
        "os.kill(os.getpid(), 9)",  # as the system does
    ],
)
def test_want_of_memory_is_told_apart_and_answered_by_the_smaller_command(program, lines):
    with pytest.raises(OutOfMemory, match=r"out of memory|want of memory|manual"):
        program(lines)


def test_the_smaller_backend_runs_the_smaller_command_and_has_none_below():
    whole = CommandReconstructor("make {cutout}", smaller_command="make --less {cutout}")
    smaller = whole.smaller()
    assert smaller is not None and smaller.command == "make --less {cutout}"
    assert smaller.smaller() is None
    assert CommandReconstructor("make {cutout}").smaller() is None


@pytest.mark.parametrize(
    "settings, why",
    [
        ({"command": "make it"}, "{cutout} among them"),
        ({"command": ()}, "{cutout} among them"),
        ({"command": "make {cutout} {image}"}, r"not \{image\}"),
        ({"command": "make '{cutout}"}, "open quote"),
        ({"command": "make {cutout}", "mesh": "{meshes}/a.glb"}, r"not \{meshes\}"),
        ({"command": "make {cutout}", "seconds": 0.0}, "0 seconds"),
        ({"command": "make {cutout}", "directory": "no/such"}, "is none"),
    ],
)
def test_slips_are_found_before_anything_runs(settings, why):
    with pytest.raises(InputError, match=why):
        CommandReconstructor(**settings)


def test_a_program_that_is_not_there_is_named(cutout):
    with pytest.raises(InputError, match="no-such-program"):
        CommandReconstructor("no-such-program {cutout}")(cutout, "chair")
