"""A real headless Chromium, for the tests that open pages."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
QUIET = (
    "--headless=new --no-sandbox --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PLAIN = ("--disable-gpu",)
DRAWING = (  # WebGL without a graphics card
    "--hide-scrollbars",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)

needed = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not there"
)


def started(profile, *more, logs=("browser",)):
    """With a profile of its own; `logs` are kept. Whoever starts it quits it."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*QUIET, *more, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", dict.fromkeys(logs, "ALL"))
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
