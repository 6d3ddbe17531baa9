"""How many rows, judged by how many people, it takes to know agreement within a given margin."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dataset_cards.terminal import table
from dataset_cards.versions.errors import Misuse

from .interval import Z


@dataclass(frozen=True, kw_only=True)
class Need:
    """What one overlap takes.

    Attributes:
        overlap: people who judge each record.
        records, judgements: for alpha or kappa to be known within the margin.
        share_records, share_judgements: for percent agreement.
    """

    overlap: int
    records: int
    judgements: int
    share_records: int
    share_judgements: int


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The answer of `planned`, one `Need` for each overlap from 2 to the number of annotators."""

    half_width: float
    agreement: float
    alpha: float
    shares: Sequence[float]
    needs: Sequence[Need]

    def json(self) -> dict[str, Any]:
        return {
            "half_width": self.half_width,
            "agreement": self.agreement,
            "alpha": round(self.alpha, 6),
            "labels": len(self.shares),
            "shares": [round(share, 6) for share in self.shares],
            "overlaps": [dict(vars(need)) for need in self.needs],
        }

    def text(self) -> str:
        """For a terminal."""
        even = len(set(self.shares)) == 1
        used = "used alike" if even else "used as " + ", ".join(f"{share:.0%}" for share in self.shares)
        head = (
            f"expected: {self.agreement:.0%} of pairs of people agree, {len(self.shares)} labels {used}; "
            f"that is an alpha of {self.alpha:.2f}\n"
            f"so that the 95 % interval reaches {self.half_width:g} to each side:\n\n"
        )
        rows = [
            (need.overlap, need.records, need.judgements, need.share_records, need.share_judgements)
            for need in self.needs
        ]
        names = ("judged by", "records for alpha", "judgements", "records for percent", "judgements")
        least = min(self.needs, key=lambda need: need.judgements)
        foot = f"\n\nfewest judgements for alpha: {least.records:,} records judged by {least.overlap} people each." + (
            "\nLabels that are not used alike take more: give their --shares." if even else ""
        )
        return head + table(names, rows, right=(0, 1, 2, 3, 4)) + foot


def planned(
    *, half_width: float, agreement: float, labels: int, annotators: int, shares: Sequence[float] = ()
) -> Planned:
    """Records and judgements for 95 % intervals of alpha, kappa and percent agreement of the given half width.

    The model: a part s of the records is clear, and everybody gives the same label; on the others everybody guesses.
    With label shares p, of clear records and of guesses alike, pairs agree with A = s + (1 - s) sum(p^2), and alpha is
    s. The variances follow in closed form, for alpha by the delta method (`_variances`). Mistakes spread evenly over
    all records, instead of gathered in some, give less variance. Never fewer records are asked for than Wilson's limit
    takes to rule out, from no disagreement at all, a value further off than the margin.

    Args:
        half_width: of the interval, between 0 and 1.
        agreement: the share of pairs of people expected to agree; more than chance.
        labels: how many there are; used alike where no `shares` are given.
        annotators: people there are; the largest overlap.
        shares: of each label, or how often it was given in a pilot.

    Raises:
        Misuse: a number cannot be meant; the message says what can.
    """
    if not 0 < half_width < 1:
        raise Misuse(f"a half width of {half_width:g} cannot be planned for; it lies between 0 and 1, such as 0.05")
    if labels < 2 or annotators < 2:
        raise Misuse(f"{labels} labels and {annotators} annotators: agreement takes two of each")
    given = list(shares) or [1.0] * labels
    if len(given) != labels or not all(0 < share < math.inf for share in given):
        raise Misuse(f"{labels} labels with shares {given}: give a share above 0 for each label")
    parts = [share / sum(given) for share in given]
    squares, cubes = (sum(part**power for part in parts) for power in (2, 3))
    if not squares < agreement <= 1:
        raise Misuse(
            f"an agreement of {agreement:g} where chance gives {squares:.3g}: "
            "give the share of pairs of people that agree, more than chance and at most 1"
        )
    clear = (agreement - squares) / (1 - squares)
    needs = []
    for overlap in range(2, annotators + 1):
        of_alpha, of_percent = _variances(clear, overlap, squares, cubes)
        records = _records(of_alpha, half_width * (1 - squares), half_width)
        share_records = _records(of_percent, half_width, half_width)
        needs.append(
            Need(
                overlap=overlap,
                records=records,
                judgements=records * overlap,
                share_records=share_records,
                share_judgements=share_records * overlap,
            )
        )
    return Planned(half_width=half_width, agreement=agreement, alpha=clear, shares=tuple(parts), needs=tuple(needs))


def _variances(clear: float, people: int, squares: float, cubes: float) -> tuple[float, float]:
    """Of alpha and of percent agreement, times the number of records.

    alpha = 1 - (1 - P) / (1 - sum(p^2)), so a record moves it by (P - 2 (1 - alpha) g) / (1 - sum(p^2)), where P is its
    agreement and g the mean share of the labels it was given.
    """
    pairs, weight = people * (people - 1) / 2, 2 * (1 - clear)
    # On a record where everybody guesses: the second moments of P, of P and g, and of g.
    both = squares**2 + (squares * (1 - squares) + 2 * (people - 2) * (cubes - squares**2)) / pairs
    mixed = (2 * cubes + (people - 2) * squares**2) / people
    common = (cubes + (people - 1) * squares**2) / people
    guessed = both - 2 * weight * mixed + weight**2 * common
    known = 1 - 2 * weight * squares + weight**2 * cubes
    mean = clear + (1 - clear) * squares - weight * squares
    of_alpha = (clear * known + (1 - clear) * guessed - mean**2) / (1 - squares) ** 2
    of_percent = clear + (1 - clear) * both - (clear + (1 - clear) * squares) ** 2
    return of_alpha, of_percent


def _records(variance: float, seen: float, half_width: float) -> int:
    """Records so that 1.96 standard errors are the half width, and Wilson's limit of none is below `seen`."""
    return math.ceil(max(Z**2 * variance / half_width**2, Z**2 * (1 - seen) / seen, 2) - 1e-9)
