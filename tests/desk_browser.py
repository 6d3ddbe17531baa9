"""A person at the desk: the web pages in headless Chromium, clicked and typed into as people do."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SHOTS = Path(os.environ.get("GRISTMILL_TEST_ARTEFACTS", "test-artefacts")).absolute()
# Argilla's pages ask for two fonts from elsewhere and use others where they get none; our server lets no page do that.
FONTS = re.compile(r"Loading the stylesheet '?\\?'?https://fonts\.googleapis\.com/")


@contextmanager
def browsing(profile: Path) -> Iterator["Pages"]:
    """One Chromium for as long as it is needed. It finds no machine but this one; selenium fetches no driver."""
    if BROWSER is None or DRIVER is None:
        pytest.skip("chromium and chromedriver are not installed, so nobody sat at the desk")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    switches = ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking")
    for one in (
        *switches,
        "window-size=1440,1100",
        f"user-data-dir={profile}",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(f"--{one}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield Pages(driver=driver)
    finally:
        driver.quit()


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What somebody sees and does. Every step waits for the page to be ready for it."""

    driver: Any

    def sign_in(self, url: str, name: str, password: str) -> None:
        """Whoever was signed in before is out, as on another machine."""
        self.driver.get("about:blank")  # so that no page writes while everything it kept is taken away
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
        self.driver.get(f"{url}/sign-in")
        self.until(lambda: self.one("input[type=password]").is_displayed())
        self.one("input[type=text]").send_keys(name)
        self.one("input[type=password]").send_keys(password + Keys.ENTER)
        self.until(lambda: "sign-in" not in self.driver.current_url)
        self.one(".dataset-card")

    def open(self, queue: str) -> None:
        """Click on the queue whose name begins so; the first item is there afterwards."""
        if not self.driver.find_elements(By.CSS_SELECTOR, ".dataset-card"):
            self.driver.get(self.driver.current_url.split("/dataset/")[0] + "/")
        self.until(lambda: self._card(queue))
        self._card(queue).click()
        self.one("form.questions-form")
        self.one(".record__content")

    def queues(self) -> list[str]:
        return [
            line for card in self.all(".dataset-card") for line in card.text.split("\n") if re.search(r"-\w{8}", line)
        ]

    def shown(self) -> dict[str, str]:
        """By title, what can be read: words as they are painted, and not the HTML behind them."""
        script = """
        const found = {};
        for (const one of document.querySelectorAll('.text_field_component, .chat')) {
          const title = one.querySelector('.text_field_component__title-content, .chat__title').innerText;
          const frame = one.querySelector('iframe');
          const inside = [...one.querySelectorAll('.chat__bubble > :first-child')].map(e => e.innerText).join('\\n');
          const area = one.querySelector('.content-area');
          found[title] = frame ? 'IFRAME ' + frame.contentDocument.body.innerText
                               : inside || (area.querySelector('.markdown-render, div') || area).innerText;
        }
        return found"""
        found: dict[str, str] = self.driver.execute_script(script)
        return found

    def guidelines(self) -> str:
        """Unfold them; gives them as they are painted."""
        panel = next(
            one for one in self.all(".panel__header") if one.is_displayed() and "uidelines" in one.text.lower()
        )
        panel.click()
        return str(self.one(".markdown-render").get_attribute("innerText"))

    def titles(self) -> list[str]:
        """Of the questions, in their order."""
        return [one.get_attribute("aria-label") or "" for one in self.all("form .title-area")]

    def chosen(self) -> list[str]:
        """What is checked of all labels and numbers, and what has a rank."""
        script = """return [...document.querySelectorAll('form input:checked')].map(e => e.id).concat(
            [...document.querySelectorAll('.draggable__slot-box [title]')].map(e => e.id))"""
        found: list[str] = self.driver.execute_script(script)
        return found

    def choose(self, question: str, option: str) -> None:
        """A label or a number."""
        self.one(f"label[for='{question}_{option}']").click()
        self.until(lambda: f"{question}_{option}" in self.chosen())

    def text(self, question: str) -> str:
        return str(self._box(question).get_attribute("innerText"))

    def write(self, question: str, text: str) -> None:
        """Replace whatever stands there. Typed, with Shift and Enter at the end of a line."""
        box = self._box(question)
        box.click()
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(Keys.DELETE)
        for number, line in enumerate(text.split("\n")):
            if number:
                box.send_keys(Keys.SHIFT, Keys.ENTER)
            self.driver.execute_cdp_cmd("Input.insertText", {"text": line})  # as an input method does, for any script
        self.until(lambda: self.text(question).rstrip("\n") == text)

    def rank(self, option: str, slot: int) -> None:
        """Drag a response into a slot, 1 is the best."""
        card = self.one(f"#{option}")
        box = self.all(".draggable__slot-box")[slot - 1]
        hand = ActionChains(self.driver, duration=100).move_to_element(card).click_and_hold().pause(0.2)
        hand.move_by_offset(-15, 4).pause(0.1).move_to_element(box).pause(0.2).move_by_offset(4, 4).pause(0.2)
        hand.release().perform()
        self.until(lambda: self.all(".draggable__slot-box")[slot - 1].find_elements(By.ID, option))

    def submit(self) -> None:
        """The page goes on to the next item, or says that there is none."""
        before = self.driver.execute_script("return document.querySelector('.record__content').innerText")
        self.one("button.button--submit:not([disabled])").click()
        script = "const e = document.querySelector('.record__content'); return e ? e.innerText : null"
        self.until(lambda: self.driver.execute_script(script) != before)
        time.sleep(0.3)  # the form of the next item is put together after its texts

    def left(self) -> bool:
        """Whether anything is still to be answered here."""
        return bool(self.driver.find_elements(By.CSS_SELECTOR, ".record__content"))

    def shot(self, name: str) -> Path:
        """Keep what is on the screen."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        time.sleep(0.4)  # for what moves into its place
        self.driver.save_screenshot(str(SHOTS / f"desk-{name}.png"))
        return SHOTS / f"desk-{name}.png"

    def complaints(self) -> list[str]:
        """Warnings and errors of the console since the last call, without the fonts that nobody fetches."""
        found = [one for one in self.driver.get_log("browser") if one["level"] in ("WARNING", "SEVERE")]
        return [one["message"] for one in found if not FONTS.search(one["message"])]

    def all(self, css: str) -> list[WebElement]:
        found: list[WebElement] = self.driver.find_elements(By.CSS_SELECTOR, css)
        return found

    def one(self, css: str) -> WebElement:
        self.until(lambda: self.all(css))
        return self.all(css)[0]

    def until(self, true: Callable[[], Any]) -> None:
        def settled(_: Any) -> bool:
            return bool(true())

        WebDriverWait(self.driver, 60, 0.1, [StaleElementReferenceException, IndexError]).until(settled)

    def _box(self, question: str) -> WebElement:
        return self.one(f"[aria-label='Question: {question}'] [contenteditable]")

    def _card(self, queue: str) -> Any:
        return next((one for one in self.all(".dataset-card") if f"\n{queue}-" in one.text), None)
