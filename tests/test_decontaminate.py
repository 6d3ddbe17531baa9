"""Decontamination of every row type against every row type: what goes, why, what is counted, and what stays as it was.

That shares of single texts follow the rule is covered in test_overlap; keeping rows in test_keep_rows.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.decontaminate.items import load
from curation.decontaminate.mark import Decontaminate
from curation.engine import LocalEngine
from dataset_cards.versions.errors import Damaged, Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.ledger import Ledger
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet
from tests.ops import Inline

REASON = "decontaminate/evaluation-text"
QUESTION = "A farmer counts 17 hens, 4 geese and 31 ducks on Monday; how many birds does she count in all?"
OTHER = "The committee met on the second floor and talked about the new bridge until long after it was dark."
SMALL = Decontaminate(evaluations=("eval@1",), planted=20)


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def row(kind: str, id_: str, text: str) -> dict[str, Any]:
    """A row of `kind` in which someone asks, or says, `text`."""
    asked, answer = [said("system", "You help."), said("user", text)], [said("assistant", "I cannot say.")]
    responses = [{"id": "1", "content": "Yes.", "origin": None}, {"id": "2", "content": "No.", "origin": None}]
    fields: dict[str, dict[str, Any]] = {
        "documents": {"text": text},
        "conversations": {"messages": asked + answer, "parents": []},
        "prompts": {"prompt": asked},
        "preferences": {"prompt": asked, "chosen": answer, "rejected": [said("assistant", "No.")], "margin": 0.5},
        "rankings": {"prompt": asked, "responses": responses, "ranks": [1, 2]},
        "judgements": {"record": "r1", "annotator": "p1", "answer": text, "seconds": 1.5},
        "verifiable": {"prompt": asked, "answer": "52", "verifier": "number"},
        "teacher": {
            "prompt": asked,
            "completion": answer,
            "topk_ids": [[1, 2]],
            "topk_logprobs": [[-0.5, -1.5]],
            "tokenizer": "t",
        },
    }
    return {"id": id_, **fields[kind], "metadata": '{"note": 1}'}


def table(kind: str, rows: Sequence[Mapping[str, Any]], cuts: tuple[int, int] = (1000, 1000)) -> Table:
    """Rows as a version holds them, in parts of `cuts[0]` rows and row groups of `cuts[1]`."""
    folder = Folder.at(f"memory://{uuid.uuid4().hex}")
    parts = []
    for number, first in enumerate(range(0, max(1, len(rows)), cuts[0])):
        part = list(rows[first : first + cuts[0]])
        groups = [
            from_arrow(pa.Table.from_pylist(part[at : at + cuts[1]], schema=SCHEMAS[kind]))
            for at in range(0, len(part), cuts[1])
        ]
        name = f"data-{number}.parquet"
        parts.append(Part(name, write_parquet(folder, name, groups, SCHEMAS[kind])))
    return Table(folder, tuple(parts))


def documents(texts: Sequence[str], cuts: tuple[int, int] = (1000, 1000)) -> Table:
    return table("documents", [row("documents", str(number), text) for number, text in enumerate(texts)], cuts)


def job_of(*inputs: Table, where: Folder | None = None, engine: object = None) -> Job:
    return Job(inputs, where or Folder.at(f"memory://{uuid.uuid4().hex}"), (engine or Inline(),))


def sidecar(job: Job) -> pl.DataFrame:
    return Table(job.folder, tuple(Part(p["name"], p["rows"]) for f in job.facts() for p in f["parts"])).collect()


def dropped(op: Decontaminate, *inputs: Table) -> list[bool]:
    job = job_of(*inputs)
    op.run(job)
    return sidecar(job).get_column("drop").is_not_null().to_list()


@pytest.mark.parametrize("evaluation", SCHEMAS)
@pytest.mark.parametrize("kind", SCHEMAS)
def test_rows_of_every_type_that_hold_items_of_every_type_go(kind: str, evaluation: str) -> None:
    rows = [row(kind, "own", OTHER), row(kind, "leak", f"Tell me:\n{QUESTION.upper()} Thank you!"), row(kind, "c", "")]
    job = job_of(table(kind, rows), table(evaluation, [row(evaluation, "q7", QUESTION)]))
    facts = SMALL.run(job)
    marks = sidecar(job)
    assert marks.get_column("drop").to_list() == [None, REASON, None]
    assert marks.get_column("decontaminate.item").to_list() == [None, "q7", None]
    assert marks.get_column("decontaminate.evaluation").to_list() == [None, "eval@1", None]
    assert marks.get_column("decontaminate.overlap").to_list() == [0.0, 1.0, 0.0]
    (about,) = facts["decontamination"]["evaluations"]
    assert (about["rows"], about["rows_not_looked_for"], about["items_found"], about["rows_dropped"]) == (1, 0, 1, 1)
    assert facts["decontamination"]["examples"][0]["id"] == "leak"
    assert {entry["recall"][0] for entry in facts["gold"][0]["results"]} == {1.0}
    (entry,) = [entry for fact in job.facts() for entry in fact["funnel"]]
    assert entry == {"stage": "decontaminate", "read": 3, "kept": 2, "quarantined": 0, "dropped": {REASON: 1}}


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        (QUESTION, True),
        (f"intro {QUESTION} outro", True),
        ("a FARMER counts: 17 hens - 4 geese, and 31 ducks. On?", True),  # 11 of 20 words
        ("A farmer counts 17 hens, 4 geese and 31 ducks.", False),  # 10 of 20: on the line
        (QUESTION.replace("31", "32"), True),  # 8 before it and 11 after
        (QUESTION.replace("hens", "cats").replace("on Monday", "today"), False),  # no run of 8 is left
        (" ".join(reversed(QUESTION.split())), False),
        ("A farmer counts 18 hens, 5 geese and 30 ducks on Tuesday; how many birds does he count in all?", False),
    ],
)
def test_more_than_half_of_the_words_in_runs_of_eight_are_too_many(text: str, goes: bool) -> None:
    evaluation = table("prompts", [row("prompts", "q", QUESTION)])
    assert dropped(SMALL, documents([text]), evaluation) == [goes]


def test_what_is_not_looked_for_is_counted() -> None:
    template = "Read the sentence below with great care and say what the writer felt: "
    animals = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay", "kid")
    questions = [f"{template}{word} {word}s are {word} too" for word in animals]
    rows = [row("verifiable", str(n), text) for n, text in enumerate([*questions, QUESTION, QUESTION, "How many?"])]
    job = job_of(documents([template + "the sea was calm", QUESTION, f"{questions[0]}"]), table("verifiable", rows))
    facts = SMALL.run(job)
    (about,) = facts["decontamination"]["evaluations"]
    none = {"looked_for": 0, "repeated": 0, "common": 0}
    assert about["fields"]["answer"] == {"texts": 14, "too_short": 14, **none}
    assert about["fields"]["prompt"] == {"texts": 14, "looked_for": 12, "repeated": 1, "too_short": 1, "common": 0}
    assert about["rows_not_looked_for"] == 1
    assert sidecar(job).get_column("drop").to_list() == [None, REASON, REASON], "the template alone is no item"
    assert any("too short (15)" in said for said in facts["gold"][0]["not_covered"])


def test_an_answer_given_to_many_questions_is_a_phrase_and_a_question_asked_in_two_sets_is_one() -> None:
    refusal = "I am sorry, but I am not able to help with that request today."
    questions = [" ".join(f"{word}{number}" for word in OTHER.split()) for number in range(11)]
    rows = [row("conversations", str(number), question) for number, question in enumerate(questions)]
    rows = [{**r, "messages": [*r["messages"][:2], said("assistant", refusal)]} for r in rows]
    op = replace(SMALL, evaluations=("one@1", "two@1"))
    job = job_of(documents([refusal]), table("conversations", rows), table("conversations", rows))
    first, second = op.run(job)["decontamination"]["evaluations"]
    none = {"texts": 22, "repeated": 0, "too_short": 0}
    assert first["fields"]["messages"] == {**none, "looked_for": 11, "common": 11}
    assert second["fields"]["messages"] == {**none, "repeated": 11, "looked_for": 0, "common": 11}
    assert first["rows_not_looked_for"] == second["rows_not_looked_for"] == 0
    assert sidecar(job).get_column("drop").to_list() == [None]
    assert dropped(SMALL, documents([refusal]), table("conversations", rows[:10])) == [True]


def test_only_the_named_fields_are_looked_for() -> None:
    evaluation = {**row("preferences", "p", QUESTION), "chosen": [said("assistant", OTHER)]}
    data, sets = documents([QUESTION, OTHER]), table("preferences", [evaluation])
    assert dropped(SMALL, data, sets) == [True, True]
    assert dropped(replace(SMALL, fields=("prompt",)), data, sets) == [True, False]
    assert dropped(replace(SMALL, fields=("chosen",)), data, sets) == [False, True]
    with pytest.raises(Misuse, match=r"none of the fields.*it has prompt, chosen, rejected"):
        dropped(replace(SMALL, fields=("messages",)), data, sets)


def test_a_system_prompt_is_no_item() -> None:
    rules = "You are a careful assistant who answers every question in one short and friendly sentence."
    asked = {**row("prompts", "p", QUESTION), "prompt": [said("system", rules), said("user", QUESTION)]}
    assert dropped(SMALL, documents([rules, QUESTION]), table("prompts", [asked])) == [False, True]


def test_rows_dropped_before_are_not_looked_at() -> None:
    data = documents([QUESTION, QUESTION, OTHER])
    before = Folder.at(f"memory://{uuid.uuid4().hex}")
    write_parquet(before, "s.parquet", [pl.DataFrame({"drop": ["early/gone", None, None]})])
    job = job_of(data, Table(before, (Part("s.parquet", 3),)), table("prompts", [row("prompts", "q", QUESTION)]))
    SMALL.run(job)
    assert sidecar(job).get_column("drop").to_list() == [None, REASON, None]
    assert sidecar(job).get_column("decontaminate.overlap").to_list() == [None, 1.0, 0.0]
    assert Ledger(**{k: v for k, v in job.facts()[0]["funnel"][0].items() if k != "stage"}).read == 2


WORDS = [f"w{number}" for number in range(30)]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join), min_size=1, max_size=12)
ITEM = " ".join(WORDS[:16])


@settings(max_examples=20)
@given(texts=TEXTS, at=st.integers(0, 11), one=st.integers(1, 5), other=st.integers(1, 5), group=st.integers(1, 3))
def test_marks_and_facts_do_not_depend_on_how_rows_are_cut(
    texts: list[str], at: int, one: int, other: int, group: int
) -> None:
    texts[at % len(texts)] += " " + ITEM
    found = []
    for cuts in ((one, group), (other, 1000)):
        job = job_of(documents(texts, cuts), table("prompts", [row("prompts", "q", ITEM)]))
        found.append((SMALL.run(job), sidecar(job).to_dicts()))
    assert found[0] == found[1]


@settings(max_examples=20)
@given(texts=TEXTS, kept=st.integers(1, 16), low=st.floats(0, 0.98), more=st.floats(0.001, 0.5))
def test_a_higher_limit_and_more_words_only_drop_less(texts: list[str], kept: int, low: float, more: float) -> None:
    texts.append(" ".join(WORDS[:kept]))
    inputs = documents(texts), table("prompts", [row("prompts", "q", ITEM)])
    base = replace(SMALL, max_overlap=low, planted=0, ngram=4, min_words=4)
    loose = dropped(base, *inputs)
    for field, value in (("max_overlap", min(0.99, low + more)), ("min_words", 9)):
        tight = dropped(replace(base, **{field: value}), *inputs)
        assert all(before or not after for before, after in zip(loose, tight, strict=True)), field


@pytest.mark.slow
def test_workers_give_what_one_process_gives_and_a_second_run_does_nothing(tmp_path: Path) -> None:
    folder = Folder.at(str(tmp_path / "rows"))
    texts = [OTHER, QUESTION, "short", f"{OTHER} {QUESTION}"] * 3
    frame = documents(texts).collect()
    parts = [Part(f"{n}.parquet", write_parquet(folder, f"{n}.parquet", [frame.slice(4 * n, 4)])) for n in range(3)]
    evaluation = Folder.at(str(tmp_path / "eval"))
    write_parquet(evaluation, "e.parquet", [table("prompts", [row("prompts", "q", QUESTION)]).collect()])
    inputs = Table(folder, tuple(parts)), Table(evaluation, (Part("e.parquet", 1),))
    found = []
    for name, engine in (("one", Inline()), ("many", LocalEngine(workers=2))):
        job = job_of(*inputs, where=Folder.at(str(tmp_path / name)), engine=engine)
        found.append((SMALL.run(job), sidecar(job).to_dicts()))
    assert found[0] == found[1]
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "many").rglob("*.parquet")}
    again = SMALL.run(job_of(*inputs, where=Folder.at(str(tmp_path / "many"))))
    assert again == found[1][0]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "many").rglob("*.parquet")} == stamps


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_index_says_what_to_delete(tmp_path: Path, damage: str) -> None:
    inputs = documents([QUESTION]), table("prompts", [row("prompts", "q", QUESTION)])
    where = Folder.at(str(tmp_path))
    SMALL.run(job_of(*inputs, where=where))
    (index,) = (tmp_path / "index").glob("*.parquet")
    if damage == "cut":
        index.write_bytes(index.read_bytes()[:-20])
    else:
        index.write_bytes(b"")
        write_parquet(where / "index", index.name, [_other_items()])
    for fact in tmp_path.glob("task-*.json"):
        fact.unlink()
    load.cache_clear()
    with pytest.raises(Damaged, match=r"delete (the|this) folder"):
        SMALL.run(job_of(*inputs, where=where))


def _other_items() -> pl.DataFrame:
    job = job_of(documents([OTHER]), table("prompts", [row("prompts", "q", OTHER)]))
    SMALL.run(job)
    index = Job((), job.folder / "index")
    return sidecar(index)


def test_the_first_of_equal_shares_is_named() -> None:
    sets = [table("prompts", [row("prompts", f"q{n}", QUESTION + extra)]) for n, extra in enumerate(["", " Hm?"])]
    job = job_of(documents([QUESTION + " Hm?"]), *sets)
    replace(SMALL, evaluations=("a@1", "b@1")).run(job)
    assert sidecar(job).select("decontaminate.evaluation", "decontaminate.item").row(0) == ("a@1", "q0")


def test_planted_items_are_found_and_shuffled_ones_are_not(shared_data: Path) -> None:
    rows = [json.loads(line) for line in zstandard.open(shared_data / "reasoning" / "gsm8k_train.jsonl.zst", "rt")]
    evaluation = table("prompts", [row("prompts", str(n), r["question"]) for n, r in enumerate(rows[:700])])
    texts = zstandard.open(shared_data / "quality" / "wikitext2_valid.txt.zst", "rt").read().split("\n \n")
    facts = replace(SMALL, planted=200).run(job_of(documents(texts), evaluation))
    recall = {entry["label"]: entry["recall"][0] for entry in facts["gold"][0]["results"]}
    precision = facts["gold"][0]["results"][-1]["precision"][0]
    assert recall["whole"] == recall["other case and punctuation"] == recall["inside other text"] == 1.0
    assert recall["first 60 % of the words"] >= 0.97
    assert recall["one word in 15 replaced"] >= 0.93
    assert precision >= 0.995
    assert facts["decontamination"]["evaluations"][0]["rows_dropped"] == 0
    again = replace(SMALL, planted=200).run(job_of(documents(texts), evaluation))
    assert again["gold"] == facts["gold"]


@pytest.mark.parametrize(
    "field",
    [
        {"evaluations": ()},
        {"evaluations": ("a@1", "a@1")},
        {"fields": ("question",)},
        {"ngram": 0},
        {"min_words": 0},
        {"min_item_words": 0},
        {"max_items": 0},
        {"max_overlap": 1.0},
        {"max_overlap": -0.1},
        {"planted": -1},
    ],
)
def test_impossible_fields_are_refused_when_written(field: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(field))):
        Decontaminate(**{"evaluations": ("a@1",), **field})


def test_rows_of_no_type_are_refused() -> None:
    folder = Folder.at(f"memory://{uuid.uuid4().hex}")
    write_parquet(folder, "x.parquet", [pl.DataFrame({"id": ["1"], "body": ["x"]})])
    with pytest.raises(Misuse, match="id, body are of no known type"):
        dropped(SMALL, documents(["a"]), Table(folder, (Part("x.parquet", 1),)))
