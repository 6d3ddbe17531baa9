"""In a real browser nothing hidden in the data runs or loads; the same watch does see a page where something does.

The cards are tested with a Markdown parser in test_card.py.
"""

import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from dataset_cards.cards.report import render_report
from tests.sample_version import (
    HOSTILE,
    example,
    examples,
    full,
    hostile_examples,
    hostile_pairs,
    hostile_version,
    too_short,
)

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="chromium is not installed, so no report was opened in a browser"
)


def visit(page: Path, profile: Path) -> tuple[str, list[str]]:
    """Open a file in headless Chromium; returns the page once loaded, and what was said on the console."""
    assert BROWSER is not None
    quiet = (
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "disable-quic",
    )
    run = subprocess.run(
        [
            BROWSER,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(f"--{flag}" for flag in quiet),
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
            *("--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    said = re.findall(r":CONSOLE[:(]\S* (.*)", run.stderr.decode("utf-8", "replace"))
    return run.stdout.decode("utf-8", "replace"), said


def open_report(folder: Path, html: str) -> tuple[str, list[str]]:
    page = folder / "report.html"
    page.write_text(html, encoding="utf-8")
    return visit(page, folder / "profile")


def test_the_watch_sees_scripts_errors_and_what_a_policy_stops(tmp_path: Path) -> None:
    dom, said = open_report(tmp_path, "<!DOCTYPE html><title>x</title>" + HOSTILE[0] + HOSTILE[1])
    assert "<title>pwned</title>" in dom
    assert sum("ran" in line for line in said) == 2
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    dom, said = open_report(tmp_path, f"<!DOCTYPE html><title>x</title>{policy}{HOSTILE[0]}")
    assert "<title>x</title>" in dom
    assert any("Content Security Policy" in line for line in said)


def test_nothing_hidden_in_a_version_runs_or_is_even_tried(tmp_path: Path) -> None:
    everything = "".join(HOSTILE)
    rows = [hostile_examples(text) for text in (*HOSTILE, everything)]
    html = render_report(hostile_version(everything), pl.concat(rows), hostile_pairs(everything))
    dom, said = open_report(tmp_path, html)
    assert said == []
    assert "<title>pages@1.0.0</title>" in dom
    assert "<main>" in dom
    assert not re.search(r"<(script|img|iframe|object|embed|form|base|link)\b", dom)
    assert not re.search(r"<[a-z][^<>]*\son[a-z]+=", dom)


def test_an_ordinary_report_says_nothing_on_the_console_and_folds_without_a_script(tmp_path: Path) -> None:
    rows = examples(too_short("dropped", 3, "Three small words."), too_short("just-kept", 50, "w " * 50), example())
    dom, said = open_report(tmp_path, render_report(full(), rows))
    assert said == []
    assert len(re.findall(r"<details open", dom)) == 1
    assert dom.count("<summary>") == dom.count("</details>")
