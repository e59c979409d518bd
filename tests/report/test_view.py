"""`reparo view` opens a file; it serves nothing."""

import webbrowser

import pytest

from reparo import cli


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was asked to open."""
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or True)
    return asked


def test_a_report_is_made_where_it_is_missing_and_opened(run_folder, opened, capsys):
    report = run_folder / "report.html"
    assert cli.main(["view", str(run_folder)]) == 0
    assert capsys.readouterr().out.split() == [str(report)]
    assert opened == [report.resolve().as_uri()]
    made = report.read_text(encoding="utf-8")
    report.write_text("mine")
    assert cli.main(["view", str(run_folder)]) == 0 and report.read_text() == "mine"
    assert cli.main(["view", str(run_folder), "--anew"]) == 0
    assert report.read_text(encoding="utf-8") == made


def test_where_there_is_nothing_to_show_a_sentence_says_so(tmp_path, opened, capsys):
    for folder, words in ((tmp_path, "no report.html"), (tmp_path / "none", "is none")):
        assert cli.main(["view", str(folder)]) == 2
        assert words in capsys.readouterr().err
    assert opened == []


def test_without_a_browser_the_path_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    (tmp_path / "report.html").write_text("a page")
    assert cli.main(["view", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(tmp_path / "report.html")
    assert "yourself" in printed.err


def test_of_a_batch_the_contact_sheet_is_opened(tmp_path, opened):
    (tmp_path / "batch.html").write_text("a page")
    assert cli.main(["view", str(tmp_path)]) == 0
    assert opened == [(tmp_path / "batch.html").resolve().as_uri()]
