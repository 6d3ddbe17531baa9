"""Annotators who are a few numbers: how often they err, prefer what stands first, give up, and how fast they are.

They answer from `Item.truth` where there is one. Elsewhere the truth is made up by a hash of what is shown, the same
for all of them, so that careful ones agree. An answer depends on the seed, the annotator's name and the item's id, on
nothing else: not on the order of items, on who else answers, or on the clock.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset_cards.versions.errors import Misuse

from .desk import Form, Item, Question, Value

TIE = "tie"  # the option of a label that `ties` chooses


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """One scripted annotator. Shares are from 0 to 1.

    Attributes:
        name: the pseudonym.
        noise: share of questions answered wrong: another label, the neighbouring number, two neighbours of a ranking
            exchanged, a text changed.
        first: share of items of which they take what stands first, whatever it is (position bias).
        ties: share of items they call equal, where labels have a `tie` or a ranking is asked for.
        edits: share of drafts they change before they submit; the others are accepted as they are.
        skips: share of items they discard.
        done: how much they have answered so far: this share of the front of their own queue, or of the items a pool
            would have given them.
        pace: seconds per item; single items take between half and one and a half of it.
        lazy: always the first option, everything ranked as it stands, drafts accepted unread.
        adversarial: the opposite of the truth: 1 for 2, tie for both-bad, rankings and scales upside down.
        pool: the pool whose items they answer as well.
    """

    name: str
    noise: float = 0.0
    first: float = 0.0
    ties: float = 0.0
    edits: float = 0.0
    skips: float = 0.0
    done: float = 1.0
    pace: float = 30.0
    lazy: bool = False
    adversarial: bool = False
    pool: str = ""

    def __post_init__(self) -> None:
        for share in SHARES:
            if not 0 <= getattr(self, share) <= 1:
                raise Misuse(f"scripted {self.name}: {share}:{getattr(self, share):g} is not from 0 to 1")
        if self.first + self.ties > 1:
            raise Misuse(f"scripted {self.name}: first and ties are shares of the same items; together at most 1")
        if not 0 < self.pace < 1e6:
            raise Misuse(f"scripted {self.name}: pace:{self.pace:g} is not between 0 and 1,000,000 seconds")
        if not self.name:
            raise Misuse("a scripted annotator needs a name, as in a1=careful")


SHARES = ("noise", "first", "ties", "edits", "skips", "done")
KINDS: Mapping[str, Mapping[str, Any]] = {
    "careful": {},
    "noisy": {"noise": 0.25},
    "biased": {"noise": 0.05, "first": 0.3},
    "lazy": {"lazy": True, "pace": 2.0},
    "adversarial": {"adversarial": True},
}


def scripted(text: str) -> Scripted:
    """From the command line: `a1=careful`, `a2=noise:0.1,first:0.2`, `a3=noisy,pace:8,pool:crowd`, or only `a4`.

    Raises:
        Misuse: naming the kinds and settings there are.
    """
    name, _, words = text.partition("=")
    settings: dict[str, Any] = {}
    for word in filter(None, words.split(",")):
        key, colon, value = word.partition(":")
        if not colon and key in KINDS:
            settings |= KINDS[key]
        elif colon and key == "pool" and value:
            settings["pool"] = value
        elif colon and key in (*SHARES, "pace"):
            try:
                settings[key] = float(value)
            except ValueError:
                raise Misuse(f"--scripted {text}: {key}:{value} is no number") from None
        else:
            raise Misuse(
                f"--scripted {text}: {word!r} is neither a kind ({', '.join(KINDS)}) nor a setting "
                f"({', '.join((*SHARES, 'pace', 'pool'))}, written like noise:0.1)"
            )
    return Scripted(name=name, **settings)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a scripted annotator does with one item; `values` is None of one they discard."""

    values: Mapping[str, Value] | None
    seconds: float


def say(who: Scripted, form: Form, item: Item, seed: int = 0) -> Said:
    """The answer of `who` to one item: all required questions, and the others where a truth or a draft is given."""
    seconds = who.pace * (0.5 + lot(seed, who.name, item.id, "seconds"))
    if lot(seed, who.name, item.id, "skips") < who.skips:
        return Said(values=None, seconds=seconds)
    mood = lot(seed, who.name, item.id, "mood")
    values: dict[str, Value] = {}
    for question in form.questions:
        answer = _answer(who, question, item, mood, seed)
        if answer is not None:
            values[question.name] = answer
    return Said(values=values, seconds=seconds)


def lot(seed: int, *words: str) -> float:
    """A number in [0, 1) that is the same everywhere for the same words."""
    digest = hashlib.sha256(json.dumps([seed, *words]).encode()).digest()
    return int.from_bytes(digest[:7]) / (1 << 56)


