"""report.html in a real browser, from the disk, at the size of a desk and of a phone.

REPARO_SCREENSHOTS=docs/images puts its screenshots there.
"""

import base64
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import real_browser
import trimesh
from PIL import Image

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

TOYS = Path(__file__).parents[2] / "examples/toys"
DESK, PHONE = (1280, 900), (390, 844)
MOST = 400_000  # bytes of a screenshot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    real_browser.needed,
]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report on the example."""
    out = tmp_path_factory.mktemp("page") / "toys"
    words = ("run", TOYS / "photo.png", "--masks", TOYS / "masks", "-o", out, "--quiet")
    # a process of its own: the checks of types that tests switch on cost minutes here
    subprocess.run([sys.executable, "-m", "reparo.cli", *map(str, words)], check=True)
    return out / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    profile, logs = tmp_path_factory.mktemp("chromium"), ("browser", "performance")
    driver = real_browser.started(profile, *real_browser.DRAWING, logs=logs)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, report):
    """Opens the report at a size, in a colour scheme; it must come up without a complaint."""

    def open_(size, scheme="light"):
        browser.get("about:blank")
        browser.get_log("browser"), browser.get_log("performance")
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1}
        metrics["mobile"] = size == PHONE
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(report.as_uri())
        wait(browser, "return document.documentElement.dataset.state")
        assert browser.execute_script("return document.documentElement.dataset.state") == "ready"
        settle(browser)
        return browser

    return open_


def wait(browser, script):
    WebDriverWait(browser, 90).until(lambda one: one.execute_script(script))


def settle(browser):
    """Until what was asked for is drawn: two frames, and transitions are off."""
    browser.execute_async_script(
        "const done = arguments[0];"
        "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60)))"
    )


def picture(browser, clip=None):
    """What is on the screen [h, w, 3]; `clip`: the id of an element."""
    options = {"format": "png"}
    if clip:
        script = (
            "const b = document.getElementById(arguments[0]).getBoundingClientRect();"
            "return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height,"
            " scale: 1}"
        )
        options["clip"] = browser.execute_script(script, clip)
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
    with Image.open(io.BytesIO(base64.b64decode(shot))) as image:
        return np.asarray(image.convert("RGB")).astype(np.int64)


def keep(browser, name):
    """Puts a screenshot where it was asked for, in few colours if need be."""
    if folder := os.environ.get("REPARO_SCREENSHOTS"):
        image = Image.fromarray(picture(browser).astype(np.uint8))
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, optimize=True)
        if path.stat().st_size > MOST:
            image.quantize(255, kmeans=2).save(path, optimize=True)
        assert path.stat().st_size <= MOST


def pressed(browser, *keys):
    """Presses keys where the focus is."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)
    settle(browser)


def focus(browser, selector):
    """Goes there by the tab key alone; what has the focus must show it."""
    target = browser.find_element(By.CSS_SELECTOR, selector)
    browser.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    for _ in range(60):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if browser.switch_to.active_element == target:
            style = browser.execute_script(
                "return getComputedStyle(document.activeElement).outlineStyle"
            )
            assert style == "solid"
            return target
    raise AssertionError(f"{selector} cannot be reached by the tab key")


def moved(before, after):
    """Share of pixels that changed."""
    return (np.abs(before - after).max(-1) > 12).mean()


def test_it_opens_from_disk_without_a_complaint_and_asks_nobody(page):
    browser = page(DESK)
    assert [one["message"] for one in browser.get_log("browser")] == []
    events = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    asked = [
        one["params"]["request"]["url"]
        for one in events
        if one["method"] == "Network.requestWillBeSent"
    ]
    assert asked and all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    assert len([url for url in asked if url.startswith("file:")]) == 1


def test_the_scene_is_drawn_where_the_photo_shows_it(page):
    """Colours under the masks agree with the photo's, and much less so when moved aside."""
    browser = page(DESK)
    focus(browser, "#wipe")
    pressed(browser, Keys.HOME)
    photo = picture(browser, "over")
    pressed(browser, Keys.END)
    scene = picture(browser, "over")
    assert len(np.unique(scene.reshape(-1, 3), axis=0)) > 1000
    inside = np.zeros(photo.shape[:2], bool)
    for path in sorted((TOYS / "masks").glob("*.png")):
        with Image.open(path) as mask:
            inside |= np.asarray(mask.convert("L").resize(inside.shape[::-1])) >= 250
    apart = [np.abs(photo - np.roll(scene, s, 1))[inside].mean() for s in (0, 12, -12)]
    assert apart[0] < 20 and 2 * apart[0] < min(apart[1:])


