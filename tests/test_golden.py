"""Golden folders: what each op made of a small input at each of its revisions.

`golden/<op>[-<variant>]-r<revision>/` holds `input.jsonl` (or `input/`, files to be read), `op.json` where fields of
the op differ from their defaults or other ops come before it, and `output.jsonl`. Floats have 9 significant digits.
What the command says of mistakes is in test_golden_errors.py.

An output is never overwritten. An op that now gives something else has a bug or needs a new revision:

    python -m tests.test_golden gopher-quality-r2

writes the output of a new folder, once. Read every row of it against the rule before it is committed.
"""

import importlib
import inspect
import json
import pkgutil
import re
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import curation
import dataset_cards
from curation.classify.model import Model
from curation.ingest import Cut, Ingest
from curation.marks import verdicts
from curation.mix.tokens import Tokenizer
from curation.stage import Docs, Stage
from dataset_cards.intake.source import Input
from dataset_cards.lineage.forget import Forget
from dataset_cards.versions.step import Step, kebab
from dataset_cards.versions.store import Store
from tests.ops import Inline

GOLDEN = Path(__file__).resolve().parent / "golden"
FOLDER = re.compile(r"([a-z0-9-]+)-r(\d+)")
STAGE_INPUT = {"id": pl.String(), "text": pl.String(), "html": pl.Boolean()}


def _ops() -> dict[str, Any]:
    """Every op of the packages, by its name in kebab case."""
    found = {}
    for package in (curation, dataset_cards):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, op in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                makes_rows = getattr(op, "kind", None) != "model"  # of models, test_model_versions compares bytes
                own = op.__module__ == module.name and is_dataclass(op) and hasattr(op, "revision")
                told = op is Forget  # its rows are named by a tool and by no field; test_forget compares them
                if own and makes_rows and op is not Stage and not told:
                    found[kebab(name)] = op
    return found


OPS = _ops()


def folders() -> dict[tuple[str, int], Path]:
    """Every golden folder, by its name without the revision, and the revision."""
    named = {path: FOLDER.fullmatch(path.name) for path in sorted(GOLDEN.iterdir()) if path.is_dir()}
    assert all(named.values()), f"no golden folders: {[path.name for path, name in named.items() if not name]}"
    return {(name[1], int(name[2])): path for path, name in named.items() if name}


def op_of(case: str) -> str:
    """The op that a folder is about: `adopt-alpaca` is about `adopt`."""
    fitting = [name for name in OPS if f"{case}-".startswith(f"{name}-")]
    assert fitting, f"{case} does not begin with the name of an op: {', '.join(OPS)}"
    return max(fitting, key=len)


def current() -> dict[str, Path]:
    """The folders of the revisions that the ops have now, by name."""
    return {path.name: path for (case, revision), path in folders().items() if revision == OPS[op_of(case)].revision}


def spelled(row: Any) -> str:
    """A row as one line of JSON, with everything that cannot be seen on a screen escaped."""
    return re.sub(r"[^ -~]", _seen, json.dumps(_rounded(row), ensure_ascii=False))


def _seen(found: re.Match[str]) -> str:
    hidden = unicodedata.category(found[0])[0] in "CZM" or not unicodedata.is_normalized("NFC", found[0])
    return json.dumps(found[0])[1:-1] if hidden else found[0]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def built(value: Any) -> Any:
    """Field values as JSON writes them: lists are tuples, and `{"op-name": {fields}}` is that op."""
    if isinstance(value, list):
        return tuple(built(item) for item in value)
    if isinstance(value, dict) and len(value) == 1 and (name := next(iter(value))) in OPS:
        return OPS[name](**{field: built(item) for field, item in value[name].items()})
    return value


