"""What differs between two nearly equal texts, word by word, in time that no text can make run away."""

import itertools
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# A word, a sign, or one character of a script that is written without spaces; each with the space that follows it.
_TOKEN = re.compile(
    r"(?:\A\s+)?(?:[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\s!-/:-@\[-`{-~\u3001-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|\S)\s*"
)
_SAYS = re.compile(r"[^\W_]")
CELLS = 1 << 16  # of the table in which a small gap is compared exactly; 256 words against 256
DEPTH = 12  # how often words that are rare in a gap are looked for inside it


@dataclass(frozen=True, kw_only=True)
class Block:
    """Words that both texts have in the same order, or words that only the one or the other has."""

    same: bool
    left: tuple[str, ...]
    right: tuple[str, ...]


def blocks(left: str, right: str) -> list[Block]:
    """Both texts from beginning to end; the words of all blocks joined are the texts.

    White space never makes a difference. Words that occur once on both sides hold the texts together (patience diff);
    small gaps are compared exactly, large ones without such a word count as different as a whole.
    """
    one, other = tokens(left), tokens(right)
    pairs = _matches([token.strip() for token in one], [token.strip() for token in other])
    found: list[Block] = []
    at = [0, 0]
    for places in [*_runs(pairs), (len(one), len(other), 0)]:
        before = (tuple(one[at[0] : places[0]]), tuple(other[at[1] : places[1]]))
        if any(before):
            found.append(Block(same=False, left=before[0], right=before[1]))
        at = [places[0] + places[2], places[1] + places[2]]
        if places[2]:
            found.append(Block(same=True, left=tuple(one[places[0] : at[0]]), right=tuple(other[places[1] : at[1]])))
    return _joined(found)


def tokens(text: str) -> list[str]:
    """The words of a text, each with the white space after it; joined, they are the text."""
    return [found[0] for found in _TOKEN.finditer(text)] or ([text] if text else [])


def worded(tokens: Sequence[str]) -> int:
    """How many of the tokens are words rather than signs."""
    return sum(1 for token in tokens if _SAYS.search(token))


def _runs(pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Neighbouring matches as (left, right, length)."""
    start = 0
    for end in range(1, len(pairs) + 1):
        if end == len(pairs) or pairs[end] != (pairs[end - 1][0] + 1, pairs[end - 1][1] + 1):
            yield (*pairs[start], end - start)
            start = end


def _joined(found: list[Block]) -> list[Block]:
    """Differing blocks become one where nothing but signs, or a chance word or two, stands between them."""
    kept: list[Block] = []
    for place, block in enumerate(found):
        between = 0 < place < len(found) - 1 and block.same
        if (
            kept
            and not kept[-1].same
            and (not block.same or (between and _by_chance(kept[-1], block, found[place + 1])))
        ):
            last = kept.pop()
            block = Block(same=False, left=last.left + block.left, right=last.right + block.right)
        kept.append(block)
    return kept


def _by_chance(before: Block, between: Block, after: Block) -> bool:
    """Whether an agreement is too small beside the differences around it to mean that something was kept."""
    smaller = min(max(worded(block.left), worded(block.right)) for block in (before, after))
    return worded(between.left) == 0 or (worded(between.left) < 4 and smaller > 2 * worded(between.left))


def _matches(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Places of words that correspond, ascending on both sides."""
    found: list[tuple[int, int]] = []
    gaps = [(0, len(left), 0, len(right), 0)]
    while gaps:
        start, end, low, high, depth = gaps.pop()
        while start < end and low < high and left[start] == right[low]:
            found.append((start, low))
            start, low = start + 1, low + 1
        while start < end and low < high and left[end - 1] == right[high - 1]:
            end, high = end - 1, high - 1
            found.append((end, high))
        if (end - start) * (high - low) <= CELLS:
            found += [(start + x, low + y) for x, y in _longest(left[start:end], right[low:high])]
        elif depth < DEPTH:
            anchors = _anchors(left, right, start, end, low, high)
            found += anchors
            edges = [(start - 1, low - 1), *anchors, (end, high)]
            if anchors:
                gaps += [(a + 1, b, c + 1, d, depth + 1) for (a, c), (b, d) in itertools.pairwise(edges)]
    return sorted(found)


def _anchors(
    left: Sequence[str], right: Sequence[str], start: int, end: int, low: int, high: int
) -> list[tuple[int, int]]:
    """Words that occur once on both sides of a gap, as many as keep their order."""
    once = {word for word, n in Counter(left[start:end]).items() if n == 1}
    places = {right[y]: y for y in range(low, high) if right[y] in once}
    rare = {word for word, n in Counter(right[low:high]).items() if n == 1 and word in once}
    pairs = [(x, places[left[x]]) for x in range(start, end) if left[x] in rare]
    # The longest ascending run of right places (patience sorting).
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for number, (_, y) in enumerate(pairs):
        pile = bisect_left(tops, y)
        before.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1], piles[pile : pile + 1] = [y], [number]
    run = []
    number = piles[-1] if piles else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    return run[::-1]


def _longest(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """The longest common subsequence of two short lists."""
    lengths = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for x in range(len(left) - 1, -1, -1):
        for y in range(len(right) - 1, -1, -1):
            same = left[x] == right[y]
            lengths[x][y] = lengths[x + 1][y + 1] + 1 if same else max(lengths[x + 1][y], lengths[x][y + 1])
    found, x, y = [], 0, 0
    while x < len(left) and y < len(right):
        if left[x] == right[y]:
            found.append((x, y))
            x, y = x + 1, y + 1
        elif lengths[x + 1][y] >= lengths[x][y + 1]:
            x += 1
        else:
            y += 1
    return found
