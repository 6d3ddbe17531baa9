"""Blocks as lines of text: one for each paragraph, list item and table row, and code as it stands."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .blocks import Block

# Text right after one of these goes on with it, though it is in no paragraph.
_FLOWING = {"p", "head", "list", "quote", "pre", "table", "break"}
_BOXES = {"box", "div", "row", "cell"}
_INDENT = "  "


@dataclass(slots=True)
class Lines:
    """Lines that are done, and the pieces of the one that is being written."""

    done: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    mark: str = ""

    def end(self) -> None:
        """End the line, if there is anything on it."""
        if text := " ".join("".join(self.pieces).split()):
            self.done.append(self.mark + text)
            self.mark = ""
        self.pieces.clear()


def write_blocks(top: Block, loose: bool) -> list[tuple[str, str]]:
    """Kind and text of each piece of main text in `top`; with `loose`, also text that stands right in a box.

    Text in front of all blocks is of the kind `lead`, other text in no block `text`.
    """
    written: list[tuple[str, str]] = []
    _write_box(top, "lead", loose, written)
    return written


def _write_box(box: Block, kind: str, loose: bool, written: list[tuple[str, str]]) -> None:
    """`kind` is that of the text at the start of the box; empty if it does not belong to the main text."""
    lines = Lines()

    def end(kind: str) -> None:
        lines.end()
        if kind or loose:
            written.extend((kind or "text", line) for line in lines.done)
        lines.done.clear()

    for part in box.kept():
        if isinstance(part, str):
            lines.pieces.append(part)
        elif not part.characters and part.kind != "break":
            lines.pieces.append(" ")
        else:
            end(kind)
            if part.kind in _BOXES:
                _write_box(part, "", loose, written)
            else:
                _write_part(part, lines, 0)
                lines.end()
                if lines.done:
                    written.append((part.kind, "\n".join(lines.done)))
                lines = Lines()
            kind = "text" if part.kind in _FLOWING else ""
    end(kind)


def _write(block: Block, lines: Lines, depth: int) -> None:
    for part in block.kept():
        if isinstance(part, str):
            lines.pieces.append(part)
        else:
            _write_part(part, lines, depth)


def _write_part(block: Block, lines: Lines, depth: int) -> None:
    """Write a block that is part of a piece of text; `depth` is how many lists it is in."""
    if block.kind in ("break", "item", "list", "quote", "pre", "table"):
        lines.end()
        _ON_NEW_LINES[block.kind](block, lines, depth)
        lines.end()
    else:
        lines.pieces.append(" ")
        _write(block, lines, depth)
        lines.pieces.append(" ")


def _write_item(item: Block, lines: Lines, depth: int) -> None:
    lines.mark = _INDENT * (depth - 1) + "- "
    _write(item, lines, depth)
    lines.end()
    lines.mark = ""


def _write_list(block: Block, lines: Lines, depth: int) -> None:
    _write(block, lines, depth + 1)


def _write_quote(quote: Block, lines: Lines, depth: int) -> None:
    for part in quote.kept():
        if isinstance(part, str):
            lines.pieces.append(part)
        else:
            lines.end()
            _write_part(part, lines, depth)
            lines.end()


def _write_verbatim(block: Block, lines: Lines, depth: int) -> None:
    pieces: list[str] = []
    _flatten(block, pieces, "\n", [])
    lines.done.append("".join(pieces).strip("\n"))


def _write_table(table: Block, lines: Lines, depth: int) -> None:
    """A line for each row that is not empty; tables inside its cells follow."""
    inner: list[Block] = []
    for part in table.kept():
        if isinstance(part, str):
            continue
        if part.kind == "row":
            cells = [_cell(cell, inner) for cell in part.kept() if isinstance(cell, Block)]
            if any(cells):
                lines.done.append(f"| {' | '.join(cells)} |")
        elif part.kind == "caption":
            _write(part, lines, depth)
            lines.end()
        else:
            _write_table(part, lines, depth)
    for block in inner:
        _write_table(block, lines, depth)


def _cell(cell: Block, inner: list[Block]) -> str:
    pieces: list[str] = []
    _flatten(cell, pieces, " ", inner)
    return " ".join("".join(pieces).split())


def _flatten(block: Block, pieces: list[str], between: str, tables: list[Block]) -> None:
    """All text in `block` with `between` around its blocks; tables are put aside."""
    for part in block.kept():
        if isinstance(part, str):
            pieces.append(part)
        elif part.kind == "table":
            tables.append(part)
        else:
            pieces.append(between)
            _flatten(part, pieces, between, tables)
            if part.kind != "break":
                pieces.append(between)


_ON_NEW_LINES: dict[str, Callable[[Block, Lines, int], None]] = {
    "break": _write,
    "item": _write_item,
    "list": _write_list,
    "quote": _write_quote,
    "pre": _write_verbatim,
    "table": _write_table,
}
