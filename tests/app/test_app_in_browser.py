"""The app in a real browser, on real photographs, from the drop to the download.

REPARO_SCREENSHOTS=docs/images puts its screenshots there.
"""

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import real_browser

pytest.importorskip("selenium", reason="selenium is not installed")
pytest.importorskip("viser", reason="the extra `app` is not installed")
import pygltflib
from browsing import Tab

ROOT = Path(__file__).parents[2]
WORK = 240  # s; no work on two cores takes longer
PATIENCE = 10.0  # s until a page drawn without a graphics card shows what a click means
QUICK = 1.0  # s within which a click is answered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.weights,
    pytest.mark.timeout(900),
    real_browser.needed,
]

ROOM, CHAIRS = "pexels-36236147.jpg", "pexels-7303800.jpg"
CLICKS = {  # file: name -> where it is in the photo, x and y, each 0..1
    ROOM: {"armchair": (0.63, 0.58), "plant": (0.2, 0.565)},
    CHAIRS: {"left-chair": (0.31, 0.52), "right-chair": (0.8, 0.5)},
}
SHAPES = {ROOM: 1920 / 2880, CHAIRS: 1920 / 1280}  # width over height


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The demo's photographs, by name."""
    folder, found = tmp_path_factory.mktemp("photos"), {}
    for name in CLICKS:
        there = ROOT / "out/photos" / name
        found[name] = there if there.is_file() else folder / name
        words = (sys.executable, ROOT / "scripts/fetch_photo.py", name, found[name])
        if not there.is_file() and subprocess.run(words, stdout=subprocess.DEVNULL).returncode:
            pytest.skip("the photographs cannot be fetched")
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where the app is; a process of its own, without the checks of types that tests switch on."""
    words = ("app", "--no-browser", "--workspace", tmp_path_factory.mktemp("sessions"))
    process = subprocess.Popen(
        [sys.executable, "-m", "reparo.cli", *map(str, words)], stdout=subprocess.PIPE, text=True
    )
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(30)
    process.stdout.close()


@pytest.fixture
def browser(tmp_path):
    driver = real_browser.started(
        tmp_path / "chromium",
        *real_browser.DRAWING,
        "--window-size=1440,960",
        logs=("browser", "performance"),
    )
    saved = {"behavior": "allow", "downloadPath": str(tmp_path / "saved")}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", saved)
    yield driver
    driver.quit()


def opened(browser, address):
    browser.get(address)
    tab = Tab(browser)
    tab.wait(lambda: tab.has("Open "))
    return tab


def worked(tab):
    """Waits for the end of the work that was begun."""
    tab.wait(lambda: tab.has("Stop"))
    tab.wait(lambda: not tab.has("Stop"), WORK)


def marked(tab, name, place, shape):
    """Clicks on a thing and names it; the seconds until the page showed it."""
    before = tab.value("Selected")
    begun = time.perf_counter()
    tab.click(*tab.at(place, shape))
    tab.wait(lambda: tab.value("Selected") not in (None, before))
    seconds = time.perf_counter() - begun
    tab.type_into("Name", name)
    tab.wait(lambda: tab.value("Selected") == name)
    return seconds


def saved(folder, suffix):
    """The file that a download brings, once it is there whole."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := list(folder.glob(f"*{suffix}")):
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"no {suffix} came")


def downloaded(tab, folder):
    """Each object's rotation in the result that "Everything" saves."""
    tab.press("Everything")
    packed = saved(folder, ".zip")
    with zipfile.ZipFile(packed) as result:
        assert {"scene.glb", "layout.json", "report.html"} <= set(result.namelist())
        layout = json.loads(result.read("layout.json"))
    packed.unlink()
    return {one["name"]: one["rotation"] for one in layout["objects"]}


@pytest.mark.parametrize("photo", [ROOM, CHAIRS])
def test_from_the_drop_to_the_download(photo, browser, address, photos, tmp_path):
    tab, names = opened(browser, address), set(CLICKS[photo])
    assert browser.current_url.startswith(address) and browser.title == "Reparo"
    first = photo == ROOM
    if first:
        tab.keep("app-empty.png")
    tab.drop(photos[photo])
    tab.wait(lambda: tab.has("Find all objects"))
    time.sleep(4)  # the network looks at the photo, as it does while a person does
    took = [marked(tab, name, at, SHAPES[photo]) for name, at in CLICKS[photo].items()]
    print(f"{photo}: a click was answered in", ", ".join(f"{seconds:.2f} s" for seconds in took))
    assert max(took) < PATIENCE
    tab.keep("app-objects.png" if first else "app-chairs.png")

    tab.press("Make the scene")
    tab.wait(lambda: "making the meshes" in tab.text, WORK)
    if first:
        tab.keep("app-working.png")
    tab.wait(lambda: tab.has("Refine from here"), WORK)
    tab.keep("app-scene.png" if first else "app-chairs-scene.png")

    start = tab.wait(tab.arrow)
    tab.drag(start, (start[0] + 70, start[1]))
    tab.wait(lambda: f"Undo: {list(names)[-1]} moved" in tab.text or " moved" in tab.text)
    if first:
        tab.keep("app-dragged.png")
    tab.press("Refine from here")
    tab.wait(lambda: tab.has("Undo: places refined"), WORK)
    tab.wait(lambda: tab.has("The scene"))

    tab.press("The scene")
    nodes = pygltflib.GLTF2().load(str(saved(tmp_path / "saved", ".glb"))).nodes
    assert names <= {node.name for node in nodes}
    assert set(downloaded(tab, tmp_path / "saved")) == names
    check_quiet(browser)