def test_the_slider_and_the_switches_work_by_keyboard(page):
    browser = page(DESK)
    wipe = focus(browser, "#wipe")
    pressed(browser, *[Keys.ARROW_RIGHT] * 5)
    assert wipe.get_attribute("value") == "55"
    pressed(browser, Keys.END)
    before = picture(browser, "over")
    switch = focus(browser, "#rows .object:nth-child(2) input")
    pressed(browser, Keys.SPACE)
    assert not switch.is_selected()
    assert 0.01 < moved(before, picture(browser, "over")) < 0.5
    pressed(browser, Keys.SPACE)
    assert moved(before, picture(browser, "over")) < 0.001
    pick = focus(browser, "#rows .object:nth-child(2) .pick")
    pressed(browser, Keys.ENTER)
    assert pick.get_attribute("aria-pressed") == "true"
    assert len(browser.find_elements(By.CSS_SELECTOR, ".card.selected")) == 1
    assert moved(before, picture(browser, "over")) > 0.001  # it has an outline now


def test_the_scene_turns_by_keyboard_and_comes_back(page):
    browser = page(DESK)
    focus(browser, "#canvas")
    before = picture(browser, "stage")
    pressed(browser, Keys.ARROW_LEFT, Keys.ARROW_LEFT, "+")
    stage = browser.find_element(By.ID, "stage")
    assert "away" in stage.get_attribute("class")
    assert moved(before, picture(browser, "stage")) > 0.1
    pressed(browser, "0")
    assert "away" not in stage.get_attribute("class")
    assert moved(before, picture(browser, "stage")) < 0.001
    for name in ("left", "right", "behind", "above"):
        button = focus(browser, f"[data-view={name}]")
        pressed(browser, Keys.ENTER)
        assert button.get_attribute("aria-pressed") == "true"
    surface = picture(browser, "stage")
    focus(browser, "[data-surface=clay]")
    pressed(browser, Keys.ENTER)
    assert moved(surface, picture(browser, "stage")) > 0.01


def test_the_search_is_replayed_round_by_round(page):
    browser = page(DESK)
    slider = focus(browser, "#round")
    last = int(slider.get_attribute("max"))
    assert last > 3 and slider.get_attribute("value") == str(last)
    pressed(browser, Keys.HOME)
    start = picture(browser, "over")
    assert browser.find_element(By.ID, "round-name").text.startswith("Start")
    pressed(browser, Keys.END)
    assert moved(start, picture(browser, "over")) > 0.003
    focus(browser, "#play")
    pressed(browser, Keys.ENTER)
    wait(browser, f"return document.getElementById('round').value === '{last}'")


def test_it_fits_a_phone(page):
    browser = page(PHONE)
    size = "const one = document.scrollingElement; return [one.scrollWidth, innerWidth]"
    wide, window = browser.execute_script(size)
    assert wide == window == PHONE[0]
    small = browser.execute_script(
        "return [...document.querySelectorAll('button, a.button')]"
        ".filter((one) => one.offsetParent && one.offsetHeight < 40).map((one) => one.textContent)"
    )
    assert small == []
    off = (  # px between the middles of a link that looks like a button and of its words
        "return [...document.querySelectorAll('a.button')].map((one) => {"
        " const words = document.createRange(); words.selectNodeContents(one);"
        " const [a, b] = [one, words].map((it) => it.getBoundingClientRect());"
        " return Math.abs(a.top + a.bottom - b.top - b.bottom) / 2; })"
    )
    assert max(browser.execute_script(off)) < 2
    meshes = browser.find_elements(By.CSS_SELECTOR, "canvas.mesh")
    drawn = "return arguments[0].getContext('2d').getImageData(160, 160, 1, 1).data[3]"
    assert all(browser.execute_script(drawn, one) == 255 for one in meshes)
    keep(browser, "report-phone.png")


def test_each_card_says_how_large_its_object_is(page, report):
    """As it stands, exactly: the box of a turned object's own box would be larger."""
    browser = page(DESK)
    script = (
        "return [...document.querySelectorAll('article')].map((card) =>"
        " [card.querySelector('.name'), card.querySelector('tr.size:not([hidden]) td')]"
        ".map((one) => one.textContent))"
    )
    said, scene = dict(browser.execute_script(script)), trimesh.load(report.parent / "scene.glb")
    assert len(said) == 4
    for name, words in said.items():
        assert words.endswith(" (unit not known)")
        sides = [float(one) for one in re.findall(r"[0-9.]+", words)]
        pose, mesh = scene.graph[name]
        there = trimesh.transform_points(scene.geometry[mesh].vertices, pose)
        assert sides == pytest.approx(np.ptp(there, axis=0), rel=0.06)  # two digits are said


def test_it_is_dark_where_dark_is_wanted(page):
    browser = page(DESK, "dark")
    assert picture(browser)[-1, 2].max() < 60
    keep(browser, "report-dark.png")


def test_the_whole_page_for_the_docs(page):
    browser = page((1280, 1000))
    focus(browser, "#rows .object:nth-child(2) .pick")
    pressed(browser, Keys.ENTER)
    assert picture(browser).shape == (1000, 1280, 3)
    keep(browser, "report-desktop.png")
