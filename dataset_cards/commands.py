"""The part of the command line that looks at versions: list, show, sample, diff, verify."""

from typing import Annotated, Any

import polars as pl
import typer

from . import terminal
from .adopt_command import adopt
from .cards import agreement, model_account
from .cards.plain import one_line, size, visible
from .options import STORE, JsonOption, RefArgument, StoreOption, open_store
from .said import places, say
from .verify import verify
from .versions.errors import Damaged, Misuse
from .versions.version import DatasetVersion

EXAMPLES = "ledger/examples.parquet"

commands = typer.Typer()


@commands.command("list")
def list_(store: StoreOption = STORE, as_json: JsonOption = False) -> None:
    """Every version in the store."""
    shelf = open_store(store)
    for sentence in shelf.unreadable():
        typer.echo(f"gristmill: left out: {visible(sentence)}", err=True)
    found = shelf.versions()
    # A model holds no rows; those that it learned from are counted where they are frozen.
    counts = ["-" if v.kind == "model" else v.json["rows"] for v in found]
    rows = [
        (v.ref, v.kind, n, size(v.json["bytes"]), v.json.get("created")) for v, n in zip(found, counts, strict=True)
    ]
    keys = ("ref", "kind", "rows", "bytes", "created", "digest", "license", "tainted")
    values = [{"ref": v.ref, **{key: v.json.get(key) for key in keys[1:]}} for v in found]
    text = terminal.table(("version", "kind", "rows", "size", "frozen"), rows, right=(2, 3))
    say(
        values, text if rows else f"no versions in {store}; `gristmill run RECIPE --as NAME@VERSION` makes one", as_json
    )


@commands.command()
def show(ref: RefArgument, store: StoreOption = STORE, as_json: JsonOption = False) -> None:
    """What a version is: its ledger, funnel, parents, recipe and where its files are; of a model, what it learned."""
    version = open_store(store).version(ref)
    record = version.json
    say(record, "\n".join(_model_lines(version) if version.kind == "model" else _row_lines(version)), as_json)


def _row_lines(version: DatasetVersion) -> list[str]:
    record = version.json
    return [
        f"{version.ref}  {record['kind']}  {record['rows']:,} rows  {size(record['bytes'])}",
        *_origin(version),
        f"ledger   {terminal.ledger(record['ledger'])}",
        *(f"people   {agreement.sentence(judged)}" for judged in [agreement.agreement(record)] if judged),
        *(f"tainted  {one_line(taint)}" for taint in record["tainted"]),
        "",
        terminal.funnel(record["funnel"]),
        "",
        *places(version),
    ]


def _model_lines(version: DatasetVersion) -> list[str]:
    record = version.json
    stage = one_line(model_account.training(record).get("stage", "adopted"))
    told = model_account.lines(record)
    return [
        f"{version.ref}  {record['kind']}  {stage}  {size(record['bytes'])}",
        *_origin(version),
        *(f"tainted  {one_line(taint)}" for taint in record["tainted"]),
        *(["", *told] if told else []),
        "",
        *places(version),
    ]


def _origin(version: DatasetVersion) -> list[str]:
    """Digest, recipe, parents and licence, one line each."""
    record = version.json
    parents = ", ".join(f"{p['name']}@{p['version']}" for p in record["parents"]) or "none"
    parameters = "  ".join(one_line(f"{key}={value}") for key, value in record["recipe"]["parameters"].items())
    return [
        f"digest   {record['digest']}",
        f"recipe   {one_line(record['recipe']['name'])}  {parameters}",
        f"parents  {one_line(parents)}",
        f"license  {one_line(record['license'])}",
    ]


