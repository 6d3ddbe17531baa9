"""Markdown as a reader's browser takes it: what in it is active, and its headings."""

from markdown_it import MarkdownIt
from markdown_it.token import Token

ACTIVE = frozenset(
    {"ordered_list_open", "html_block", "html_inline", "link_open", "image", "blockquote_open", "hr", "code_block"}
)


def parse(text: str) -> list[Token]:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [*tokens, *(child for token in tokens for child in token.children or [])]


def active(tokens: list[Token]) -> set[str]:
    return {token.type for token in tokens} & ACTIVE


def headings(tokens: list[Token]) -> list[str]:
    return [token.tag for token in tokens if token.type == "heading_open"]


def shape(tokens: list[Token]) -> list[str]:
    """Headings, tables and fences, in their order."""
    return [token.tag or token.type for token in tokens if token.type in ("heading_open", "table_open", "fence")]
