"""batch.html: what it shows, and that it shows text as text."""

import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from reparo.batch import sheet
from reparo.batch.photos import Task
from reparo.batch.sheet import write_sheet

DONE = {
    "done": True,
    "objects": ["chair", "lamp"],
    "seconds": 12.3,
    "notes": ["the lens is assumed"],
}
FAILED = {"done": False, "objects": [], "seconds": 1.0, "error": "InputError: <b>cut</b> short"}


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in ("href", "src")]


@pytest.fixture
def out(tmp_path):
    return tmp_path


def task(out, name, results=True):
    made = Task(out / "photos" / name, out / name.partition(".")[0])
    made.folder.mkdir(exist_ok=True)
    for result in ("scene.glb", "report.html") if results else ():
        (made.folder / result).write_text("")
    return made


def page(out, known):
    write_sheet(out, known)
    return (out / "batch.html").read_text()


def test_done_failed_and_waiting_photos_are_told_apart(out):
    known = [
        (task(out, "a room.jpg"), {**DONE, "exports": ["export/usd/scene.usdz"]}),
        (task(out, "b.jpg", results=False), FAILED),
        (task(out, "c.jpg", results=False), None),
    ]
    text = page(out, known)
    assert "<title>1 of 3 photos</title>" in text
    assert "2 objects, 12.3 s a photo, 1 failed, 1 to come." in text
    assert [text.count(f'data-kind="{kind}" data-name') for kind in sheet.KINDS] == [1, 1, 1]
    assert "the lens is assumed" in text and "1 note" in text
    found = Elements(text)
    local = [link for link in found.links if not link.startswith(("data:", "#"))]
    assert local == ["a%20room/report.html", "a%20room/scene.glb", "a%20room/export/usd/scene.usdz"]


def test_words_are_never_markup(out):
    text = page(out, [(task(out, "b.jpg", results=False), FAILED)])
    assert "&lt;b&gt;cut&lt;/b&gt;" in text and "b" not in Elements(text).tags


def test_a_small_picture_is_in_the_page(out):
    shown = task(out, "a.jpg")
    shown.thumbnail.parent.mkdir(parents=True)
    Image.new("RGB", (40, 20)).save(shown.thumbnail)
    found = Elements(page(out, [(shown, DONE)]))
    assert [link[:22] for link in found.links if link.startswith("data:")] == [
        "data:image/webp;base64"
    ]


def test_it_asks_nobody_and_runs_no_script_but_its_own(out):
    text = page(out, [(task(out, "a.jpg"), DONE)])
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy and "default-src 'none'" in policy[1]
    assert policy[1].count("sha256-") == 2 and "unsafe" not in policy[1]
    assert not [link for link in Elements(text).links if "//" in link]


def test_many_photos_are_split_into_pages_and_stale_ones_go(out, monkeypatch):
    monkeypatch.setattr(sheet, "PAGE", 2)
    known = [(task(out, f"{name}.jpg"), DONE) for name in "abcde"]
    assert 'href="batch-3.html"' in page(out, known)
    assert [
        len(re.findall("<article", (out / name).read_text()))
        for name in ("batch.html", "batch-2.html", "batch-3.html")
    ] == [2, 2, 1]
    assert "5 photos" in (out / "batch-2.html").read_text()
    write_sheet(out, known[:2])
    assert sorted(path.name for path in out.glob("batch*.html")) == ["batch.html"]
