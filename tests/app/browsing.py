"""A tab of a real browser that shows the app, and what a person does in it."""

import base64
import io
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

MOST = 400_000  # bytes of a screenshot
ROOM = 1.04  # around the photo on the canvas
DROP = """
const data = new DataTransfer();
data.items.add(document.getElementById("test-file").files[0]);
document.getElementById("test-file").remove();
for (const kind of ["dragover", "drop"])
  document.body.dispatchEvent(
    new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
"""
HOLD = """
const input = document.createElement("input");
input.type = "file"; input.id = "test-file"; document.body.append(input);
"""


class Tab:
    """The tab that has the browser's attention."""

    def __init__(self, browser):
        self.browser = browser

    def wait(self, test, seconds=30):
        """Until it holds; what it gave."""
        return WebDriverWait(self.browser, seconds, 0.05, [StaleElementReferenceException]).until(
            lambda _: test()
        )

    def buttons(self):
        """What each button that can be pressed says."""
        found = self.browser.find_elements(By.CSS_SELECTOR, "button:not([disabled])")
        said = {one.text.strip(): one for one in found}
        return {words: one for words, one in said.items() if words}

    def has(self, words):
        return any(label.startswith(words) for label in self.buttons())

    def press(self, words, seconds=30):
        """The button that begins with these words, as soon as it is there."""

        def pressed():
            here = self.buttons()
            label = next((one for one in here if one.startswith(words)), None)
            if label is None:
                return False
            here[label].click()
            return True

        self.wait(pressed, seconds)

    def field(self, label):
        return self.browser.find_element(
            By.XPATH, f"//*[normalize-space(text())='{label}']/following::input[1]"
        )

    def value(self, label):
        """What a control shows; None where it is not there."""
        found = self.browser.find_elements(By.XPATH, f"//*[normalize-space(text())='{label}']")
        return self.field(label).get_attribute("value") if found else None

    def choose(self, label, option):
        self.field(label).click()
        path = f"//*[@role='option'][normalize-space(.)='{option}']"

        def chosen():
            shown = [
                one for one in self.browser.find_elements(By.XPATH, path) if one.is_displayed()
            ]
            if shown:
                shown[0].click()
            return bool(shown)

        self.wait(chosen)

    def type_into(self, label, words):
        field = self.field(label)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(words)

    @property
    def text(self):
        return self.browser.find_element(By.TAG_NAME, "body").text

    # ---- the canvas

    @property
    def canvas(self):
        found = self.browser.find_elements(By.TAG_NAME, "canvas")
        return max(found, key=lambda one: one.size["width"])

    def at(self, fraction, shape):
        """Where a place of the photo (x, y, each 0..1) is on the canvas, px from its middle."""
        size = self.canvas.size
        aspect = size["width"] / size["height"]
        height = size["height"] * 0.5 / (max(0.5, shape / 2 / aspect) * ROOM)
        return (fraction[0] - 0.5) * height * shape, (fraction[1] - 0.5) * height

    def click(self, x, y):
        chain = ActionChains(self.browser, duration=0)
        chain.move_to_element_with_offset(self.canvas, x, y).click().perform()

    def drag(self, start, end):
        """Slowly enough for the page to follow."""
        chain = ActionChains(self.browser).move_to_element_with_offset(self.canvas, *start)
        chain.pause(0.5).click_and_hold()
        for step in range(1, 9):
            part = [a + (b - a) * step / 8 for a, b in zip(start, end, strict=True)]
            chain.move_to_element_with_offset(self.canvas, *part)
        chain.pause(0.3).release().perform()

    def drop(self, file: Path):
        self.browser.execute_script(HOLD)
        self.browser.find_element(By.ID, "test-file").send_keys(str(file))
        self.browser.execute_script(DROP)

    def arrow(self):
        """The middle of the red arrow's head, px from the canvas's middle, if it is there."""
        size, shot = self.canvas.size, self.shot()[:, : self.canvas.size["width"]]
        red, green, blue = shot[..., 0], shot[..., 1], shot[..., 2]
        rows, columns = np.nonzero((red > 220) & (green < 70) & (blue > 60) & (blue < 140))
        if len(columns) < 20:
            return None
        head = columns >= columns.max() - 20
        return columns[head].mean() - size["width"] / 2, rows[head].mean() - size["height"] / 2

    # ---- pictures

    def shot(self):
        """What is on the screen [h, w, 3]."""
        data = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            return np.asarray(image.convert("RGB")).astype(np.int64)

    def keep(self, name):
        """Puts a screenshot where it was asked for, in few colours if need be."""
        folder = os.environ.get("REPARO_SCREENSHOTS")
        if not folder:
            return
        for notice in self.browser.find_elements(
            By.CSS_SELECTOR, ".mantine-Notification-closeButton"
        ):
            notice.click()  # that the tests draw without a graphics card
        time.sleep(1)
        image = Image.fromarray(self.shot().astype(np.uint8))
        path = Path(folder) / name
        image.save(path, optimize=True)
        if path.stat().st_size > MOST:
            image.quantize(255, kmeans=2).save(path, optimize=True)
        assert path.stat().st_size <= MOST
