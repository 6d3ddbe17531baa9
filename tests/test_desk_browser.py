"""Two people at a real desk in a real browser: what they write, rank and compare is what the versions hold.

Rows are put there by the recipes, accounts made by the command. Texts that carry HTML and scripts are shown as what
they are and do nothing. What was on the screen is kept in $GRISTMILL_TEST_ARTEFACTS, else in test-artefacts/.
"""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dataset_cards.versions.store import Store
from tests.desk_browser import Pages, browsing
from tests.desk_server import serving
from tests.shell import gristmill, ran

# What people write: other scripts, markup of three kinds, lines, spaces at the start of a line, no space lost.
WRITTEN = (
    "Grüße, 你好, שלום, 🎻 e\u0301!\n  <b>not bold</b> & &amp; <script>parent.ran = 'answer'</script>\n\n"
    '*a* _b_ `c` | \\n "q" # 1'
)
REASON = 'A is <i>short</i> & right: 6 < 8; "ß" 🙂'
CODE = "#include <stdio.h>\nint main(void) { return 1 < 2 && 3 > 2; } // a  b"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A store, a desk and who answers there."""

    place: Path
    url: str
    passwords: dict[str, str] = field(repr=False)

    def adopt(self, name: str, kind: str, rows: list[dict[str, Any]]) -> None:
        (self.place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        said = ("--license", "CC0-1.0", "--source", "made for a test")
        ran(self.place, "adopt", f"{name}.jsonl", "--kind", kind, *said, "--as", f"{name}@1.0.0")

    def ask(self, *words: str) -> None:
        """Run a recipe that has to wait for people."""
        done = gristmill(self.place, "run", *words)
        assert done.returncode == 3, (done.returncode, done.stderr)
        assert "are still to be answered" in done.stderr

    def made(self, *words: str, name: str) -> pl.DataFrame:
        """The rows of the version that comes out of the same words, and freezes with no draft."""
        ran(self.place, "run", *words, "--as", f"{name}@1.0.0")
        version = Store.at(str(self.place / "gristmill-store")).version(f"{name}@1.0.0")
        assert version.json["tainted"] == []
        rows: pl.DataFrame = version.table.collect()
        return rows


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    place = tmp_path_factory.mktemp("people")
    home = place / "gristmill-desk"  # where the command looks for it
    with serving(home) as running:
        for name, pseudonym in (("mara", "a1"), ("jon", "a2")):
            assert f"{name} is {pseudonym}" in ran(place, "desk", "user", "add", name)
        files = [json.loads((home / "people" / f"{name}.json").read_text()) for name in ("mara", "jon")]
        yield Desk(place=place, url=running.url, passwords={one["name"]: one["password"] for one in files})


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with browsing(tmp_path_factory.mktemp("profile")) as pages:
        yield pages


class _Canary(http.server.BaseHTTPRequestHandler):
    """Notes who calls."""

    def do_GET(self) -> None:
        self.server.called.append(self.path)  # type: ignore[attr-defined]
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def canary() -> Iterator[tuple[str, list[str]]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Canary) as server:
        called: list[str] = []
        server.called = called  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", called
        server.shutdown()
        thread.join()


def test_what_two_people_write_rank_and_compare_is_what_the_versions_hold(desk: Desk, pages: Pages) -> None:
    question, draft = "How do I keep basil alive on a windowsill?", "Water it  daily.\nKeep <it> dark."
    desk.adopt("drafts", "conversations", [_turns("d1", question, draft), _turns("d2", "Why does dough rise?", draft)])
    walks = ["Along the covered market.", "Stay at home.", "Through the arcades: a roof all the way."]
    desk.adopt(
        "walks", "rankings", [{"id": "r1", "prompt": "A walk in the rain?", "responses": walks, "ranks": [1, 1, 1]}]
    )
    eggs = {"first": "Six minutes, then cold water.", "second": "Eggs are wonderful! It depends."}
    desk.adopt("eggs", "rankings", [{"id": "p1", "prompt": "How long does an egg take?", **eggs, "winner": "tie"}])
    write = ("demonstrations", "-p", "rows=drafts@1.0.0", "-p", "annotators=a1")
    rank = ("rankings", "-p", "rows=walks@1.0.0", "-p", "annotators=a2", "-p", "overlap=1")
    compare = ("comparisons", "-p", "rows=eggs@1.0.0", "-p", "annotators=a1,a2", "-p", "overlap=2")
    for words in (write, rank, compare):
        desk.ask(*words)

    pages.sign_in(desk.url, "mara", desk.passwords["mara"])
    assert {name.split("-")[0] for name in pages.queues()} == {"demonstrations", "comparisons"}
    pages.shot("queues")
    pages.open("demonstrations")
    while pages.left():
        assert pages.text("response") == draft
        if pages.shown()["Prompt"] == question:
            pages.shot("demonstration-draft")
            pages.write("response", WRITTEN)
            pages.shot("demonstration-written")
        pages.submit()  # the other draft stays as it is
    pages.open("comparisons")
    assert pages.chosen() == []
    assert pages.titles()[0] == "Which response is better?"
    guidelines = pages.guidelines()
    pages.shot("comparison-open")
    assert "Read the prompt, then both responses" in guidelines
    assert "**" not in guidelines
    mine = _place(pages, eggs["first"])
    pages.choose("better", mine)
    pages.choose("strength", "3")
    pages.write("reason", REASON)
    pages.shot("comparison-answered")
    pages.submit()
    assert not pages.left()
    assert pages.complaints() == []

    pages.sign_in(desk.url, "jon", desk.passwords["jon"])
    pages.open("comparisons")
    assert pages.chosen() == []
    assert _place(pages, eggs["first"]) == mine  # the same place for all
    pages.choose("better", "tie")
    pages.submit()
    pages.open("rankings")
    assert pages.chosen() == []
    pages.shot("ranking-open")
    for text, slot in zip(walks, (1, 2, 1), strict=True):
        pages.rank(f"response_{_place(pages, text)}", slot)
    pages.shot("ranking-tie")
    pages.submit()
    assert not pages.left()
    pages.shot("nothing-left")
    assert pages.complaints() == []

    said = {row["parents"][0]: row for row in desk.made(*write, name="written").to_dicts()}
    assert said["d1"]["messages"][-1] == {"role": "assistant", "content": WRITTEN}
    assert said["d2"]["messages"][-1] == {"role": "assistant", "content": draft}
    assert json.loads(said["d2"]["metadata"])["draft"] == "left"
    [ranked] = desk.made(*rank, name="ranked").to_dicts()
    assert [one["content"] for one in ranked["responses"]] == walks
    assert ranked["ranks"] == [1, 3, 1]  # two are first, and then comes the third
    [order] = desk.made(*rank, "-p", "give=judgements", name="orders").to_dicts()
    assert (order["annotator"], order["ranks"]) == ("a2", [1, 2, 1])  # the slots
    judged = {row["annotator"]: row for row in desk.made(*compare, "-p", "give=judgements", name="judged").to_dicts()}
    assert {person: row["answer"] for person, row in judged.items()} == {"a1": "1", "a2": "tie"}
    notes = json.loads(judged["a1"]["metadata"])
    assert (notes["strength"], notes["reason"]) == (3, REASON)
    assert not {"strength", "reason"} & set(json.loads(judged["a2"]["metadata"]))
    [better] = desk.made(*compare, "-p", "by=weighted", name="better").to_dicts()
    assert {vote["annotator"]: vote["choice"] for vote in better["votes"]} == {"a1": "chosen", "a2": "tie"}


@pytest.mark.parametrize("markdown", ["false", "true"])
def test_markup_and_scripts_in_texts_are_read_and_do_nothing(
    desk: Desk, pages: Pages, canary: tuple[str, list[str]], markdown: str
) -> None:
    at, called = canary
    bad = f"<b>x</b> <img src={at}/seen.png onerror='parent.ran=1'> <script>alert(1)</script> [y](javascript:alert(2))"
    name = f"hostile-{markdown}"
    row = {"id": "h1", "prompt": f"{bad} {markdown}", "first": bad, "second": CODE, "winner": "tie"}
    desk.adopt(name, "rankings", [row])
    settings = ("-p", f"markdown={markdown}", "-p", "annotators=a1", "-p", "overlap=1")
    words = ("comparisons", "-p", f"rows={name}@1.0.0", "-p", f"seed={len(markdown)}", *settings)
    desk.ask(*words)
    hook = {"source": "parent.ran = 0; window.alert = () => { parent.ran = 'alert' }"}
    pages.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", hook)
    pages.sign_in(desk.url, "mara", desk.passwords["mara"])
    pages.open("comparisons")
    pages.shot(f"hostile-markdown-{markdown}")
    shown = pages.shown()
    assert shown["Prompt"] == row["prompt"]
    if markdown == "false":
        assert {shown["Response A"], shown["Response B"]} == {bad, CODE}
    pages.choose("better", "both-bad")
    pages.write("reason", bad)
    pages.submit()
    assert pages.driver.execute_script("return window.ran") == 0
    assert called == []
    assert desk.made(*words, "-p", "give=judgements", name=f"answers-{markdown}")["metadata"].str.json_path_match(
        "$.reason"
    ).to_list() == [bad]


def _turns(name: str, question: str, answer: str) -> dict[str, Any]:
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"id": name, "messages": said}


def _place(pages: Pages, text: str) -> str:
    """The letter under which a response stands."""
    [title] = [title for title, shown in pages.shown().items() if shown == text]
    return title.removeprefix("Response ").lower()
