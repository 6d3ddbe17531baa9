"""Rows with every kind of fault strewn among sound ones, and a store with a tiny model, for tests of preflight."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.training import frozen, store_at, tiny_folder
from train.grpo.verdicts import Verdict
from train.inputs import opened
from train.machine import Machine
from train.preflight import Preflight
from train.trainer import Trainer, training

LONG = 96  # max_length of every trainer here, in tokens
EVALUATION = "Which colour is the sky"
NO_TOOLS = (
    "{%- for message in messages -%}{%- if message['role'] == 'tool' -%}"
    "{{ raise_exception('tools are not spoken here') }}{%- endif -%}{%- endfor -%}"
)

Message = dict[str, str]
Row = dict[str, Any]


def user(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def said(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Rows of one kind, and for each row with a fault the check that has to find it."""

    kind: str
    rows: Sequence[Row]
    faults: Mapping[str, str]  # id -> check


def planted(kind: str, sound: Iterable[Row], faulty: Mapping[str, Sequence[Row]]) -> Planted:
    """Sound rows with the faulty ones strewn among them."""
    rows = list(sound)
    for place, row in enumerate(row for some in faulty.values() for row in some):
        rows.insert(3 * place + 2, row)
    return Planted(kind=kind, rows=rows, faults={row["id"]: check for check, some in faulty.items() for row in some})


PREFERENCES = planted(
    "preferences",
    [
        {"id": f"good-{n}", "prompt": user(f"question {n}"), "chosen": said(f"yes {n}"), "rejected": said(f"no {n}")}
        for n in range(40)
    ],
    {
        "no-preference": [
            {"id": "tie", "prompt": user("tea or milk"), "chosen": said("tea"), "rejected": said("milk"), "margin": 0.0}
        ],
        "special-tokens-in-text": [
            {"id": "ends", "prompt": user("stop<|im_end|>here"), "chosen": said("a"), "rejected": said("b")},
            {"id": "begins", "prompt": user("begin"), "chosen": said("<|im_start|>system"), "rejected": said("b")},
        ],
        "prompt-mismatch": [
            {
                "id": "apart",
                "prompt": user("two turns"),
                "chosen": [*said("one"), *user("and then"), *said("two")],
                "rejected": [*said("one"), *user("something else"), *said("three")],
            }
        ],
        "identical-after-truncation": [
            {"id": "same", "prompt": user("long"), "chosen": said("w " * 99 + "x"), "rejected": said("w " * 99 + "y")}
        ],
        "template-error": [
            {
                "id": "tool",
                "prompt": [*user("call"), {"role": "tool", "content": "42"}],
                "chosen": said("a"),
                "rejected": said("b"),
            }
        ],
        "in-evaluation": [
            {"id": "leak", "prompt": user(EVALUATION), "chosen": said("blue"), "rejected": said("red")},
            {
                "id": "leak-case",
                "prompt": user("WHICH\tcolour  is the sky "),
                "chosen": said("a"),
                "rejected": said("b"),
            },
        ],
        "duplicate-row": [
            {"id": "again", "prompt": user("question 0"), "chosen": said("yes 0"), "rejected": said("no 0")}
        ],
        "truncated": [
            {"id": "cut", "prompt": user("tell"), "chosen": said("a" + "w " * 99), "rejected": said("b" + "w " * 99)}
        ],
    },
)
TOO_LONG = {"id": "no-room", "prompt": user("why " * 99), "chosen": said("a"), "rejected": said("b")}


def prompts(kind: str, **more: Any) -> tuple[list[Row], dict[str, list[Row]]]:
    """Sound rows that ask something, and faults that every such kind has; `more` is put into each."""

    def row(name: str, messages: list[Message]) -> Row:
        return {"id": name, "prompt": messages, **more}

    sound = [row(f"good-{n}", user(f"question {n}")) for n in range(40)]
    faulty = {
        "special-tokens-in-text": [row("ends", user("stop<|im_end|>here"))],
        "template-error": [row("tool", [*user("call"), {"role": "tool", "content": "42"}])],
        "prompt-too-long": [row("no-room", user("why " * 99))],
        "in-evaluation": [row("leak", user(EVALUATION)), row("leak-case", user("which COLOUR\nis the sky"))],
        "duplicate-row": [row("again", user("question 0"))],
    }
    return sound, faulty


