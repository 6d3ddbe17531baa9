"""Dealing rows to people: everybody as many as the others, and every two people about as often on the same row.

Rows are dealt one after the other, each to the people with the fewest rows so far; of those, to the ones who met the
least, so that the agreement of every two people can be estimated from about as many rows. What is left open after that
is decided by hashes, never by the order in which people are named.
"""

import hashlib
from collections.abc import Sequence

_MASK = (1 << 64) - 1
_ODD = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: multiplying by it mixes low bits into high ones (Knuth, TAOCP 6.4)


def draw(purpose: str, seed: int, who: str, what: str) -> int:
    """A number of 64 bits that is the same everywhere for the same words, and unlike that of any others."""
    text = f"{purpose}/{seed}/{len(who)}/{who}/{what}"
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def deal(
    records: Sequence[str], pairs: Sequence[str], people: Sequence[str], overlap: int, seed: int
) -> list[list[int]]:
    """For each record the `overlap` numbers (places in `people`) of those who get it.

    Loads never differ by more than one. Nobody gets two records with the same pair key: records of one key are dealt
    together, where the key is first met, to people who are all different. The caller sees to it that there are enough
    people for the most frequent key.

    A record at the end of `records` with a key of its own changes nothing for those before it.
    """
    together: dict[str, list[int]] = {}
    for number, pair in enumerate(pairs):
        together.setdefault(pair, []).append(number)
    everybody = range(len(people))
    salts = [draw("person", seed, person, "") for person in people]
    load = [0 for _ in everybody]
    met = [[0 for _ in everybody] for _ in everybody]
    dealt: list[list[int]] = [[] for _ in records]
    for numbers in together.values():
        free = set(everybody)
        for number in numbers:
            lot = draw("deal", seed, "", records[number])
            luck = [((salt ^ lot) * _ODD) & _MASK for salt in salts]
            block = dealt[number]
            meetings = [0 for _ in everybody]
            while len(block) < overlap:
                one = _next(free, load, meetings, luck)
                free.remove(one)
                block.append(one)
                meetings = [so_far + more for so_far, more in zip(meetings, met[one], strict=True)]
            for one in block:
                for other in block:
                    met[one][other] += 1
        for number in numbers:
            for one in dealt[number]:
                load[one] += 1
    return dealt


def _next(free: set[int], load: list[int], meetings: list[int], luck: list[int]) -> int:
    """Of the `free` the least loaded, of those who met the others of the record least, then by luck."""
    return min(free, key=lambda one: (load[one], meetings[one], luck[one]))
