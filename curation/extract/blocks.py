"""A part of a page as blocks: paragraphs, lists, tables and the boxes around them, and how much of it is links."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml.etree import _Element

from .names import INLINE, is_unwanted

# Every other element that is not inline is a `box`.
_KINDS = {
    "p": "p", "ul": "list", "ol": "list", "dl": "list", "li": "item", "dd": "item", "dt": "item", "br": "break",
    "hr": "break", "blockquote": "quote", "pre": "pre", "table": "table", "tr": "row", "td": "cell", "th": "cell",
    "caption": "caption", "summary": "head", "h1": "head", "h2": "head", "h3": "head", "h4": "head", "h5": "head",
    "h6": "head", "div": "div", "details": "div", "form": "div",
}  # fmt: skip
_SHORT_LINK = 10  # characters


@dataclass(slots=True, eq=False)
class Block:
    """An element that interrupts the text around it, or an inline one that may have to go.

    `parts` are texts and blocks in the order of the page. The numbers are of the text in all blocks below, without
    those that were removed: `characters`, and how many are `linked` in how many `links`, of which some are `short`.
    """

    kind: str
    parent: "Block | None"
    unwanted: bool = False
    gone: bool = False
    parts: "list[str | Block]" = field(default_factory=list)
    last: "Block | None" = None
    children: int = 0
    characters: int = 0
    linked: int = 0
    links: int = 0
    short: int = 0

    def kept(self) -> "Iterator[str | Block]":
        """The parts that were not removed, with inline ones dissolved."""
        for part in self.parts:
            if isinstance(part, str):
                yield part
            elif not part.gone:
                if part.kind == "inline":
                    yield from part.kept()
                else:
                    yield part

    def above(self) -> "Iterator[Block]":
        """The blocks that this one is in, from the inside out."""
        block = self.parent
        while block is not None:
            yield block
            block = block.parent

    def is_gone(self) -> bool:
        """Whether this block was removed, or one that it is in."""
        return self.gone or any(block.gone for block in self.above())

    def remove(self) -> None:
        """Take this block out of the page."""
        self.gone = True
        for block in self.above():
            block.characters -= self.characters
            block.linked -= self.linked
            block.links -= self.links
            block.short -= self.short


def read_blocks(element: _Element) -> list[Block]:
    """`element` and all blocks in it, in the order of the page; the first holds the others."""
    top = Block("div", None)
    blocks = [top]
    _read(element, top, blocks)
    return blocks


def _read(element: _Element, block: Block, blocks: list[Block]) -> None:
    """It calls itself, but never deeper than 256, which is where the parser stops."""
    _add(block, element.text)
    for child in element:
        tag = child.tag
        unwanted = is_unwanted(child)
        if unwanted or tag not in INLINE:
            kind = _KINDS.get(tag) or ("inline" if tag in INLINE else "box")
            if kind == "table" and child.get("role") in ("presentation", "none"):
                kind = "box"
            inner = Block(kind, block, unwanted)
            block.parts.append(inner)
            block.last = inner
            block.children += 1
            blocks.append(inner)
            _read(child, inner, blocks)
            block.characters += inner.characters
            block.linked += inner.linked
            block.links += inner.links
            block.short += inner.short
        elif tag == "a":
            before = block.characters
            _read(child, block, blocks)
            if linked := block.characters - before:
                block.links += 1
                block.linked += linked
                block.short += linked <= _SHORT_LINK
        else:
            _read(child, block, blocks)
        _add(block, child.tail)


def _add(block: Block, text: str | None) -> None:
    if text:
        block.parts.append(text)
        if not text.isspace():
            block.characters += len(" ".join(text.split())) + 1