def produce(folder: Path) -> list[Any]:
    """What the op gives now."""
    name = op_of(folder.name)
    given = json.loads((folder / "op.json").read_text()) if (folder / "op.json").exists() else {}
    fields = {field: built(value) for field, value in given.get("fields", {}).items()}
    if "input" in OPS[name].__dataclass_fields__:
        source = folder / "input" if (folder / "input").is_dir() else folder / "input.jsonl"
        fields["input"] = Input.find(str(source))
    if isinstance(model := fields.get("model"), dict):
        fields["model"] = Model.at(str(folder / model["file"]), model["label"])
    if isinstance(tokenizer := fields.get("tokenizer"), str):
        fields["tokenizer"] = Tokenizer.find(str(folder / tokenizer))
    op = OPS[name](**fields)
    return list(_scored(op, folder) if isinstance(op, Stage) else _run(op, folder, built(given.get("before", []))))


def _scored(stage: Stage, folder: Path) -> Iterator[Any]:
    """The rules of a stage, then each row with its reason and its scores."""
    for rule in stage.rules():
        yield {"rule": f"{rule['stage']}/{rule['reason']}", **{key: rule[key] for key in ("signal", "kind", "limit")}}
    frame = pl.DataFrame(read(folder / "input.jsonl"), schema=STAGE_INPUT)
    scores = stage.score(Docs(frame))
    for id_, reason, row in zip(frame["id"], verdicts(stage, scores), scores.iter_rows(named=True), strict=True):
        yield {"id": id_, "drop": reason, **row}


def _run(op: Any, folder: Path, before: tuple[Any, ...]) -> Iterator[Any]:
    """The rows of a step, the files it wrote about them, its facts and its funnel."""
    with tempfile.TemporaryDirectory() as place:
        store = Store.at(place)
        inputs: tuple[Step, ...] = ()
        if not hasattr(op, "input"):
            inputs = (Step("golden/read", Ingest(input=Input.find(str(folder / "input.jsonl")))),)
            for number, earlier in enumerate(before):
                inputs = (*inputs, Step(f"golden/{number}", earlier, inputs))
            for path in sorted(folder.glob("evaluation*.jsonl")):  # sets of rows to look for
                inputs = (*inputs, Step(f"golden/{path.stem}", Ingest(input=Input.find(str(path)))))
        step = Step("golden/op", op, inputs)
        rows = store.run(step, (Inline(), Cut())).collect()
        if "id" not in rows.columns:  # marks lie beside their documents
            rows = pl.concat([store.table(inputs[0]).collect(["id"]), rows], how="horizontal")
        yield from ({"row": row} for row in rows.iter_rows(named=True))
        folder = Path(str(store.folder(step)))
        for path in sorted([*folder.glob("ledger/*.parquet")] or [*folder.glob("quarantine-*.parquet")]):
            label, side = path.stem.partition("-")[0], pl.read_parquet(path)
            # Which examples are shown, and in which order, goes by a hash that polars may change.
            side = side.sort("role", "stage", "reason", "id") if label == "examples" else side
            yield from ({label: row} for row in side.iter_rows(named=True))
        done = store.done(step)
        for name, fact in done["facts"].items():
            yield from ({"fact": name, "value": one} for one in (fact if isinstance(fact, list) else [fact]))
        yield from ({"funnel": entry} for entry in done["funnel"])


def difference(name: str, golden: list[Any], now: list[Any]) -> str:
    """The first row that is not as it was, and what to do about it; empty if there is none."""
    was, is_ = [spelled(row) for row in golden], [spelled(row) for row in now]
    row = next((n for n, (a, b) in enumerate(zip(was, is_, strict=False)) if a != b), min(len(was), len(is_)))
    if row == max(len(was), len(is_)):
        return ""
    (case, revision), op = FOLDER.fullmatch(name).groups(), OPS[op_of(name)]  # type: ignore[union-attr]
    shown = [lines[row] if row < len(lines) else "(no such row)" for lines in (was, is_)]
    return (
        f"row {row + 1} of tests/golden/{name}/output.jsonl differs\n  was  {shown[0]}\n  is   {shown[1]}\n"
        f"If this is meant, caches must not serve the old rows: set {op.__name__}.revision to {int(revision) + 1}, "
        f"copy the input to tests/golden/{case}-r{int(revision) + 1}, and leave this folder as it is."
    )


