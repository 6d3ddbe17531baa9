"""Rounds of Self-Instruct through a real store with the fake model: what is asked, read, kept, and answered for.

ROUGE-L and the heuristics are in test_novelty.py, how varied the outcome is in test_variety.py.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
import zstandard

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job, Refused
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import Table
from synth.answered import Answered
from synth.instruction import Limits
from synth.llm.fake import Fake, Rule
from synth.llm.llm import Request, Sampling
from synth.novelty import Pool, rouge_l, words
from synth.prompt import prompts
from synth.self_instruct import Draft, Gather
from synth.teach import Teach
from synth.variety import Variety
from tests.generating import fake, golden, rule, table, told, user

PROMPT = prompts(None, "self_instruct", "draft")["draft"]
SAMPLING = Sampling(model="m", temperature=1.0, max_tokens=400)
SEEDS = [
    {"id": f"s{n}", "prompt": [user(text)]}
    for n, text in enumerate(
        [
            "Write a poem about the sea at night.",
            "Explain how a lock on a canal works.",
            "Which of these numbers is the largest: 3, 17, 8?",
            "Plan a week of cheap meals for two students.",
        ]
    )
]
RAIN, ICE, CHESS, DOORS = (
    "Describe the smell of rain to somebody who never left the desert.",
    "Why does ice float on water?",
    "Sum up the rules of chess in ten lines.",
    "Invent three names for a shop that sells old doors.",
)


def draft(number: int = 1, **more: Any) -> Draft:
    fields = {"sampling": SAMPLING, "prompt": PROMPT, "limits": Limits(), "max_unreadable": 1.0}
    return Draft(**{**fields, "round": number, "requests": 1, "human": 2, "generated": 1, **more})


def tasks(*texts: str) -> str:
    return "".join(f"<task>{text}</task>\n" for text in texts)


def rounds(folder: Path, llm: Fake, drafts: list[Draft], seeds: list[dict[str, Any]] = SEEDS) -> Step:
    """The steps of these rounds over seeds in a store, run, and the last of them."""
    store = Store.at(str(folder / "store"))
    source = Step("seeds", Seeds(rows=json.dumps(seeds)))
    steps: list[Step] = []
    for number, op in enumerate(drafts, 1):
        steps.append(Step(f"self-instruct/round-{number}", op, (source, *steps)))
    last = Step("self-instruct/gather", Gather(prompt=PROMPT), tuple(steps))
    store.run(last, (llm,))
    return last


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Writes the rows it was given."""

    revision: ClassVar[int] = 1
    rows: str

    def run(self, job: Job) -> dict[str, Any]:
        job.write(0, table(Path(job.folder.path) / "given", "prompts", json.loads(self.rows)).collect())
        return {"kind": "prompts"}


def out(folder: Path, step: Step) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    store = Store.at(str(folder / "store"))
    return store.table(step).collect().to_dicts(), store.done(step)


def said(rows: list[dict[str, Any]]) -> list[str]:
    return [row["prompt"][0]["content"] for row in rows]


class Listening:
    """The fake model, and all that it was asked."""

    taint = None

    def __init__(self, llm: Fake) -> None:
        self.llm, self.heard = llm, list[Request]()

    def ask(self, requests: Any) -> Any:
        def heard() -> Any:
            for request in requests:
                if request is not None:
                    self.heard.append(request)
                yield request

        return self.llm.ask(heard())


def test_the_prompts_are_these(tmp_path: Path) -> None:
    llm: Any = Listening(fake(rule("Invent", tasks(RAIN))))
    rounds(tmp_path, llm, [draft(1, requests=1), draft(2, requests=1, human=3)])
    golden("self_instruct", llm.heard)


def test_rows_say_what_they_were_made_from_and_in_which_round(tmp_path: Path) -> None:
    rows, done = out(tmp_path, rounds(tmp_path, fake(rule("Invent", tasks(RAIN, ICE))), [draft()]))
    assert said(rows) == [RAIN, ICE]
    first = told(rows[0])
    assert {key: first[key] for key in ("generator", "model", "origin", "prompt", "request", "round")} == {
        **{"generator": "self-instruct", "model": "m", "origin": "m", "prompt": PROMPT.fingerprint},
        **{"request": "round-1/request-0", "round": 1},
    }
    assert len(set(first["parents"])) == 3
    assert set(first["parents"]) <= {seed["id"] for seed in SEEDS}
    assert len({row["id"] for row in rows}) == 2
    assert done["facts"]["generated"] == {"results": 2, "rows": 2, "unreadable": 0}


