"""Every source row is answered for once and in order, and a run that cannot end well does not go on being paid for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Refused, Waiting
from synth.drive import Script
from synth.generator import TASK_ROWS, Left, Made, Row, Unreadable, generate, row_id
from synth.llm.batch import Batch
from synth.llm.llm import Message, Request, Sampling
from tests.asking import books
from tests.generating import fake, run, user
from tests.llm_server import ModelServer

SAMPLING = Sampling(model="m", max_tokens=20)


@dataclass(frozen=True, kw_only=True)
class Echo:
    """A prompt for each answer that says keep; one that says leave is left, and no other can be read."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "echo"
    kind: ClassVar[str] = "prompts"

    times: int = 1
    max_unreadable: float = 1.0

    def run(self, job: Any) -> dict[str, Any]:
        return generate(job, self, job.inputs[0])

    def write(self, row: Row) -> Script[Sequence[Made]]:
        asked = tuple(Message(one["role"], one["content"]) for one in row["prompt"])
        replies = yield [Request(messages=asked, sampling=SAMPLING, nth=n) for n in range(self.times)]
        return [self._made(row, n, reply.text) for n, reply in enumerate(replies)]

    def _made(self, row: Row, number: int, said: str) -> Made:
        if "keep" in said:
            return {"id": row_id(self.name, [row["id"]], number, said), "prompt": [user(said)]}
        return Left(reason="left", said=said) if "leave" in said else Unreadable(reason="odd", said=said)


def prompts(said: Sequence[str]) -> list[dict[str, Any]]:
    return [{"id": f"r{n}", "prompt": [user(one)]} for n, one in enumerate(said)]


@settings(max_examples=15, deadline=None)
@given(said=st.lists(st.sampled_from(["keep", "leave", "odd"]), max_size=30), times=st.integers(1, 3))
def test_rows_keep_their_order_have_ids_of_their_own_and_add_up(
    said: list[str], times: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = run(tmp_path_factory.mktemp("run"), Echo(times=times), "prompts", prompts(said), fake())
    made = [(f"r{n}", one) for n, one in enumerate(said) for _ in range(times)]
    assert [row["prompt"][0]["content"] for row in found.rows] == [one for _, one in made if one == "keep"]
    assert len({row["id"] for row in found.rows}) == len(found.rows)
    assert [name for name, _, _ in found.left] == [name for name, one in made if one != "keep"]
    assert found.facts["generated"]["results"] == len(made)


def test_a_model_that_says_nothing_of_use_is_not_asked_about_every_row(tmp_path: Path) -> None:
    rows = prompts([f"odd {n}" for n in range(6 * TASK_ROWS)])
    llm, again = fake(), fake()
    with pytest.raises(Refused, match=r"\(100.0%\) could not be read") as error:
        run(tmp_path, Echo(max_unreadable=0.05), "prompts", rows, llm)
    assert "'r0': echo/unreadable-odd" in str(error.value)
    assert llm.books.ledger.of("m").requests < 5 * TASK_ROWS
    with pytest.raises(Refused, match="could not be read"):
        run(tmp_path, Echo(max_unreadable=0.05), "prompts", rows, again)
    assert not again.books.ledger.models


def test_a_bad_beginning_within_the_limit_is_gone_on_from(tmp_path: Path) -> None:
    rows = prompts(["odd"] * TASK_ROWS + ["keep"] * TASK_ROWS)
    found = run(tmp_path, Echo(max_unreadable=1.0), "prompts", rows, fake())
    assert found.facts["generated"] == {"results": 2 * TASK_ROWS, "rows": TASK_ROWS, "unreadable": TASK_ROWS}


@pytest.mark.parametrize("share", [-0.1, 5.0, float("nan")])
def test_a_limit_that_is_no_share_is_refused_before_anything_is_asked(tmp_path: Path, share: float) -> None:
    llm = fake()
    with pytest.raises(Misuse, match="a share from 0 to 1"):
        run(tmp_path, Echo(max_unreadable=share), "prompts", prompts(["keep"]), llm)
    assert not llm.books.ledger.models


def test_a_batch_holds_more_rows_than_are_open_at_a_time_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="models over HTTP need the extra synth")
    rows = prompts([f"keep {n}" for n in range(2500)])
    with ModelServer() as server, pytest.raises(Waiting, match=r"2,500 requests are at .* in one batch"):
        run(tmp_path, Echo(), "prompts", rows, Batch(books=books(tmp_path), url=server.url))