def test_a_click_is_answered_within_a_second(photos, tmp_path):
    """By the session; a child has no beartype, which would be timed too."""
    script = (
        "import sys, time; from pathlib import Path; from reparo.app.session import Session\n"
        "session = Session(Path(sys.argv[2])); photo = Path(sys.argv[1])\n"
        "session.open_photo(photo.name, photo.read_bytes()); session.ready()\n"
        "height, width = session.masks.size\n"
        "for x, y in ((0.63, 0.58), (0.2, 0.565), (0.27, 0.66)):\n"
        "    begun = time.perf_counter(); session.click(x * width, y * height)\n"
        "    print(time.perf_counter() - begun)\n"
    )
    words = (sys.executable, "-c", script, photos[ROOM], tmp_path / "session")
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    print("clicks answered in", *(f"{float(one):.2f} s" for one in told))
    assert min(map(float, told)) < QUICK  # others may use the machine, too


def check_quiet(browser):
    """The page complained of nothing and asked nobody outside."""
    assert [one for one in browser.get_log("browser") if one["level"] == "SEVERE"] == []
    events = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    ours = ("http://127.0.0.1:", "data:", "blob:", "chrome:")  # the last: the browser's own pages
    assert [url for url in asked if not url.startswith(ours)] == []


def test_tabs_reload_boxes_undo_and_stop(browser, address, photos):
    tab = opened(browser, address)
    tab.drop(photos[CHAIRS])
    tab.wait(lambda: tab.has("Find all objects"))
    shape, home = SHAPES[CHAIRS], browser.current_url
    tab.drag(tab.at((0.14, 0.4), shape), tab.at((0.485, 0.99), shape))  # a box around a chair
    tab.wait(lambda: tab.value("Selected") == "object-1")
    marked(tab, "right-chair", (0.8, 0.5), shape)

    window = browser.current_window_handle
    browser.switch_to.new_window("tab")
    other = opened(browser, address)
    assert browser.current_url != home and not other.has("Find all objects")
    assert "Go on with an earlier photo" in other.text
    second = browser.current_window_handle
    browser.switch_to.window(window)
    assert tab.value("Selected") == "right-chair"

    tab.press("Make the scene")
    tab.wait(lambda: tab.has("Stop"))
    browser.refresh()  # in the middle of the work
    tab.wait(lambda: tab.has("Stop"))
    browser.switch_to.window(second)
    assert not other.has("Stop")
    browser.switch_to.window(window)
    tab.press("Stop")
    tab.wait(lambda: tab.has("Make the scene"), WORK)
    assert tab.value("Selected") == "right-chair"

    tab.press("Delete")
    tab.wait(lambda: tab.value("Selected") == "object-1")
    tab.press("Undo: right-chair deleted")
    tab.wait(lambda: tab.has("Redo: right-chair deleted"))
    tab.choose("Selected", "right-chair")
    tab.choose("Merge with", "object-1")
    tab.wait(lambda: tab.has("Undo: object-1 merged into right-chair"))
    browser.refresh()
    tab.wait(lambda: tab.has("Undo: object-1 merged into right-chair"))
    assert tab.value("Selected") == "right-chair"
    check_quiet(browser)


def test_all_objects_are_found_and_turn_only_if_they_may(browser, address, photos, tmp_path):
    tab = opened(browser, address)
    tab.drop(photos[ROOM])
    tab.press("Find all objects")
    worked(tab)
    assert tab.value("Selected") is not None
    tab.press("Make the scene")
    tab.wait(lambda: tab.has("Refine from here"), WORK)
    first = downloaded(tab, tmp_path / "saved")
    assert len(first) >= 2

    tab.press("Refine from here")
    tab.wait(lambda: tab.has("Undo: places refined"), WORK)
    again = downloaded(tab, tmp_path / "saved")
    assert all(again[name] == pytest.approx(first[name], abs=1e-4) for name in first)
    tab.press("Undo: places refined")
    tab.wait(lambda: tab.has("Redo: places refined"))
    tab.field("May turn").click()
    tab.press("Refine from here")
    tab.wait(lambda: tab.has("Undo: places refined"), WORK)
    turned = downloaded(tab, tmp_path / "saved")
    assert any(turned[name] != pytest.approx(first[name], abs=1e-3) for name in first)
    check_quiet(browser)
