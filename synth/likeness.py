"""How much two texts share, and whether one has words of another."""

from .novelty import words


def shingles(text: str, length: int) -> frozenset[tuple[str, ...]]:
    """Every run of `length` words; of a shorter text, the text itself."""
    found = words(text)
    if len(found) <= length:
        return frozenset([tuple(found)]) if found else frozenset()
    return frozenset(tuple(found[at : at + length]) for at in range(len(found) - length + 1))


def likeness(one: str, other: str, length: int = 2) -> float:
    """Share of runs of words that two texts have in common (Jaccard), 0 to 1; two texts without words are alike."""
    a, b = shingles(one, length), shingles(other, length)
    return len(a & b) / len(a | b) if a or b else 1.0