@pytest.mark.parametrize("name", current())
def test_an_op_gives_what_it_gave(name: str) -> None:
    problem = difference(name, read(GOLDEN / name / "output.jsonl"), produce(GOLDEN / name))
    if problem:
        pytest.fail(problem, pytrace=False)


@pytest.mark.parametrize("name", OPS)
def test_every_op_has_a_folder_at_its_revision(name: str) -> None:
    cases = {case for case, _ in folders() if op_of(case) == name} or {name}
    wanted = {f"{case}-r{OPS[name].revision}" for case in cases}
    missing = [f"tests/golden/{case}" for case in sorted(wanted - {path.name for path in folders().values()})]
    assert not missing, f"bump: write {', '.join(missing)}"


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if issubclass(op, Stage)])
def test_every_reason_is_seen_and_a_value_on_the_limit_is_kept(name: str) -> None:
    dropped, kept_on_the_limit, rules = set(), set(), {}
    for path in [path for case, path in current().items() if op_of(case) == name]:
        rows = read(path / "output.jsonl")
        documents = [row for row in rows if "id" in row]
        dropped |= {row["drop"] for row in documents}
        for rule in [row for row in rows if "rule" in row]:
            rules[rule["rule"]] = rule["kind"]
            if any(row[rule["signal"]] == rule["limit"] and row["drop"] is None for row in documents):
                kept_on_the_limit.add(rule["rule"])
    assert set(rules) <= dropped
    # No text has a probability of exactly 0.65.
    numeric = {rule for rule, kind in rules.items() if kind in ("below", "above")} - {"language/unsure"}
    assert numeric <= kept_on_the_limit


def test_a_difference_is_shown_by_its_first_row_and_asks_for_a_revision() -> None:
    golden: list[Any] = [{"id": "a", "n": 1}, {"id": "b", "n": 0.1 + 0.2}, {"id": "c", "n": None}]
    assert difference("normalize-r1", golden, [*golden[:1], {"id": "b", "n": 0.3}, golden[2]]) == ""
    changed = difference("normalize-r1", golden, [golden[0], {"id": "b", "n": 0.4}, {"id": "c", "n": 2}])
    assert changed.startswith("row 2 of tests/golden/normalize-r1/output.jsonl differs")
    assert "set Normalize.revision to 2" in changed
    assert "row 3" in difference("normalize-r1", golden, golden[:2])
    assert "row 1" in difference("normalize-r1", [], golden)
    assert "row 1" in difference("normalize-r1", [{"n": 1}], [{"n": 1.0}]), "a number that changes its type"


def test_an_output_is_never_written_over() -> None:
    before = (GOLDEN / "normalize-r1" / "output.jsonl").read_bytes()
    with pytest.raises(SystemExit, match="never overwritten"):
        write("normalize-r1")
    assert (GOLDEN / "normalize-r1" / "output.jsonl").read_bytes() == before


def write(name: str) -> None:
    """Write the output of a new folder."""
    folder, known = GOLDEN / name, FOLDER.fullmatch(name)
    if not known or not folder.is_dir():
        sys.exit(f"there is no tests/golden/{name}; make it, with an input.jsonl and perhaps an op.json")
    if (revision := OPS[op_of(name)].revision) != int(known[2]):
        sys.exit(f"{OPS[op_of(name)].__name__} is at revision {revision}, {name} is for revision {known[2]}")
    output = folder / "output.jsonl"
    if output.exists():
        sys.exit(f"{output} is there and is never overwritten: an output that changes needs a new revision")
    output.write_text("".join(f"{spelled(row)}\n" for row in produce(folder)), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.test_golden NAME, for example gopher-quality-r2")
    write(sys.argv[1])
