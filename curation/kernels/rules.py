"""Which words a chunk holds: spaCy's rules for every language, restated where spaCy is slow.

`Rules` answers for batches of chunks. `Restated` applies spaCy's own patterns in the order of spacy/tokenizer.pyx:
peel prefixes and suffixes until a special case or nothing is left, keep URLs whole, cut at infixes, then join word
sequences that spell a special case. It takes linear time where spaCy takes quadratic time (20,000 closing brackets:
29 s), and on English ASCII chunks it asks a pattern only where that can match. English never goes through spaCy;
other languages do for chunks of ordinary length, because some of their affix patterns have no bounded length.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import regex

# Beyond this many chunks a spaCy vocabulary is thrown away: it never forgets a word.
VOCABULARY_LIMIT = 500_000
CHUNKS_PER_CALL = 20_000
# Outside English, spaCy is asked about chunks up to this many characters.
SHORT_CHUNK = 200
# Characters given to an affix pattern: more than any affix other than a run of dots, with what it looks back at.
AFFIX_WINDOW = 32
# The same for ASCII in English, where the longest is `km/h` after a digit.
PLAIN_WINDOW = 8

_not_dot = re.compile(r"[^.]").search
_may_be_url = re.compile(r"\.[A-Za-z0-9]").search
_may_hold_infix = re.compile(r"[.+\-*^,~:<>=/]").search
# Scripts written without blanks between words, where a word is one character with its marks (docs/words.md).
_unspaced = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]\p{M}*"
    r"|[^\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]+"
)


def spacy_rules(language: str) -> tuple[str, bool]:
    """The spaCy language whose rules stand for `language`, and whether datatrove uses the same ones.

    Raises ValueError for a language that datatrove has no tokenizer for.
    """
    from datatrove.utils.word_tokenizers import load_tokenizer_assignments

    assigned = load_tokenizer_assignments().get(language)
    if assigned is None:
        raise ValueError(f"no word rules for language {language!r}: use a code such as 'en', 'deu' or 'srp_Cyrl'")
    kind, *code = assigned.args
    if kind == "WhitespaceTokenizer":
        return "xx", True
    # these three need a segmenter that is not a dependency here
    if kind == "SpaCyTokenizer" and code[0] not in ("ja", "vi", "zh"):
        return code[0], True
    return "xx", False


class Rules:
    """Words of whitespace-free chunks in one language. Pure: an answer never depends on what was asked before."""

    def __init__(self, language: str) -> None:
        self._code, self._as_datatrove = spacy_rules(language)
        self._restated = Restated(self._code)
        self._spacy: Any = None
        self._asked = VOCABULARY_LIMIT

    def __call__(self, chunks: list[str]) -> list[Sequence[str]]:
        words: list[Sequence[str]] = [()] * len(chunks)
        rest = []
        english = self._code == "en"
        for at, chunk in enumerate(chunks):
            if english or len(chunk) > SHORT_CHUNK:
                words[at] = self._restated.words(chunk)
            else:
                rest.append(at)
        for at, answer in zip(rest, self._ask_spacy([chunks[at] for at in rest]), strict=True):
            words[at] = answer
        if not self._as_datatrove:
            return [[part for word in some for part in _unspaced.findall(word)] for some in words]
        return words

    def _ask_spacy(self, chunks: list[str]) -> Iterator[list[str]]:
        import spacy

        for first in range(0, len(chunks), CHUNKS_PER_CALL):
            if self._asked >= VOCABULARY_LIMIT:
                self._spacy = spacy.blank(self._code).tokenizer
                # every chunk comes once, so remembering them would only cost memory
                self._spacy.max_cache_size = 0
                self._asked = 0
            some = chunks[first : first + CHUNKS_PER_CALL]
            self._asked += len(some)
            words: list[str] = []
            # no rule reaches across a line end, so one call serves many chunks
            for word in self._spacy("\n".join(some)):
                if word.text != "\n":
                    words.append(word.text)
                    continue
                yield words
                words = []
            yield words


class Restated:
    """The rule tokenizer of one spaCy language, for chunks without whitespace."""

    def __init__(self, code: str) -> None:
        import spacy
        from spacy.symbols import ORTH

        rules: Any = spacy.blank(code).tokenizer
        bare: Any = spacy.blank(code).tokenizer
        bare.rules = {}
        self._english = code == "en"
        self._special = {chunk: [part[ORTH] for part in parts] for chunk, parts in rules.rules.items()}
        self._longest_special = max(map(len, self._special))
        self._prefix, self._suffix = rules.prefix_search, rules.suffix_search
        self._infixes, self._url, self._match = rules.infix_finditer, rules.url_match, rules.token_match
        # most languages take a run of dots as one affix, however long
        run = "." * AFFIX_WINDOW
        front, back = rules.find_prefix(run), rules.find_suffix(run)
        self._dots_before, self._dots_after = front == AFFIX_WINDOW, back == AFFIX_WINDOW
        # first word of a special case that spaCy looks for among finished words -> all its words
        self._sequences: dict[str, list[tuple[str, ...]]] = {}
        for chunk in rules.rules:
            affixed = rules.find_prefix(chunk) or rules.find_infix(chunk) or rules.find_suffix(chunk)
            if affixed and not any(map(str.isspace, chunk)):
                words = tuple(word.text for word in bare(chunk))
                self._sequences.setdefault(words[0], []).append(words)

    def words(self, chunk: str) -> Sequence[str]:
        """The words of a chunk, in order; not to be changed by the caller."""
        if chunk in self._special:
            return self._special[chunk]
        plain = self._english and chunk.isascii()
        if plain and chunk.isalpha():
            return (chunk,)
        before, core, after = self._peel(chunk, plain)
        words = before + self._cut(core, plain) + after
        return self._join_specials(words) if len(words) > 1 else words

    def _is_rule(self, chunk: str, start: int, end: int) -> bool:
        # short slices only, so that a chunk of a million brackets is peeled in linear time
        return end - start <= self._longest_special and chunk[start:end] in self._special

    def _is_whole(self, chunk: str, start: int, end: int) -> bool:
        if self._is_rule(chunk, start, end):
            return True
        return self._match is not None and end - start <= SHORT_CHUNK and bool(self._match(chunk[start:end]))

    def _prefix_length(self, chunk: str, start: int, end: int, plain: bool) -> int:
        head = chunk[start : min(end, start + (PLAIN_WINDOW if plain else AFFIX_WINDOW))]
        # among plain letters only currencies (US$, C$, A$) begin a prefix; digits never do
        if plain and head[0].isalnum() and "$" not in head[:4]:
            return 0
        if self._dots_before and head.startswith(".."):
            dots = _not_dot(chunk, start, end)
            return dots.start() - start if dots else end - start
        match = self._prefix(head) if self._prefix else None
        return match.end() if match else 0

    def _suffix_length(self, chunk: str, start: int, end: int, plain: bool) -> int:
        tail = chunk[max(start, end - (PLAIN_WINDOW if plain else AFFIX_WINDOW)) : end]
        # plain letters end a suffix only as 's or as a unit after a digit; digits never do
        if not tail or (plain and (tail[-1].isdigit() or tail.isalpha())):
            return 0
        if self._dots_after and tail.endswith(".."):
            return end - start - len(chunk[start:end].rstrip("."))
        match = self._suffix(tail) if self._suffix else None
        return match.end() - match.start() if match else 0

    def _peel(self, chunk: str, plain: bool) -> tuple[list[str], str, list[str]]:
        """Words before, the part that no affix pattern fits (or a special case), and words after."""
        before: list[str] = []
        after: list[str] = []
        start, end = 0, len(chunk)
        while start < end and not self._is_whole(chunk, start, end):
            front = self._prefix_length(chunk, start, end, plain)
            if front and self._is_rule(chunk, start + front, end):
                before.append(chunk[start : start + front])
                start += front
                break
            back = self._suffix_length(chunk, start + front, end, plain)
            if back and self._is_rule(chunk, start, end - back):
                after.append(chunk[end - back : end])
                end -= back
                break
            if not front and not back:
                break
            if front:
                before.append(chunk[start : start + front])
                start += front
            if back:
                after.append(chunk[end - back : end])
                end -= back
        after.reverse()
        return before, chunk[start:end], after

    def _cut(self, core: str, plain: bool) -> list[str]:
        """The words of what is left between prefixes and suffixes."""
        if not core:
            return []
        if core in self._special:
            return list(self._special[core])
        if plain and core.isalnum():
            return [core]
        if (self._match and self._match(core)) or (self._url and (not plain or _may_be_url(core)) and self._url(core)):
            return [core]
        if self._infixes is None or (plain and not _may_hold_infix(core, 1)):
            return [core]
        words = []
        start = 0
        for match in self._infixes(core):
            # spaCy passes over an infix at the very beginning, and over empty ones
            if match.start() == 0:
                continue
            if match.start() != start:
                words.append(core[start : match.start()])
            if match.group():
                words.append(match.group())
            start = match.end()
        if start < len(core):
            words.append(core[start:])
        return words

    def _join_specials(self, words: list[str]) -> list[str]:
        """Replace word sequences that spell a special case; longer and earlier ones win, as in spaCy."""
        found = [
            (len(sequence), -at)
            for at, word in enumerate(words)
            for sequence in self._sequences.get(word, ())
            if tuple(words[at : at + len(sequence)]) == sequence
        ]
        taken: set[int] = set()
        chosen: list[tuple[int, int]] = []
        for length, negated in sorted(found, reverse=True):
            at = -negated
            if at not in taken and at + length - 1 not in taken:
                chosen.append((at, length))
            taken.update(range(at, at + length))
        joined: list[str] = []
        done = 0
        for at, length in sorted(chosen):
            joined += words[done:at]
            joined += self._special["".join(words[at : at + length])]
            done = at + length
        return joined + words[done:]
