"""A teacher's answers: texts from any model, and tokens with their likeliest neighbours from one in this process."""

from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused
from synth.generator import row_id
from synth.llm.cache import Cache
from synth.llm.courier import Books
from synth.llm.llm import Sampling, Token
from synth.teach import AS_GIVEN, Teach, _tokens
from tests.asking import books
from tests.generating import asked, assistant, fake, golden, reply, rule, run, told, user
from tests.tiny_chat import tiny_chat

PROMPT = {"id": "p1", "prompt": [{"role": "system", "content": "Be brief."}, user("How far?")], "source": "web"}
TALK = {"id": "c1", "messages": [user("How far?"), assistant("An old answer.")], "origin": "human"}
SAMPLING = Sampling(model="m", temperature=1.0, max_tokens=100)


def teach(**more: Any) -> Teach:
    return Teach(**{"sampling": SAMPLING, "max_unreadable": 1.0, **more})


def test_the_row_itself_is_what_is_asked() -> None:
    golden("teach", [*asked(teach(n=2), PROMPT), *asked(teach(), TALK)])


def test_prompts_and_conversations_become_conversations(tmp_path: Path) -> None:
    talks = {"id": "c2", "messages": [user("How far?"), assistant("Two."), user("Sure?")]}
    answers = (rule(r"Sure\?\Z", "Yes."), rule(r"How far\?\Z", " Five miles. "))
    rows = run(tmp_path, teach(), "conversations", [TALK, talks], fake(*answers)).rows
    assert [row["messages"] for row in rows] == [
        [user("How far?"), assistant("Five miles.")],
        [*talks["messages"], assistant("Yes.")],
    ]
    assert {name: rows[0][name] for name in ("id", "source", "origin", "parents")} == {
        "id": row_id("teach", ["c1"], 0, "Five miles."),
        "source": None,
        "origin": "m",
        "parents": ["c1"],
    }
    assert told(rows[0]) == {
        "generator": "teach",
        "model": "m",
        "prompt": AS_GIVEN,
        "record": "c1",
        "sampling": {"temperature": 1.0, "top_p": 1.0, "max_tokens": 100},
    }


def test_several_answers_are_kept_once_each_and_what_is_no_answer_is_counted(tmp_path: Path) -> None:
    says = rule("How far", "five", "six", "five", "<think>five or")
    found = run(tmp_path, teach(n=4), "prompts", [PROMPT], fake(says))
    assert [row["messages"][-1]["content"] for row in found.rows] == ["five", "six"]
    assert found.reasons == ["teach/same-answer", "teach/unreadable-cut-off"]


@pytest.mark.parametrize(("thinking", "text"), [("drop", "Five."), ("keep", "<think>\nhm\n</think>\n\nFive.")])
def test_thinking_is_dropped_or_kept(thinking: Any, text: str, tmp_path: Path) -> None:
    says = rule("How far", "<think>\nhm\n</think>\n\nFive.")
    (row,) = run(tmp_path, teach(thinking=thinking), "prompts", [PROMPT], fake(says)).rows
    assert row["messages"][-1] == assistant(text)


def test_teacher_rows_of_a_model_without_token_ids_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    llm = fake()
    with pytest.raises(Misuse, match=r"this model gives no ids; use --llm local:MODEL, or -p give=conversations"):
        run(tmp_path, teach(give="teacher"), "prompts", [PROMPT], llm)
    assert llm.books.ledger.of("m").requests == 0


def test_an_answer_whose_tokens_have_no_ids_is_refused() -> None:
    for logprobs in (None, (Token("x", -0.1, ()),)):
        with pytest.raises(Refused, match="without the ids of its tokens"):
            _tokens(reply("x", logprobs=logprobs))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"n": 0}, "at least one"),
        ({"n": 2, "sampling": Sampling(model="m", temperature=0.0)}, "the same answer 2 times"),
        ({"give": "teacher", "sampling": Sampling(model="m", stop=("x",))}, "takes no stop texts"),
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        teach(**fields)


@pytest.mark.slow
def test_teacher_rows_hold_the_tokens_of_a_local_model_exactly(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="a local model needs the extra train")
    from transformers import AutoTokenizer

    from synth.llm.local import Local

    # It knows nothing and would go on for ever, so that many tokens may end what it says.
    model = str(tiny_chat(tmp_path / "model", {}, ends=range(0, 300, 7)))
    account = books()
    account = Books(ledger=account.ledger, purse=account.purse, cache=Cache(tmp_path / "answers.sqlite"))
    sampling = Sampling(model=model, temperature=0.7, max_tokens=12, seed=3)
    op = teach(sampling=sampling, give="teacher", top_k=5)
    rows = [{"id": f"p{n}", "prompt": [user(f"Question {n}?")]} for n in range(8)]
    found = run(tmp_path / "a", op, "prompts", rows, Local(model, books=account))
    tokenizer: Any = AutoTokenizer.from_pretrained(model)
    assert found.rows
    assert len(found.rows) + len(found.left) == 8
    assert set(found.reasons) <= {"teach/unreadable-cut-off", "teach/unreadable-empty"}
    for row in found.rows:
        drawn = told(row)["tokens"]
        assert tokenizer.decode(drawn[:-1], skip_special_tokens=True) == row["completion"][0]["content"]
        assert drawn[-1] in range(0, 300, 7), "the last place is the one that ended the answer"
        assert len(drawn) == len(row["topk_ids"]) == len(row["topk_logprobs"])
        assert all(len(ids) == 5 for ids in row["topk_ids"])
        assert all(sorted(values, reverse=True) == values and values[0] <= 0 for values in row["topk_logprobs"])
        assert row["tokenizer"] == found.facts["teacher"]["tokenizer"] == Local(model, books=account).tokenizer()
    again = run(tmp_path / "b", op, "prompts", rows, Local(model, books=account))
    assert again.rows == found.rows, "the cache must keep ids and log-probabilities"
    assert account.cache is not None
    account.cache.close()


@pytest.mark.slow
def test_a_tokenizer_is_known_by_its_rules_and_not_by_its_place(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="a local model needs the extra train")
    from synth.llm.local import Local

    one, same = tiny_chat(tmp_path / "a", {}), tiny_chat(tmp_path / "b", {})
    other = tiny_chat(tmp_path / "c", {}, more="words that make another vocabulary " * 50)
    digests = [Local(str(folder), books=books()).tokenizer() for folder in (one, same, other)]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
