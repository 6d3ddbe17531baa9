"""Pieces of HTML in which foreign text is always escaped, visible and kept to its own direction."""

from collections.abc import Iterable, Sequence
from html import escape

from .plain import one_line, visible

# Nothing in a report may run or load, even if a hostile text should find a way through the escaping.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def line(text: object, most: int = 200) -> str:
    """Foreign text on one line, for running text and attributes."""
    return escape(one_line(text, most))


def name(text: object, most: int = 200) -> str:
    """Foreign text that is a name -- an id, a file, an address -- kept apart from the direction of its surroundings."""
    return f"<bdi>{line(text, most)}</bdi>"


def code(text: object, most: int = 200) -> str:
    return f'<code dir="auto">{line(text, most)}</code>'


def passage(text: object) -> str:
    """Foreign text with its own line breaks; each passage finds its own writing direction."""
    return f'<pre dir="auto">{escape(visible(text))}</pre>'


def words(tokens: Sequence[str], mark: str | None) -> str:
    """Foreign words inside a passage; `mark` is `ins`, `del` or None."""
    text = "".join(tokens)
    if mark is None or not text:
        return escape(visible(text))
    inside = text.rstrip()
    return f"<{mark}>{escape(visible(inside))}</{mark}>{escape(visible(text[len(inside) :]))}"


def table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = (), kind: str = ""
) -> str:
    """A table of ready-made HTML cells; the first cell of a row is its header, the columns in `right` are numbers."""
    marks = [' class="number"' if place in right else "" for place in range(len(header))]
    head = "".join(f'<th scope="col"{mark}>{escape(title)}</th>' for title, mark in zip(header, marks, strict=True))
    body = []
    for first, *others in rows:
        cells = "".join(f"<td{mark}>{cell}</td>" for cell, mark in zip(others, marks[1:], strict=True))
        body.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    return (
        f'<div class="wide"><table class="{kind}"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def folded(summary: str, inside: str, opened: bool = False) -> str:
    """Ready-made HTML under a line that opens and closes without a script."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{inside}</details>"


def section(anchor: str, title: str, inside: str) -> str:
    return f'<section id="{anchor}"><h2>{escape(title)}</h2>{inside}</section>'


def document(title: str, style: str, body: str) -> str:
    """A whole page that needs nothing else."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">\n'
        f"<title>{line(title)}</title>\n<style>{style}</style></head>\n<body>{body}</body></html>\n"
    )
