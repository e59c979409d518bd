"""batch.html in a real browser: filters, search, order, and all of it by keyboard."""

import pytest
import real_browser
from PIL import Image

from reparo.batch.photos import Task
from reparo.batch.sheet import write_sheet

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    real_browser.needed,
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Nine photos: six are done, two failed, one is to come."""
    out = tmp_path_factory.mktemp("batch")
    known = []
    for index, name in enumerate("abcdefghi"):
        task = Task(out / f"{name}.jpg", out / name)
        task.folder.mkdir()
        (task.folder / "report.html").write_text(f"<title>{name}</title>")
        task.thumbnail.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (300, 150), (20 * index, 90, 120)).save(task.thumbnail)
        line = {"done": True, "objects": ["o"] * (index % 4), "seconds": 10.0 - index, "notes": []}
        if index in (2, 5):
            line = {"done": False, "error": "the worker died", "objects": [], "seconds": 1.0}
        known.append((task, None if index == 8 else line))
    write_sheet(out, known)
    return out / "batch.html"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = real_browser.started(tmp_path_factory.mktemp("chromium"), *real_browser.PLAIN)
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver, page):
    metrics = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(page.as_uri())
    assert driver.get_log("browser") == []
    return driver


def shown(browser):
    cards = browser.find_elements(By.CSS_SELECTOR, ".shot")
    return "".join(one.get_attribute("data-name")[0] for one in cards if one.is_displayed())


def test_filters_search_and_order(browser):
    assert shown(browser) == "abcdefghi"
    for kind, names in (
        ("failed", "cf"),
        ("waiting", "i"),
        ("done", "abdegh"),
        ("all", "abcdefghi"),
    ):
        browser.find_element(By.CSS_SELECTOR, f"[data-kind={kind}][aria-pressed]").click()
        assert shown(browser) == names
    find = browser.find_element(By.ID, "find")
    find.send_keys("died")
    assert shown(browser) == "cf"
    find.send_keys(" nowhere")
    assert shown(browser) == "" and browser.find_element(By.ID, "none").is_displayed()
    find.send_keys(Keys.CONTROL, "a")
    find.send_keys(Keys.DELETE)
    assert shown(browser) == "abcdefghi"
    order = Select(browser.find_element(By.ID, "sort"))
    order.select_by_value("objects")
    assert shown(browser)[:2] == "dh"
    order.select_by_value("seconds")
    assert shown(browser)[0] == "a"
    order.select_by_value("")
    assert shown(browser) == "abcdefghi"


def test_arrow_keys_go_from_photo_to_photo_and_enter_opens_the_report(browser):
    first = browser.find_element(By.CSS_SELECTOR, ".shot")
    browser.execute_script("arguments[0].focus()", first)

    def at():
        return browser.switch_to.active_element.get_attribute("data-name")

    def press(*keys):
        for key in keys:
            browser.switch_to.active_element.send_keys(key)

    press(Keys.ARROW_RIGHT)
    assert at() == "b.jpg"
    columns = browser.execute_script(
        "return getComputedStyle(document.getElementById('shots')).gridTemplateColumns"
    ).count("px")
    press(Keys.ARROW_DOWN)
    assert at()[0] == "abcdefghi"[1 + columns]
    press(Keys.ARROW_UP, Keys.END)
    assert at() == "i.jpg"
    press(Keys.HOME)
    assert at() == "a.jpg"
    ring = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"
    press(Keys.ENTER)
    assert browser.title == "a"


def test_it_fits_a_phone(browser):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wide = browser.execute_script("return document.scrollingElement.scrollWidth")
    assert wide == 390


def test_it_is_dark_where_dark_is_wanted(browser):
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
    colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert max(map(int, colour[4:-1].split(","))) < 60
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
