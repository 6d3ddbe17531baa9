"""Which words a chunk holds: spaCy's rules for every language, restated where spaCy is slow.

`Rules` answers for batches of chunks. `Restated` applies spaCy's own patterns in the order of spacy/tokenizer.pyx:
peel prefixes and suffixes until a special case or nothing is left, keep URLs whole, cut at infixes, then join word
sequences that spell a special case. It takes linear time where spaCy takes quadratic time (20,000 closing brackets:
29 s). English never goes through spaCy, and nearly all of its ASCII chunks are split by compiled code (english.py);
other languages go through spaCy for chunks of ordinary length, because some of their affix patterns have no bounded
length.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import regex

from .chunks import Ints
from .english import DECLINED, Tables, split_chunks, tables
from .text import Bytes, Offsets

# Beyond this many chunks a spaCy vocabulary is thrown away: it never forgets a word.
VOCABULARY_LIMIT = 500_000
CHUNKS_PER_CALL = 20_000
# Outside English, spaCy is asked about chunks up to this many characters.
SHORT_CHUNK = 200
# Characters given to an affix pattern: more than any affix other than a run of dots, with what it looks back at.
AFFIX_WINDOW = 32

_not_dot = re.compile(r"[^.]").search
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
        self._compiled = self._restated.compiled() if self._code == "en" else None
        self._spacy: Any = None
        self._asked = VOCABULARY_LIMIT

    def lengths(self, data: Bytes, ends: Offsets) -> tuple[Ints, Ints]:
        """Words of the chunks `data[ends[i]:ends[i + 1]]`: how many each has, and all their lengths in bytes."""
        if self._compiled is None:
            counts, lengths = np.full(len(ends) - 1, DECLINED, np.int32), np.empty(0, np.int32)
        else:
            counts, lengths = split_chunks(data, ends, self._compiled)
        declined = np.flatnonzero(counts == DECLINED)
        if len(declined) == 0:
            return counts, lengths
        starts, stops = ends[:-1][declined].tolist(), ends[1:][declined].tolist()
        words = self([data[a:b].tobytes().decode() for a, b in zip(starts, stops, strict=True)])
        more = np.fromiter((len(word.encode()) for some in words for word in some), np.int32)
        places = np.repeat(np.cumsum(np.maximum(counts, 0))[declined], [len(some) for some in words])
        counts[declined] = [len(some) for some in words]
        return counts, np.insert(lengths, places, more)

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
        self._tokenizer = rules
        bare.rules = {}
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

    def compiled(self) -> Tables:
        """The same rules for the compiled splitter of English ASCII chunks."""
        joining = {"".join(words) for sequences in self._sequences.values() for words in sequences}
        return tables(self._tokenizer, self._special, joining)

    def words(self, chunk: str) -> Sequence[str]:
        """The words of a chunk, in order; not to be changed by the caller."""
        if chunk in self._special:
            return self._special[chunk]
        before, core, after = self._peel(chunk)
        words = before + self._cut(core) + after
        return self._join_specials(words) if len(words) > 1 else words

    def _is_rule(self, chunk: str, start: int, end: int) -> bool:
        # short slices only, so that a chunk of a million brackets is peeled in linear time
        return end - start <= self._longest_special and chunk[start:end] in self._special

    def _is_whole(self, chunk: str, start: int, end: int) -> bool:
        if self._is_rule(chunk, start, end):
            return True
        return self._match is not None and end - start <= SHORT_CHUNK and bool(self._match(chunk[start:end]))

    def _prefix_length(self, chunk: str, start: int, end: int) -> int:
        head = chunk[start : min(end, start + AFFIX_WINDOW)]
        if self._dots_before and head.startswith(".."):
            dots = _not_dot(chunk, start, end)
            return dots.start() - start if dots else end - start
        match = self._prefix(head) if self._prefix else None
        return match.end() if match else 0

    def _suffix_length(self, chunk: str, start: int, end: int) -> int:
        tail = chunk[max(start, end - AFFIX_WINDOW) : end]
        if not tail:
            return 0
        if self._dots_after and tail.endswith(".."):
            return end - start - len(chunk[start:end].rstrip("."))
        match = self._suffix(tail) if self._suffix else None
        return match.end() - match.start() if match else 0

    def _peel(self, chunk: str) -> tuple[list[str], str, list[str]]:
        """Words before, the part that no affix pattern fits (or a special case), and words after."""
        before: list[str] = []
        after: list[str] = []
        start, end = 0, len(chunk)
        while start < end and not self._is_whole(chunk, start, end):
            front = self._prefix_length(chunk, start, end)
            if front and self._is_rule(chunk, start + front, end):
                before.append(chunk[start : start + front])
                start += front
                break
            back = self._suffix_length(chunk, start + front, end)
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

    def _cut(self, core: str) -> list[str]:
        """The words of what is left between prefixes and suffixes."""
        if not core:
            return []
        if core in self._special:
            return list(self._special[core])
        if (self._match and self._match(core)) or (self._url and self._url(core)) or self._infixes is None:
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
