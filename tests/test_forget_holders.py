"""What else holds a row that was forgotten, where no table has its id: models, tokens, measurements, facts.

Versions and caches that have the row itself are in test_forget.py; models of models in test_trace_made.py.
"""

from pathlib import Path

import pytest

from tests.generating import fake, rule
from tests.tracing import learned, made, told
from tests.training import frozen, store_at

NAME = "anna-mueller"
WHY = ("--reason", "a person asked for it")


def test_caches_are_listed_that_name_a_row_beside_their_rows_or_name_none_and_were_made_from_it(tmp_path: Path) -> None:
    """Models, blocks of tokens, sidecars and what a generator put aside: their tables have no row of that id."""
    tokenizers = pytest.importorskip("tokenizers")
    store = store_at(tmp_path / "store")
    chats = [
        {"id": n, "messages": [{"role": "user", "content": f"Who is {n}?"}, {"role": "assistant", "content": n}]}
        for n in (NAME, "ben")
    ]
    talks = frozen(store, "talks@1.0.0", "conversations", chats, tmp_path)
    frozen(store, "quiz@1.0.0", "prompts", [{"id": "q", "prompt": " ".join(f"word{n}" for n in range(20))}], tmp_path)
    made(store, "clean@1.0.0", "decontaminate", "data=talks@1.0.0", "against=quiz@1.0.0")
    odd = fake(rule(NAME, " "), rule("(?s).*", "Yes it is."))
    made(store, "taught@draft", "teach", "rows=talks@1.0.0", "model=parrot", "max_unreadable=1", tools=[odd])
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "<|endoftext|>": 1}, unk_token="[UNK]"))
    words.save(str(tmp_path / "tokenizer.json"))
    blocks = ("data=clean@1.0.0", f"tokenizer={tmp_path / 'tokenizer.json'}", "length=2")
    made(store, "blocks@1.0.0", "tokenise", *blocks)
    learned(store, "tiny@1.0.0", {"data": talks})
    learned(store, "measured@1.0.0", {"held_out": talks})
    found = told(store, "forget", "talks@1.0.0", "--id", NAME, "--as", "talks@1.0.1", *WHY)["holders"]
    caches = {Path(one["where"]).name.rpartition("-")[0]: one["holds"] for one in found if one["what"] == "cache"}
    assert set(caches) == {"adopt", "find", "keep", "sft", "teach", "tokenise", "variety"}
    assert caches["sft"] == ["a model that learned from them"]
    assert caches["tokenise"] == caches["find"] == ["what was made or measured of them"]
    assert "beside its rows" in caches["teach"][0]
    (one,) = [Path(one["where"]) for one in found if Path(one["where"]).name.startswith("sft-")]
    assert one.name.rpartition("-")[2] == store.version("tiny@1.0.0").json["recipe"]["steps"][-1]["fingerprint"]


def test_a_version_whose_facts_name_a_row_is_listed(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store")
    text = " ".join(f"word{n}" for n in range(40))
    frozen(store, "pages@1.0.0", "documents", [{"id": "p", "text": f"Before. {text}"}], tmp_path)
    frozen(store, "quiz@1.0.0", "documents", [{"id": NAME, "text": text}, {"id": "q", "text": "else"}], tmp_path)
    made(store, "clean@1.0.0", "decontaminate", "data=pages@1.0.0", "against=quiz@1.0.0")
    found = {
        one["where"]: one["holds"]
        for one in told(store, "forget", "quiz@1.0.0", "--id", NAME, "--as", "quiz@2", *WHY)["holders"]
    }
    assert found["clean@1.0.0"] == ["named 1 time in version.json, README.md and report.html"]