@commands.command()
def sample(
    ref: RefArgument,
    reason: Annotated[
        str | None, typer.Option(help="Show rows dropped for this reason, e.g. gopher-quality/too-short.")
    ] = None,
    rows: Annotated[int, typer.Option("-n", "--rows", min=1, help="How many rows at most.")] = 5,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Some rows of a version, or of those that were dropped on the way to it."""
    version = open_store(store).version(ref)
    if version.kind == "model":
        raise Misuse(
            f"{version.ref} is a model and has no rows to show; `gristmill show {version.ref}` says what it learned "
            "from, and `gristmill sample` shows rows of that"
        )
    found = _dropped(version, reason) if reason else _kept(version)
    shown = found.head(rows)
    blocks = [_block(row) for row in shown.iter_rows(named=True)]
    if reason:
        count = version.json["ledger"]["dropped"].get(reason, 0)
        forgotten = reason.startswith("forget/")
        where = "nobody keeps which rows these were" if forgotten else "the ids of all are in ledger/rows.parquet"
        blocks.append(f"{shown.height} of {count:,} rows dropped for {reason}; {where}")
    else:
        blocks.append(f"{shown.height} of {version.json['rows']:,} rows")
    # JSON has no infinite numbers, and NaN is none.
    finite = shown.with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name)
        for name, kind in shown.schema.items()
        if kind.is_float()
    )
    say(finite.to_dicts(), "\n\n".join(blocks), as_json)


def _kept(version: DatasetVersion) -> pl.DataFrame:
    full = [part for part, entry in enumerate(version.table.parts) if entry.rows]
    return version.table.batch(full[0], 0) if full else pl.DataFrame()


def _dropped(version: DatasetVersion, reason: str) -> pl.DataFrame:
    """The examples that were kept of rows dropped for `reason`.

    Raises:
        Misuse: nothing was dropped for it; the message lists the reasons there are.
        Damaged: the file with the examples cannot be read.
    """
    counts = {name: count for name, count in version.json["ledger"]["dropped"].items() if count}
    if reason not in counts:
        known = ", ".join(f"{name} ({count:,})" for name, count in counts.items()) or "none"
        raise Misuse(f"{version.ref} dropped no row for {reason!r}; the reasons are: {known}")
    try:
        with version.folder.open(EXAMPLES) as file:
            examples = pl.read_parquet(file)
    except (FileNotFoundError, pl.exceptions.PolarsError) as error:
        raise Damaged(
            f"{version.folder}/{EXAMPLES} cannot be read ({error}); "
            f"`gristmill verify {version.ref}` names every damaged file"
        ) from error
    stage, _, why = reason.partition("/")
    return examples.filter((pl.col("role") == "dropped") & (pl.col("stage") == stage) & (pl.col("reason") == why))


def _block(row: dict[str, Any], most: int = 600) -> str:
    """One row for reading: its short fields on top, then the beginning of its text."""
    text = str(row.get("text") or "")
    fields = {key: value for key, value in row.items() if key not in ("text", "cut", "role") and value is not None}
    head = "  ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else one_line(f"{key}={value}", most)
        for key, value in fields.items()
    )
    return f"--- {head}\n{text[:most]}{' …' if len(text) > most else ''}"


commands.command("adopt")(adopt)


@commands.command("diff")
def diff_(
    a: Annotated[str, typer.Argument(metavar="A", help="A version, such as pages@1.0.0.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The version to compare it with.")],
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Rows added, removed and changed from A to B, and the rules that did it."""
    from .cards.diff import diff
    from .cards.diff_text import render_diff

    shelf = open_store(store)
    one, other = shelf.version(a), shelf.version(b)
    if models := [version.ref for version in (one, other) if version.kind == "model"]:
        raise Misuse(
            f"{' and '.join(models)}: a model has no rows to compare; `gristmill show` says what each learned from, "
            "and `gristmill diff` compares that"
        )
    found = diff(one, other)
    say(found.json(), render_diff(found), as_json)


@commands.command("verify")
def verify_(ref: RefArgument, store: StoreOption = STORE, as_json: JsonOption = False) -> None:
    """Check every byte and every count of a version; a damaged file is named."""
    version = open_store(store).version(ref)
    problems = verify(version)
    files = len(version.json["files"])
    amount = size(version.json["bytes"]) if version.kind == "model" else f"{version.json['rows']:,} rows"
    good = f"{version.ref} is as frozen: {files} files, {amount}, {version.json['digest']}"
    bad = "\n".join(f"{version.folder}/{problem.path} {problem.what}" for problem in problems)
    say([vars(problem) for problem in problems], bad or good, as_json)
    if problems:
        raise typer.Exit(1)