def test_a_later_round_shows_tasks_of_the_earlier_ones_and_is_not_like_them(tmp_path: Path) -> None:
    llm: Any = Listening(
        fake(rule("(?s)smell of rain.*Invent", tasks(RAIN + " Now!", ICE)), rule("Invent", tasks(RAIN)))
    )
    rows, done = out(tmp_path, rounds(tmp_path, llm, [draft(1), draft(2)]))
    assert said(rows) == [RAIN, ICE]
    assert RAIN in llm.heard[1].messages[-1].content
    assert told(rows[1])["parents"][-1] == rows[0]["id"]
    assert done["facts"]["self_instruct"]["rounds"] == [
        {"round": 1, "results": 1, "rows": 1, "unreadable": 0, "similar": 0},
        {"round": 2, "results": 2, "rows": 1, "unreadable": 0, "similar": 1},
    ]


def test_a_draft_too_similar_to_a_seed_or_to_one_of_the_same_answer_is_left_out(tmp_path: Path) -> None:
    drafts = tasks("Write a poem about the sea at noon.", CHESS, CHESS, DOORS)
    step = rounds(tmp_path, fake(rule("Invent", drafts)), [draft()])
    rows, done = out(tmp_path, step)
    assert said(rows) == [CHESS, DOORS]
    assert done["funnel"] == [
        {
            **{"stage": "self-instruct", "read": 4, "kept": 2, "quarantined": 0},
            "dropped": {"self-instruct/too-similar": 2},
        }
    ]
    gone = pl.read_parquet(tmp_path / "store" / "steps" / step.id / "ledger" / "rows.parquet")
    assert gone.select("id", "reason").rows() == [("round-1/request-0", "too-similar")] * 2


def test_each_way_to_be_of_no_use_is_counted_and_the_others_stay(tmp_path: Path) -> None:
    drafts = tasks("List.", "", "Draw a cat with seven legs for me.", "- Name two birds of the sea.", ICE)
    _, done = out(tmp_path, rounds(tmp_path, fake(rule("Invent", drafts)), [draft()]))
    assert done["funnel"][0]["dropped"] == {
        "self-instruct/other-media": 1,
        "self-instruct/starts-with-punctuation": 1,
        "self-instruct/too-short": 1,
        "self-instruct/unreadable-empty-tag": 1,
    }


def test_an_answer_that_cannot_be_read_is_kept_with_its_text(tmp_path: Path) -> None:
    step = rounds(tmp_path, fake(Rule(when="Invent", anywhere=True, say=("1. Write a poem",))), [draft()])
    rows, done = out(tmp_path, step)
    assert rows == []
    assert done["facts"]["generated"] == {"results": 1, "rows": 0, "unreadable": 1}
    shown = pl.read_parquet(tmp_path / "store" / "steps" / step.id / "ledger" / "examples.parquet")
    assert shown.select("reason", "text").rows() == [("unreadable-no-tag", "1. Write a poem")]


def test_too_many_unreadable_answers_stop_the_first_round(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="max_unreadable"):
        rounds(tmp_path, fake(rule("Invent", "no")), [draft(max_unreadable=0.05)])


def test_one_more_round_asks_only_for_itself(tmp_path: Path) -> None:
    rules = (rule("(?s)smell of rain.*Invent", tasks(ICE)), rule("Invent", tasks(RAIN)))
    rounds(tmp_path, fake(*rules), [draft(1)])
    llm: Any = Listening(fake(*rules))
    rows, _ = out(tmp_path, rounds(tmp_path, llm, [draft(1), draft(2)]))
    assert len(llm.heard) == 1
    assert said(rows) == [RAIN, ICE]


