"""Near-duplicates for people: how likely a pair was to be found, the largest clusters, and pairs side by side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from .account import near_duplicates
from .charts import curve
from .page import code, folded, line, name, table, words
from .plain import figure, one_line, plural
from .worddiff import Block, blocks, tokens, worded

MOST_CLUSTERS = 40
MOST_PAIRS = 60
OPENED = 3
CONTEXT = 14  # words and signs that are shown around a difference
FEW = 4  # words that may agree by chance
LONGEST = 120  # of one difference
LEAST_ALIKE = 0.2  # of the shorter text, for a comparison to say anything
WHY = {"large-cluster": "from a large cluster", "just-above-threshold": "only just above the threshold"}
LEGEND = (
    '<p class="quiet">On the left the document that stays, on the right the one that was dropped. '
    "<ins>Underlined: only in the one that stays.</ins> <del>Struck out: only in the one that was dropped.</del> "
    "White space is not compared; what both have alike is shortened.</p>"
)


def near_duplicates_section(version: Mapping[str, Any], pairs: pl.DataFrame) -> str:
    """Ready-made HTML; empty where no near-duplicates were looked for.

    Args:
        pairs: what ledger/pairs.parquet holds; may be empty.
    """
    found = near_duplicates(version)
    drawn = ""
    if points := found.get("s_curve"):
        caption = "<h3>Chance that a pair of documents is compared, by its similarity</h3>"
        verified = found.get("pairs_verified")
        said = f"<p>{plural(verified, 'pair')} compared word by word</p>" if verified is not None else ""
        chart = curve(points, found.get("threshold"))
        drawn += f'<div class="grid"><figure><figcaption>{caption}{said}</figcaption>{chart}</figure></div>'
    if found.get("s_curve_in_words"):
        drawn += f"<p>{line(found['s_curve_in_words'], 600)}</p>"
    if capped := found.get("capped"):
        drawn += f"<p>{plural(capped, 'document')} had more candidates than were compared.</p>"
    drawn += _side_by_side(pairs)
    clusters = [one for one in found.get("clusters") or [] if isinstance(one, Mapping)][:MOST_CLUSTERS]
    if clusters:
        header = list(dict.fromkeys(str(key) for one in clusters for key in one))[:8]
        rows = [[_cell(one.get(key)) for key in header] for one in clusters]
        largest = table("Largest clusters", [one_line(key, 40) for key in header], rows)
        drawn += folded("The largest clusters", largest) if not pairs.is_empty() else largest
    return drawn


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return figure(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{line(key, 40)} {code(figure(item), 120)}" for key, item in list(value.items())[:5])
    if isinstance(value, list | tuple):
        return "<br>".join(_cell(item) for item in value[:5]) + ("<br>\u2026" if len(value) > 5 else "")
    return code("" if value is None else value, 160)


def _side_by_side(pairs: pl.DataFrame) -> str:
    if pairs.is_empty():
        return ""
    shown = pairs.head(MOST_PAIRS)
    folds = "".join(_pair(row, number < OPENED) for number, row in enumerate(shown.iter_rows(named=True)))
    rest = pairs.height - shown.height
    more = f"<p>{plural(rest, 'more pair')} in <code>ledger/pairs.parquet</code>.</p>" if rest else ""
    return f"<h3>Side by side</h3>{LEGEND}{folds}{more}"


def _pair(row: Mapping[str, Any], opened: bool) -> str:
    why = WHY.get(row["why"] or "", row["why"] or "")
    alike = f"Jaccard index <b>{figure(row['jaccard'])}</b>" if row["jaccard"] is not None else "Alike"
    ids = f"{name(row['dropped_id'], 60)} <small>dropped for</small> {name(row['kept_id'], 60)}"
    summary = f'<span class="alike">{alike} <small>{line(why)}</small></span> <span class="ids">{ids}</span>'
    cut = bool(row["kept_cut"] or row["dropped_cut"])
    heads = "".join(f'<div class="head {side}">{_about(row, side)}</div>' for side in ("kept", "dropped"))
    inside = "".join(_rows(row["kept_text"] or "", row["dropped_text"] or "", cut))
    return folded(summary, f'<div class="sides">{heads}{inside}</div>', opened)


def _about(row: Mapping[str, Any], side: str) -> str:
    heading = "Stays" if side == "kept" else "Dropped"
    about = (("id", "id"), ("source", "from"), ("url", "address"))
    meta = "".join(
        f"<dt>{label}</dt><dd>{name(row[f'{side}_{key}'], 300)}</dd>" for key, label in about if row[f"{side}_{key}"]
    )
    return f"<h4>{heading}</h4><dl>{meta}</dl>"


def _rows(left: str, right: str, cut: bool) -> Iterator[str]:
    """Cells, two by two, with a line across where both go on alike for long."""
    found = blocks(left, right)
    alike = sum(worded(block.left) for block in found if block.same)
    if cut and alike < LEAST_ALIKE * min(worded(tokens(left)), worded(tokens(right))):
        yield _across("Their beginnings differ; where they agree lies beyond what is recorded.")
        yield from _cells([[words(tokens(text)[:LONGEST], None)] for text in (left, right)])
        return
    while cut and len(found) > 1 and (not found[-1].same or worded(found[-1].left) < FEW):
        # Behind the last agreement of some length one text may only have been cut earlier than the other.
        found = found[:-1]
    if all(block.same for block in found):
        yield _across("No word differs in what is recorded of them.")
    sides: list[list[str]] = [[], []]
    for place, block in enumerate(found):
        head, tail = (CONTEXT if inner else 0 for inner in (place > 0, place < len(found) - 1))
        end = len(block.left) - tail  # alike, so as many on the right
        if not block.same:
            sides[0].append(_marked(block.left, "ins"))
            sides[1].append(_marked(block.right, "del"))
        elif end - head < CONTEXT:
            _put(sides, block, 0, len(block.left))
        else:
            _put(sides, block, 0, head)
            yield from _cells(sides)
            yield _across(f"{plural(worded(block.left[head:end]), 'word')} alike")
            sides = [[], []]
            _put(sides, block, end, len(block.left))
    yield from _cells(sides)
    if cut:
        yield _across("The texts go on.")


def _put(sides: Sequence[list[str]], block: Block, start: int, end: int) -> None:
    for side, inside in zip(sides, (block.left, block.right), strict=True):
        side.append(words(inside[start:end], None))


def _marked(inside: Sequence[str], mark: str) -> str:
    """Words that only one side has; of very many, the first and the last."""
    if len(inside) <= LONGEST:
        return words(inside, mark)
    half = LONGEST // 2
    skipped = f"<bdi><small>\u2026 {plural(worded(inside[half:-half]), 'word')} more \u2026</small></bdi>"
    return f"{words(inside[:half], mark)} {skipped} {words(inside[-half:], mark)}"


def _cells(sides: Iterable[Sequence[str]]) -> Iterator[str]:
    inside = ["".join(side) for side in sides]
    if any(inside):
        for kind, text in zip(("kept", "dropped"), inside, strict=True):
            yield f'<pre class="{kind}" dir="auto">{text}</pre>'


def _across(said: str) -> str:
    return f'<p class="across">{said}</p>'
