"""Finding the main text of a page, in time that grows with its size only.

The rules and numbers are those by which trafilatura 2.3 looks for a main text in its fast mode that favours recall
(`main_extractor.py` and `htmlprocessing.py`, Apache-2.0; Barbaresi 2021, ACL system demonstration 15), put in an order
that reads every part of the page once. Where they differ is in docs/extract.md.
"""

from collections.abc import Iterator

from lxml.etree import HTMLParser, XPath, _Element, fromstring, strip_elements

from .blocks import Block, read_blocks
from .lines import write_blocks
from .names import COMMENTS, DROPPED, PLACES, RANKED, kinds_of_place

ENOUGH = 250  # characters of a text that is certainly not a notice
_PARAGRAPHS = 3 * ENOUGH  # characters in paragraphs, from which text outside of them is not needed
_REPEATED = 50  # characters of a piece that is left out when it repeats the one before

_PARSER = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
_length = XPath("string-length()")


def parse(html: str) -> _Element | None:
    """The tree of a page; None if nothing in it is an element.

    Raises:
        lxml.etree.XMLSyntaxError: there is nothing to read.
    """
    return fromstring(html.replace("\x00", "").encode("utf-8", "surrogatepass"), parser=_PARSER)


def main_text(tree: _Element, tables: bool) -> str:
    """The main text of a page, empty where these rules find too little to be sure; `tree` is used up.

    First come the places that pages name as those of their main text, each with the text of its paragraphs. A place
    without enough of them is taken with all of its text, and the page as a whole only where no place will do.
    """
    strip_elements(tree, *DROPPED, *(() if tables else ("table", "tr", "td", "th")), with_tail=False)
    _clear_small_forms(tree)
    tried: list[Block] = []
    for place in _likely_places(tree):
        top, *blocks = read_blocks(place)
        _prune(top, blocks)
        if not top.characters:
            continue
        tried.append(top)
        pieces = _pieces(top, loose=_has_few_paragraphs(tree, blocks))
        if sum(kind != "lead" for kind, _ in pieces) > 1:
            if len(text := _joined(pieces)) >= ENOUGH:
                return text
            break
    found = max((_joined(_pieces(top, loose=True)) for top in tried), key=len, default="")
    body = tree.find("body")
    if len(found) >= ENOUGH or body is None:
        return found if len(found) >= ENOUGH else ""
    top, *blocks = read_blocks(body)
    _prune(top, blocks)
    whole = _joined(_pieces(top, loose=True))
    # A page of which most is in the named place is a short one.
    return "" if len(whole) < ENOUGH else found if len(found) * 2 >= len(whole) else whole


def _clear_small_forms(tree: _Element) -> None:
    """Empty the forms that are there to be filled in: all but those that hold half of the page."""
    forms = list(tree.iter("form"))
    whole = _length(tree) if forms else 0
    for form in forms:
        if _length(form) * 2 <= whole:
            form.clear(keep_tail=True)


def _likely_places(tree: _Element) -> Iterator[_Element]:
    """The first place of every kind, the likeliest kind first; comments are emptied before."""
    places: list[tuple[int, _Element]] = []
    comments: list[_Element] = []
    for element in tree.iter(*PLACES):
        kinds = kinds_of_place(element)
        if kinds & COMMENTS:
            comments.append(element)
        elif kinds:
            places.append((kinds, element))
    for element in comments:
        element.clear(keep_tail=True)
    seen: list[_Element] = []
    for kind in RANKED:
        place = next((e for kinds, e in places if kinds & kind and (not comments or _is_under(e, tree))), None)
        if place is not None and place not in seen:
            seen.append(place)
            yield place


def _is_under(element: _Element, tree: _Element) -> bool:
    return next(element.iterancestors(tree.tag), None) is tree


def _has_few_paragraphs(tree: _Element, blocks: list[Block]) -> bool:
    here = sum(block.characters for block in blocks if block.kind == "p" and not block.is_gone())
    return here < _PARAGRAPHS and sum(map(_length, tree.iter("p"))) < _PARAGRAPHS


def _prune(top: Block, blocks: list[Block]) -> None:
    """Remove what is named as no main text, unless that is nearly all, and then what is made of links."""
    unwanted = [block for block in blocks if block.unwanted and not any(above.unwanted for above in block.above())]
    if top.characters - sum(block.characters for block in unwanted) > top.characters / 7:
        for block in unwanted:
            block.remove()
    for _ in range(2):  # what is left around a box of links may be one itself
        before = top.links
        for kind in ("div", "list", "p"):
            for block in [block for block in blocks if block.kind == kind and block.links and _is_links(block)]:
                if not block.is_gone():
                    block.remove()
        if top.links == before:
            break
    for block in blocks:
        if block.kind == "table" and block.characters >= 200 and not block.is_gone():
            share = 0.8 if block.characters < 1000 else 0.5
            if block.linked > share * block.characters:
                block.remove()


def _is_links(block: Block) -> bool:
    """Whether a division, list or paragraph is a menu or the like."""
    characters, linked, links = block.characters, block.linked, block.links
    if block.kind == "p" and block.parent and block.parent.kind in ("item", "cell"):
        return False  # the list or table is looked at as a whole
    if links == 1 and linked > 100 and linked > 0.9 * characters:
        return True
    last = block.parent is not None and block.parent.last is block
    if characters < ((60 if last else 30) if block.kind == "p" else (300 if last else 100)):
        few = block.kind == "div" and block.children >= 3 and characters < 100
        return few or linked > 0.8 * characters or (links > 1 and block.short > 0.8 * links)
    # Long links are the entries of a catalogue, and its text.
    return links > 4 and linked > 0.9 * characters and linked < 100 * links


def _pieces(top: Block, loose: bool) -> list[tuple[str, str]]:
    """Kind and text of the pieces of main text, up to the last that is no heading."""
    pieces = write_blocks(top, loose)
    while pieces and pieces[-1][0] == "head":
        pieces.pop()
    return pieces


def _joined(pieces: list[tuple[str, str]]) -> str:
    texts = [text for _, text in pieces]
    return "\n".join(
        text for before, text in zip(["", *texts], texts, strict=False) if text != before or len(text) <= _REPEATED
    )
