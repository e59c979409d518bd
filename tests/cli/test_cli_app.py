"""`reparo app` before it serves anything."""

import sys

import pytest

import reparo.app
from reparo.cli import main


def test_help_tells_of_the_key(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["app", "--help"])
    assert ended.value.code == 0
    assert "key" in capsys.readouterr().out


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_out_of_range_is_refused(port, capsys):
    assert main(["app", "--port", port, "--no-browser"]) == 2
    assert "--port" in capsys.readouterr().err


def test_without_viser_it_names_the_extra(monkeypatch, capsys, tmp_path):
    for name in [name for name in sys.modules if name.split(".")[0] == "viser"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("serve", "page", "deeds", "door", "panel", "photo_view", "scene_view"):
        monkeypatch.delitem(sys.modules, f"reparo.app.{name}", raising=False)
        monkeypatch.delattr(reparo.app, name, raising=False)
    monkeypatch.setitem(sys.modules, "viser", None)
    assert main(["app", "--no-browser", "--workspace", str(tmp_path)]) == 2
    assert "reparo3d[app]" in capsys.readouterr().err


def test_a_photo_that_is_not_there_is_said(capsys, tmp_path):
    pytest.importorskip("viser", reason="the extra `app` is not installed")
    words = ("app", str(tmp_path / "none.jpg"), "--no-browser", "--workspace", str(tmp_path))
    assert main([*words]) == 2
    assert "no picture" in capsys.readouterr().err
