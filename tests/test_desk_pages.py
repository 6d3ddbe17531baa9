"""In a real browser, scripts in texts under annotation do not run and nothing is fetched from elsewhere.

The same texts do run in the same browser when it is told to ignore what our server says: Argilla's own pages put
texts into themselves as they are.
"""

import http.server
import json
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from annotation.desk.owner import owner
from annotation.server.pages import content_policy
from tests.desk_server import Client, serving

DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "before <img src=nothing onerror='parent.ran = 1'> <img src=ELSEWHERE/seen.png> after"
PAIRED = "<b>before</b> <script>parent.ran = 1</script> after"


class Browser:
    """Headless Chromium, by the W3C's WebDriver protocol."""

    def __init__(self, port: int, profile: Path) -> None:
        self.at = f"http://127.0.0.1:{port}"
        switches = [
            "headless=new",
            "no-sandbox",
            "disable-gpu",
            "disable-background-networking",
            f"user-data-dir={profile}",
        ]
        options = {"binary": BROWSER, "args": [f"--{one}" for one in switches]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        self.at += f"/session/{session}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.at + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, url: str) -> None:
        self.ask("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def wait(self, script: str) -> None:
        until = time.monotonic() + 60
        while not self.run(f"return Boolean({script})"):
            assert time.monotonic() < until, (script, self.run("return document.body.innerText"))
            time.sleep(0.1)

    def find(self, css: str) -> str:
        self.wait(f"document.querySelector({json.dumps(css)})")
        return f"/element/{next(iter(self.ask('POST', '/element', {'using': 'css selector', 'value': css}).values()))}"

    def sign_in(self, url: str, name: str, password: str) -> None:
        self.open(f"{url}/sign-in")
        for kind, text in (("text", name), ("password", password)):
            self.ask("POST", self.find(f"input[type={kind}]") + "/value", {"text": text})
        self.ask("POST", self.find("button[type=submit]") + "/click", {})
        self.wait("!location.pathname.includes('sign-in')")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if DRIVER is None or BROWSER is None:
        pytest.skip("chromium and chromedriver are not installed, so no page of the desk was opened")
    with subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        port = next(int(line.rstrip(". \n").split()[-1]) for line in driver.stdout if "successfully on port" in line)
        browser = Browser(port, tmp_path / "profile")
        try:
            yield browser
        finally:
            browser.ask("DELETE", "")
            driver.terminate()


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another web server, which remembers what it was asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def hostile_dataset(client: Client, hostile: str) -> str:
    workspace = client.post("/workspaces", {"name": "hostile"})["id"]
    made: str = client.post("/datasets", {"name": "hostile", "workspace_id": workspace})["id"]
    fields = {"plain": ("text", False), "paired": ("text", False), "marked": ("text", True), "chat": ("chat", False)}
    for name, (kind, markdown) in fields.items():
        settings = {"type": kind, "use_markdown": markdown}
        client.post(f"/datasets/{made}/fields", {"name": name, "title": name, "required": True, "settings": settings})
    question = {"name": "q", "title": "q", "required": True, "settings": {"type": "text"}}
    client.post(f"/datasets/{made}/questions", question)
    client.ask("PUT", f"/datasets/{made}/publish").good()
    texts = {"plain": hostile, "paired": PAIRED, "marked": hostile, "chat": [{"role": "user", "content": hostile}]}
    client.post(f"/datasets/{made}/records/bulk", {"items": [{"fields": texts}]})
    return made


def test_no_script_in_a_text_runs_and_nothing_is_fetched_from_elsewhere(
    tmp_path: Path, browser: Browser, elsewhere: str
) -> None:
    with serving(tmp_path / "home") as running:
        dataset = hostile_dataset(Client.owner(running), HOSTILE.replace("ELSEWHERE", elsewhere))
        who = owner(running.home)
        browser.sign_in(running.url, who["username"], who["password"])
        seen = []
        for ignored in (False, True):
            browser.ask("POST", "/goog/cdp/execute", {"cmd": "Page.setBypassCSP", "params": {"enabled": ignored}})
            browser.open(f"{running.url}/dataset/{dataset}/annotation-mode")
            browser.wait("document.querySelectorAll('.chat__bubble').length && document.querySelector('iframe')")
            browser.wait("document.querySelector('iframe').contentDocument.body.innerText.includes('after')")
            if ignored:
                browser.wait("window.ran")
            else:
                time.sleep(1)  # there is no sign of what does not happen
            seen.append((browser.run("return window.ran || 0"), "/seen.png" in Elsewhere.asked))
    assert seen == [(0, False), (1, True)]


def test_a_script_inside_a_page_is_named_by_its_hash_and_others_are_not() -> None:
    # printf 'go()' | openssl dgst -sha256 -binary | base64
    policy = content_policy(["<html><script>go()</script><script src='x.js'></script></html>"])
    assert "script-src 'self' 'unsafe-eval' 'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw=';" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
