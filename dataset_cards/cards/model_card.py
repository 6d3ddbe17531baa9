"""The card of a model: README.md in the form of the Hugging Face Hub, written from what its training run recorded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import model_account as account
from .account import title
from .curves import said
from .markdown import block, code, prose, table
from .model_hub import adapter, front_matter, scorer
from .plain import plural

MOST_ROWS = 60  # of a sheet; training.json has them all


def render_model_card(
    version: Mapping[str, Any], said_of_it: Sequence[tuple[str, Sequence[str]]] = (), given: str | None = None
) -> str:
    """README.md of a version of kind `model`.

    Args:
        said_of_it: headings and Markdown of what people said.
        given: the licence that people gave it; stands in the front matter for the recorded one.
    """
    front = front_matter({**version, "license": given} if given else version)
    parts = [f"---\n{front}\n---", f"# {prose(version['name'])} {prose(version['version'])}"]
    parts += [f"> **Note.** {prose(text)}" for text in account.warnings(version)]
    parts.append(prose(account.what_it_is(version)))
    for heading, section in (
        *said_of_it,
        ("How to load it", _load(version)),
        ("What it ate", _eaten(version)),
        ("What it learned", _measures(version)),
        ("Curves", _curves(version)),
        ("What was looked at before training", _preflight(version)),
        ("More tables", _sheets(version)),
        ("Notes", _notes(version)),
        ("Parameters", _parameters(version)),
        ("Where it comes from", _origin(version, given)),
        ("What is not covered", ["\n".join(f"- {prose(text)}" for text in account.limits(version))]),
        ("What it ran on", _environment(version)),
        ("How to verify it", _verify(version)),
    ):
        if paragraphs := list(section):
            parts += [f"## {heading}", *paragraphs]
    return "\n\n".join(parts) + "\n"


def how_to_load(version: Mapping[str, Any]) -> str:
    """Python that loads the model from this folder or from a repository."""
    if adapter(version):
        kind, more = (
            "AutoPeftModelForCausalLM",
            "from peft import AutoPeftModelForCausalLM\nfrom transformers import AutoTokenizer",
        )
    else:
        kind = "AutoModelForSequenceClassification" if scorer(version) else "AutoModelForCausalLM"
        more = f"from transformers import {kind}, AutoTokenizer"
    return (
        f'{more}\n\ntokenizer = AutoTokenizer.from_pretrained("PATH_OR_REPOSITORY")\n'
        f'model = {kind}.from_pretrained("PATH_OR_REPOSITORY")'
    )


def _cell(text: object, most: int = 2000) -> str:
    """Foreign text as plain words in a table, where no two readers of Markdown agree on what ends at an escaped bar."""
    return prose(text, most).replace("\\|", "&#124;")


def _load(version: Mapping[str, Any]) -> Iterator[str]:
    yield "With this folder on disk or as a model repository:"
    yield block(how_to_load(version), "python")
    yield "Weights are safetensors: loading them runs no code."


def _eaten(version: Mapping[str, Any]) -> Iterator[str]:
    if rows := account.eaten_rows(version):
        yield table(account.EATEN, [tuple(code(cell) for cell in row) for row in rows])
        yield "The same names and digests stand in the metadata of every weights file and in `training.json`."


def _measures(version: Mapping[str, Any]) -> Iterator[str]:
    found = account.measures(version)
    if not found:
        return
    yield "\n".join(f"- {prose(account.in_words(one))}" for one in found)
    rows = [tuple(_cell(cell) for cell in row) for row in account.measure_rows(version)]
    yield table(account.MEASURES, rows, right=(1, 2, 3, 4))
    yield "In brackets: 95 % intervals over held-out rows. *Better by* is paired by row, so it has its own interval."


def _curves(version: Mapping[str, Any]) -> Iterator[str]:
    curves = account.training(version).get("curves") or []
    for plot in account.pictures(version):
        yield f"![{prose(plot['title'])}](plots/{plot['name']}.svg)"
        yield f"{prose(plot['title'])}: {prose(said(plot, curves))}."


def _preflight(version: Mapping[str, Any]) -> Iterator[str]:
    if rows := account.kept_rows(version):
        yield table(("rows", "number", "share"), [(_cell(what), n, part) for what, n, part in rows], right=(1, 2))
        yield "Every row that was left out is in `ledger/rows.parquet` with its reason."
    yield from map(prose, account.preflight_sentences(version))
    if found := account.finding_rows(version):
        cells = [(code(check), n, done, _cell(detail), _cell(ids)) for check, n, done, detail, ids in found]
        yield table(account.FINDINGS, cells, right=(1,))


def _sheets(version: Mapping[str, Any]) -> Iterator[str]:
    for sheet in account.training(version).get("sheets") or []:
        yield f"### {prose(sheet['title'])}"
        rows = [tuple(_cell(cell, 300) for cell in row) for row in sheet["rows"]]
        yield table([_cell(cell, 100) for cell in sheet["header"]], rows[:MOST_ROWS])
        if len(rows) > MOST_ROWS:
            yield f"{plural(len(rows) - MOST_ROWS, 'more row')} left out here; training.json has them all."
        if sheet.get("note"):
            yield prose(sheet["note"])


def _notes(version: Mapping[str, Any]) -> Iterator[str]:
    if notes := account.training(version).get("notes"):
        yield "\n".join(f"- {prose(note)}" for note in notes)


def _parameters(version: Mapping[str, Any]) -> Iterator[str]:
    if rows := account.parameters(version):
        yield table(("parameter", "value"), [(code(name), code(value)) for name, value in rows])


def _origin(version: Mapping[str, Any], given: str | None) -> Iterator[str]:
    if version.get("source"):
        yield f"Source: {prose(version['source'])}"
    if given is None:
        yield prose(account.licences(version))
    elif str(version.get("license") or "unknown").lower() != "unknown":
        yield f"Licence as recorded: {prose(version['license'])}"
    if function := (version.get("recipe") or {}).get("function"):
        yield f"Made by the function {code(function)}; `version.json` has every step with all its fields."


def _environment(version: Mapping[str, Any]) -> Iterator[str]:
    if rows := account.environment(version):
        yield table(("software", "version"), [(code(name), code(value)) for name, value in rows])
    if spent := account.cost(version):
        yield spent


def _verify(version: Mapping[str, Any]) -> Iterator[str]:
    if version.get("digest"):
        yield f"Digest of the weights, configuration and tokenizer: {code(version['digest'])}"
    yield f"{code('gristmill verify ' + title(version))} checks every byte, and so does this, in the folder:"
    yield block("sha256sum --check SHA256SUMS", "sh")