def test_what_is_shown_follows_from_the_seed_and_differs_between_requests(tmp_path: Path) -> None:
    def shown(name: str, **more: Any) -> list[str]:
        llm: Any = Listening(fake(rule("Invent", tasks(ICE))))
        rounds(tmp_path / name, llm, [draft(requests=6, **more)])
        return [request.messages[-1].content for request in llm.heard]

    assert shown("a") == shown("b")
    assert shown("c", seed=1) != shown("a")
    assert len(set(shown("d"))) > 1


def test_without_seeds_nothing_is_asked(tmp_path: Path) -> None:
    rows, done = out(tmp_path, rounds(tmp_path, fake(), [draft()], seeds=[]))
    assert rows == []
    assert done["funnel"][0]["dropped"] == {"self-instruct/no-seeds": 1}


def test_rows_of_another_kind_are_refused(tmp_path: Path) -> None:
    from dataset_cards.versions.files import Folder

    source = table(tmp_path / "source", "documents", [{"id": "d", "text": "x"}])
    with pytest.raises(Misuse, match="works on prompts and conversations"):
        draft().run(Job((source,), Folder.at(str(tmp_path / "step")), (fake(),)))


def test_answers_go_on_with_the_facts_and_the_ledger_of_the_prompts(tmp_path: Path) -> None:
    llm = fake(rule("Invent", tasks(RAIN, "List.", ICE)), rule("ice float", "It is lighter."), rule("rain", ""))
    made = rounds(tmp_path, llm, [draft()])
    measured = Step("variety", Variety(max_self_similarity=0.5), (made,))
    answered = Step("answers", Answered(teach=Teach(sampling=SAMPLING, max_unreadable=1.0)), (measured,))
    store = Store.at(str(tmp_path / "store"))
    store.run(answered, (llm,))
    rows, done = out(tmp_path, answered)
    assert [row["messages"][-1]["content"] for row in rows][-1] == "It is lighter."
    assert {"generated", "answered", "variety", "self_instruct", "prompts"} <= set(done["facts"])
    assert done["facts"]["kind"] == "conversations"
    gone = pl.read_parquet(tmp_path / "store" / "steps" / answered.id / "ledger" / "rows.parquet")
    assert "self-instruct" in gone.get_column("stage").to_list()
    assert sum(sum(one["dropped"].values()) for one in store.funnel(answered)) == gone.height


def test_of_the_175_seeds_of_the_paper_all_but_two_are_new_by_the_index_and_by_comparing_all(shared_data: Path) -> None:
    with (shared_data / "sft" / "self_instruct_seed_tasks.jsonl.zst").open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8").readlines()
    seeds = [json.loads(line)["instruction"] for line in lines]
    pool = Pool(0.7)
    kept: list[str] = []
    for text in seeds:
        new = all(rouge_l(words(text), words(other)) < 0.7 for other in kept)
        assert (pool.nearest(text) is None) == new
        if new:
            pool.add(text)
            kept.append(text)
    assert (len(seeds), len(kept)) == (175, 173)


def test_a_table_is_what_the_next_round_reads(tmp_path: Path) -> None:
    """Rows that were left out of a round stand in its table, and are no examples for the next."""
    llm: Any = Listening(fake(rule("Invent", tasks("List.", ICE))))
    last = rounds(tmp_path, llm, [draft(1), draft(2, generated=3)])
    first = Store.at(str(tmp_path / "store")).table(last.inputs[0])
    assert isinstance(first, Table)
    assert first.rows == 2
    assert "List." not in llm.heard[1].messages[-1].content


def test_a_round_that_the_model_did_not_finish_goes_on_to_the_same_rows(tmp_path: Path) -> None:
    drafts = [rule(r"(?s)a week of cheap.*Invent", tasks(RAIN, CHESS)), rule("Invent", tasks(ICE, DOORS))]
    whole, _ = out(tmp_path / "a", rounds(tmp_path / "a", fake(*drafts), [draft(requests=8), draft(2, requests=4)]))
    down = Rule(when="a week of cheap", anywhere=True, fault="drop")
    with pytest.raises(Refused, match="run the same command again"):
        rounds(tmp_path / "b", fake(down, *drafts), [draft(requests=8), draft(2, requests=4)])
    again, _ = out(tmp_path / "b", rounds(tmp_path / "b", fake(*drafts), [draft(requests=8), draft(2, requests=4)]))
    assert again == whole
    assert said(whole)