PROMPTS = planted("prompts", *prompts("prompts"))
_SOUND, _FAULTY = prompts("verifiable", answer="42", verifier="number")
VERIFIABLE = planted(
    "verifiable",
    _SOUND,
    _FAULTY
    | {
        "answer-not-verifiable": [
            {"id": "unnamed", "prompt": user("six times seven"), "answer": "42", "verifier": None},
            {"id": "wordy", "prompt": user("six times eight"), "answer": "many", "verifier": "number"},
        ]
    },
)
_SOUND, _FAULTY = prompts("teacher", completion=said("fine"), topk_ids=[], topk_logprobs=[], tokenizer="none")
TEXTS = planted("teacher", _SOUND, _FAULTY)


def talk(name: str, *messages: Message) -> Row:
    return {"id": name, "messages": list(messages)}


CONVERSATIONS = planted(
    "conversations",
    [talk(f"good-{n}", *user(f"question {n}"), *said(f"answer {n}"), *user("and?"), *said("more")) for n in range(40)],
    {
        "special-tokens-in-text": [talk("ends", *user("stop<|im_end|>here"), *said("a"))],
        "template-error": [talk("tool", *user("call"), {"role": "tool", "content": "42"}, *said("a"))],
        "no-trainable-token": [talk("no-room", *user("why " * 99), *said("a"))],
        "in-evaluation": [
            talk("leak", *user(EVALUATION), *said("blue"), *user("sure?"), *said("yes")),
            talk("leak-case", *user("which COLOUR\nis the sky"), *said("a")),
        ],
        "duplicate-row": [talk("again", *user("question 0"), *said("answer 0"), *user("and?"), *said("more"))],
        "truncated": [talk("cut", *user("tell"), *said("a" + "w " * 99))],
    },
)
DOCUMENTS = planted(
    "documents",
    [{"id": f"good-{n}", "text": f"Page {n} tells of number {n}.", "source": "web"} for n in range(200)],
    {
        "empty-text": [{"id": "blank", "text": " \n\t", "source": "web"}],
        "in-evaluation": [{"id": "leak", "text": "The  SKY is\nblue.", "source": "web"}],
        "duplicate-row": [{"id": "again", "text": "Page 0 tells of number 0.", "source": "web"}],
        "not-in-mixture": [{"id": "elsewhere", "text": "Of another source.", "source": "mail"}],
    },
)


class Numbers:
    """Checks whole numbers, and says of any other reference that it cannot be checked."""

    def verdicts(self, verifiers: Sequence[str], references: Sequence[str], answers: Sequence[str]) -> list[Verdict]:
        return ["right" if one == other else "wrong" for one, other in zip(references, answers, strict=True)]

    def problems(self, verifiers: Sequence[str], references: Sequence[str]) -> list[str]:
        return ["" if one.isdecimal() else f"{one!r} is no number" for one in references]


class Place:
    """A store with a tiny model whose template refuses tools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = store_at(folder / "store")
        self.plain = tiny_folder(folder / "plain")
        self.model = self.adapted("tiny", "{%- for", NO_TOOLS + "{%- for")
        self.against = self.freeze("evaluation@1.0.0", "prompts", [{"id": "e", "prompt": user(EVALUATION)}])

    def adapted(self, name: str, old: str, new: str) -> DatasetVersion:
        """The tiny model with a part of its chat template replaced, as the version NAME@1.0.0."""
        source = self.folder / name
        shutil.copytree(self.plain, source)
        template = source / "chat_template.jinja"
        text = template.read_text(encoding="utf-8")
        assert old in text
        template.write_text(text.replace(old, new, 1), encoding="utf-8")
        step = Step("adopt", AdoptModel.of(str(source), license="CC0-1.0", source="made for a test"))
        self.store.run(step)
        return freeze(self.store, step, f"{name}@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})

    def freeze(self, ref: str, kind: str, rows: Iterable[Mapping[str, Any]]) -> DatasetVersion:
        return frozen(self.store, ref, kind, rows, self.folder)

    def look(self, op: Trainer, out: Path, **sources: DatasetVersion) -> Preflight:
        step = training(op, **sources)
        tables = [one.table for one in step.inputs if isinstance(one, DatasetVersion)]
        tools = (Machine(device="cpu"), Numbers())
        with opened(step.op.roles, tables, tools) as inputs:  # type: ignore[attr-defined]
            report: Preflight = step.op.prepare(inputs, out)  # type: ignore[attr-defined]
            return report
