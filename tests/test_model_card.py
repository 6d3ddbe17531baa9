"""Cards and reports of models: valid on the Hub, state facts only, say what is not shown, and hold hostile text."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.utils._validators import validate_repo_id

from dataset_cards.cards.model_card import render_model_card
from dataset_cards.cards.model_hub import hub_id
from dataset_cards.cards.model_report import render_model_report
from tests.sample_model import DIGEST, adopted, hostile_model, measure, outcome, trained
from tests.sample_version import HOSTILE
from tests.test_card import active, parse
from tests.test_report_browser import open_report
from train.outcome import Outcome

HEADINGS = (
    *("How to load it", "What it ate", "What it learned", "Curves", "What was looked at before training"),
    *("More tables", "Notes", "Parameters", "Where it comes from", "What is not covered", "What it ran on"),
    "How to verify it",
)

needs_browser = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")),
    reason="chromium is not installed, so no report was opened in a browser",
)


def data(version: dict[str, Any]) -> ModelCardData:
    found = ModelCard(render_model_card(version)).data
    assert isinstance(found, ModelCardData)
    return found


def body(version: dict[str, Any]) -> str:
    return render_model_card(version).split("\n---\n", 1)[1]


def test_the_front_matter_says_what_the_hub_reads_and_exactly_what_the_model_ate() -> None:
    found = data(trained())
    assert (found.library_name, found.pipeline_tag, found.license) == ("transformers", "text-generation", "unknown")
    assert found.tags == ["gristmill", "sft", "trl"]
    assert (found.base_model, found.datasets) == ("base-1.0.0", ["chats-1.0.0"])
    assert found["gristmill"]["ate"] == [
        {"role": "data", "ref": "chats@1.0.0", "digest": DIGEST},
        {"role": "model", "ref": "base@1.0.0", "digest": DIGEST},
    ]
    assert found["gristmill"]["version"] == "chatty@1.0.0"


def test_measures_stand_in_the_model_index() -> None:
    found = data(trained())
    assert found.model_name == "chatty-1.0.0"
    assert found.eval_results is not None
    first, _ = found.eval_results
    assert (first.metric_type, first.metric_value) == ("response_loss", 2.25)
    assert first.dataset_name == "chats@1.0.0 (48 held-out rows)"


@pytest.mark.parametrize(
    "ref", ["a@1", "chats@1.0.0", "a.b_c-d@2026.11.21", "x@1.0.0+local", "x--y@1", "n" * 90 + "@1.0.0"]
)
def test_names_become_ids_that_the_hub_takes(ref: str) -> None:
    found = hub_id(ref)
    assert found is not None
    validate_repo_id(found)


def test_a_scorer_and_an_adapter_are_loaded_and_tagged_as_what_they_are() -> None:
    scorer = trained(stage="reward")
    assert data(scorer).pipeline_tag == "text-classification"
    assert "AutoModelForSequenceClassification.from_pretrained" in body(scorer)
    adapter = trained() | {"files": [{"path": "adapter_config.json", "bytes": 1, "sha256": "00"}]}
    assert data(adapter).library_name == "peft"
    assert "AutoPeftModelForCausalLM.from_pretrained" in body(adapter)


def test_the_card_has_every_section_in_order() -> None:
    text = body(trained())
    places = [text.index(f"\n## {heading}\n") for heading in HEADINGS]
    assert places == sorted(places)


def test_what_it_ate_stands_there_with_version_licence_and_digest() -> None:
    for text in (body(trained()), render_model_report(trained())):
        for part in ("chats@1.0.0", "base@1.0.0", "CC-BY-4.0", "Apache-2.0", DIGEST):
            assert part in text


def test_measures_are_told_in_plain_words_with_their_intervals() -> None:
    text = body(trained())
    assert "response loss went from 6.1 to 2.25 nats per token" in text
    assert "(better by 3.85, 95 % interval 3.7 to 4), more than chance among these rows explains." in text
    assert "| 6.1 (6 to 6.2) | 2.25 (2.1 to 2.4) | 3.85 (3.7 to 4) | 48 |" in text


@pytest.mark.parametrize(
    ("gain", "words"),
    [((0.1, -0.2, 0.4), "which may be chance: the interval holds 0"), ((-1.0, -1.5, -0.5), "which is worse")],
)
def test_a_model_that_is_not_shown_to_be_better_is_not_praised(gain: tuple[float, float, float], words: str) -> None:
    version = trained(Outcome(measures=(measure(gain=gain),), curves=[]))
    for text in (body(version), render_model_report(version)):
        assert "It is not shown that training helped" in text
        assert words in text
    assert "It is not shown" not in body(trained())


def test_every_reason_that_took_rows_is_named_with_its_number() -> None:
    text = body(trained())
    for row in ("| read | 1,000 | 100 % |", "| learned from | 912 | 91.2 % |", "| measured by | 48 | 4.8 % |"):
        assert row in text
    assert "| left out: special-tokens-in-text | 30 | 3 % |" in text
    assert "ledger/rows.parquet" in text


def test_pictures_are_linked_where_their_files_are_and_nowhere_else() -> None:
    version = trained()
    assert "![Loss](plots/loss.svg)" in body(version)
    version["files"] = version["files"][:1]
    assert "plots/" not in body(version)


def test_an_adopted_model_says_only_what_is_known() -> None:
    text = body(adopted())
    assert "adopted as it came" in text
    assert "LlamaForCausalLM" in text
    for heading in ("What it ate", "What it learned", "Curves", "Notes", "Parameters"):
        assert f"## {heading}" not in text
    for placeholder in ("None", "null", "nan", "{}", "[]", "TODO"):
        assert placeholder not in text
    assert data(adopted()).tags == ["gristmill"]


@pytest.mark.parametrize("stage", ["pretrain", "sft", "reward", "dpo", "kto", "ppo", "grpo", "distill", "own"])
def test_each_stage_says_what_it_does_not_cover(stage: str) -> None:
    text = body(trained(stage=stage))
    limits = text.split("## What is not covered\n", 1)[1].split("## ", 1)[0]
    assert limits.count("\n- ") >= 6
    assert "safe, true, fair or private was not measured" in limits


def test_a_draft_and_taint_are_said_before_anything_else() -> None:
    text = body(trained() | {"version": "draft", "tainted": ["answered by a fake model"]})
    assert text.index("This is a draft") < text.index("answered by a fake model") < text.index("is a model of")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_stays_text_in_the_card(text: str) -> None:
    version = hostile_model(text)
    card = render_model_card(version)
    tokens = parse(card.split("\n---\n", 1)[1])
    # One quoted note says that the version is tainted, and one picture of the run itself is shown.
    assert active(tokens) <= {"blockquote_open", "image"}
    assert [token.attrs["src"] for token in tokens if token.type == "image"] == ["plots/loss.svg"]
    levels = [token.tag for token in tokens if token.type == "heading_open"]
    assert levels == ["h1", *["h2"] * 6, "h3", *["h2"] * 6]
    assert not any(ord(mark) < 32 and mark not in "\n\t" for mark in card)
    assert ModelCard(card).data.license in ("other", "unknown")


def test_a_bar_in_a_cell_of_words_is_written_so_that_no_reader_of_markdown_ends_the_cell_there() -> None:
    lines = [line for line in body(hostile_model("one | two")).splitlines() if line.startswith("| ") and "one" in line]
    words = [line for line in lines if "`" not in line]
    assert words
    for line in words:
        assert "one &#124; two" in line
        assert "\\|" not in line


@needs_browser
@pytest.mark.parametrize("text", ["".join(HOSTILE)])
def test_hostile_text_in_a_report_neither_runs_nor_loads(text: str, tmp_path: Path) -> None:
    dom, said = open_report(tmp_path, render_model_report(hostile_model(text)))
    assert said == []
    assert "<title>chatty@1.0.0</title>" in dom


@needs_browser
def test_a_report_says_nothing_on_the_console_and_needs_no_script(tmp_path: Path) -> None:
    for version in (trained(), adopted()):
        html = render_model_report(version)
        dom, said = open_report(tmp_path, html)
        assert said == []
        assert "<script" not in html
        assert "http://" not in html.replace("http://www.w3.org", "")
    assert "<h1>base" in dom


def test_the_same_facts_give_the_same_documents() -> None:
    assert render_model_card(trained()) == render_model_card(trained())
    assert render_model_report(trained()) == render_model_report(trained(outcome()))