def _answer(who: Scripted, question: Question, item: Item, mood: float, seed: int) -> Value | None:
    known = item.truth is not None and question.name in item.truth
    if not known and not question.required and question.name not in item.drafts:
        return None
    number = lot(seed, who.name, item.id, question.name, "which")
    errs = lot(seed, who.name, item.id, question.name, "noise") < who.noise
    if question.kind == "text":
        edits = lot(seed, who.name, item.id, question.name, "edits") < who.edits
        return _text(who, question, item, errs, edits)
    if who.lazy or (mood < who.first and question.kind != "rating"):
        return _as_it_stands(question)
    truth = item.truth[question.name] if item.truth and known else guess(question, item, seed)
    if who.first <= mood < who.first + who.ties and (equal := _equal(question, truth)) is not None:
        return equal
    if who.adversarial:
        truth = _opposite(question, truth)
    return _wrong(question, truth, number) if errs else truth


def guess(question: Question, item: Item, seed: int) -> Value:
    """A truth for an item that has none. It follows what is shown to wherever it stands, not its place.

    That works for options called like the fields they are about; for all others, any change of what is shown counts.
    """
    options = [value for value, _ in question.options]
    whole = json.dumps({name: _plain(shown) for name, shown in item.shown.items()}, sort_keys=True)
    named = [option for option in options if option in item.shown]

    def merit(option: str) -> float:
        about = json.dumps(_plain(item.shown[option])) if option in item.shown else whole + option
        return lot(seed, question.name, about)

    if question.kind == "ranking":
        order = sorted(options, key=merit, reverse=True)
        return {option: order.index(option) + 1 for option in options}
    best = max(named if len(named) > 1 else options, key=merit)
    return int(best) if question.kind == "rating" else best


def _plain(shown: Any) -> Any:
    return shown if isinstance(shown, str) else [dict(message) for message in shown]


def _text(who: Scripted, question: Question, item: Item, errs: bool, edits: bool) -> str:
    draft = item.drafts.get(question.name)
    if who.lazy:
        return draft if draft is not None else "ok"
    if item.truth is not None and question.name in item.truth:
        text = str(item.truth[question.name])
    else:
        text = draft if draft is not None else f"Answer of {who.name} to item {item.id}."
    return f"{text} (edited by {who.name})" if errs or edits or who.adversarial else text


def _as_it_stands(question: Question) -> Value:
    if question.kind == "ranking":
        return {option: place + 1 for place, (option, _) in enumerate(question.options)}
    option = question.options[0][0]
    return int(option) if question.kind == "rating" else option


def _equal(question: Question, truth: Value) -> Value | None:
    """The same with a tie at the top, where there is such an answer."""
    if isinstance(truth, Mapping):
        best = sorted(truth.values())[: min(2, len(truth))]
        return {option: best[0] if rank in best else rank for option, rank in truth.items()}
    return TIE if question.kind == "label" and TIE in dict(question.options) else None


def _opposite(question: Question, truth: Value) -> Value:
    if isinstance(truth, Mapping):
        ranks = set(truth.values())
        return {option: min(ranks) + max(ranks) - rank for option, rank in truth.items()}
    options = [option for option, _ in question.options]
    place = options.index(str(truth))
    if question.kind == "rating":
        return int(options[len(options) - 1 - place])
    partner = place ^ 1  # options come in pairs of opposites: a and b, tie and both-bad
    return options[partner if partner < len(options) else 0]


def _wrong(question: Question, truth: Value, number: float) -> Value:
    """Another answer than `truth`, where the question has one; `number` in [0, 1) says which."""
    if isinstance(truth, Mapping):
        return _exchanged(truth, number)
    options = [option for option, _ in question.options]
    place = options.index(str(truth))
    others = [option for option in options if option != options[place]]
    if question.kind == "rating":
        others = [options[near] for near in (place - 1, place + 1) if 0 <= near < len(options)]
    if not others:
        return truth
    chosen = others[int(number * len(others))]
    return int(chosen) if question.kind == "rating" else chosen


def _exchanged(ranks: Mapping[str, int], number: float) -> dict[str, int]:
    """Two options of neighbouring ranks exchanged; where all are equal, one of them set first."""
    steps = sorted(set(ranks.values()))
    if len(steps) == 1:
        best = sorted(ranks)[int(number * len(ranks))]
        return {option: 1 if option == best else 2 for option in ranks}
    upper = int(number * (len(steps) - 1))
    better = [option for option in ranks if ranks[option] == steps[upper]]
    worse = [option for option in ranks if ranks[option] == steps[upper + 1]]
    mixed = {better[0]: steps[upper + 1], worse[0]: steps[upper]}
    return {option: mixed.get(option, rank) for option, rank in ranks.items()}
