"""How well `synth.refusals` finds refusals, and how its weights come about.

    python -m benchmarks.refusal_tagger --data FOLDER [--write FILE]

FOLDER holds the public test data. Truth are the labels that two people gave answers of five models to prompts of XSTest
(`safety/xstest_completions`, CC BY 4.0). Measured twice: in ten folds by prompt, so that no prompt is in both training
and test, and with each model's answers held out in turn. Ordinary answers (GSM8K solutions, self-instruct seeds,
rasbt's instructions; MIT, Apache-2.0) are added to training as no refusals, in their own folds; answers that people
wrote in dolly and Open Assistant are only tested on. `--write` trains on all but these two and writes the weights.
"""

import argparse
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import zstandard

from synth.refusals import BUCKETS, TAGS, Model, features, scores
from synth.share import share

FOLDS = 10
LABELS = {"1_full_compliance": 0, "2_full_refusal": 1, "3_partial_refusal": 2}
RIDGE = 1e-4
ROUNDS = 400
GRAIN = 8000  # steps of a weight on either side of zero
ORDINARY_WEIGHT = 0.05  # of an ordinary answer in training
PARTIAL_WEIGHT = 2.0  # there are few of them

Floats = npt.NDArray[np.float64]


class Example(NamedTuple):
    text: str
    label: int
    group: str  # all of a group lie in the same fold
    model: str


def lines(data: Path, name: str) -> list[dict[str, Any]]:
    with (data / f"{name}.jsonl.zst").open("rb") as file:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for line in text]


def labelled(data: Path) -> list[Example]:
    return [
        Example(row["completion"], LABELS[row["final_label"]], row["prompt"], row["model"])
        for row in lines(data, "safety/xstest_completions")
    ]


def ordinary(data: Path) -> list[Example]:
    """Answers that refuse nothing."""
    solutions = [row["answer"] for row in lines(data, "reasoning/gsm8k_train")[:400]]
    seeds = [one["output"] for row in lines(data, "sft/self_instruct_seed_tasks") for one in row["instances"]]
    short = [row["output"] for row in lines(data, "sft/rasbt_instructions")[:600]]
    return [Example(text, 0, text, "") for text in (*solutions, *seeds, *short) if text.strip()]


def strangers(data: Path) -> dict[str, list[str]]:
    """Answers of people that are never trained on; hardly one of them refuses."""
    return {
        "dolly": [row["response"] for row in lines(data, "sft/dolly_human_subset")],
        "Open Assistant": [
            row["text"] for row in lines(data, "sft/open_assistant_human_threads") if row["role"] == "assistant"
        ],
        "GSM8K, other rows": [row["answer"] for row in lines(data, "reasoning/gsm8k_train")[4000:5000]],
    }


def matrix(examples: Sequence[Example]) -> npt.NDArray[np.float32]:
    """A row per example: 1 / sqrt(n) in each of its n buckets."""
    found = np.zeros((len(examples), BUCKETS), dtype=np.float32)
    for row, example in enumerate(examples):
        buckets = features(example.text)
        found[row, buckets] = 1 / np.sqrt(max(buckets.size, 1))
    return found


def train(rows: npt.NDArray[np.float32], alike: npt.NDArray[np.float32], examples: Sequence[Example]) -> Model:
    """Softmax regression with ridge penalty by accelerated gradient descent, worked out between examples (its dual).

    `alike` holds the products of all pairs of rows, at most 1, so the slope changes by at most half the step.
    """
    labels = np.array([one.label for one in examples])
    truth = np.eye(len(TAGS))[labels]
    share_of = np.where(labels == 2, PARTIAL_WEIGHT, 1.0) * np.array(
        [1.0 if e.model else ORDINARY_WEIGHT for e in examples]
    )
    share_of /= share_of.sum()
    dual, ahead, bias = np.zeros_like(truth), np.zeros_like(truth), np.zeros(len(TAGS))
    step = 1.0 / (0.5 + RIDGE)
    for number in range(ROUNDS):
        guess = softmax(alike @ ahead.astype(np.float32) + bias)
        slope = (guess - truth) * share_of[:, None]
        new = ahead - step * (slope + RIDGE * ahead)
        bias = bias - step * slope.sum(axis=0)
        ahead = new + number / (number + 3) * (new - dual)
        dual = new
    weights = (rows.T @ dual.astype(np.float32)).astype(np.float64)
    scale = float(np.abs(weights).max()) / GRAIN
    return Model(np.round(weights / scale).astype(np.int16), bias, scale, "")


def softmax(values: Floats) -> Floats:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fold(group: str) -> int:
    return hashlib.sha256(group.encode()).digest()[0] % FOLDS


def held_out(
    examples: Sequence[Example],
    rows: npt.NDArray[np.float32],
    alike: npt.NDArray[np.float32],
    part: Callable[[Example], object],
) -> list[tuple[Example, int]]:
    """Every labelled example with the tag of a model that saw none of its part."""
    found = []
    for name in sorted({part(one) for one in examples if one.model}, key=str):
        seen = [n for n, one in enumerate(examples) if part(one) != name]
        model = train(rows[seen], alike[np.ix_(seen, seen)], [examples[n] for n in seen])
        found += [(one, int(np.argmax(scores(one.text, model)))) for one in examples if part(one) == name]
    return found


def told(name: str, found: Sequence[tuple[Example, int]]) -> None:
    print(f"\n{name}: {len(found)} answers")
    table = np.zeros((3, 3), dtype=int)
    for one, tag in found:
        table[one.label, tag] += 1
    print("label \\ tag  " + "".join(f"{tag:>9}" for tag in TAGS))
    for name_of, row in zip(TAGS, table, strict=True):
        print(f"{name_of:<11}  " + "".join(f"{many:>9}" for many in row))
    for title, hits in (("full", {1}), ("partial", {2}), ("full or partial", {1, 2}), ("none", {0})):
        both = sum(one.label in hits and tag in hits for one, tag in found)
        precision = share(both, sum(tag in hits for _, tag in found))
        recall = share(both, sum(one.label in hits for one, _ in found))
        print(f"  {title:<16} precision {shown(precision)}  recall {shown(recall)}")
    print(f"  accuracy {shown(share(sum(one.label == tag for one, tag in found), len(found)))}")


def shown(triple: list[float] | None) -> str:
    return "-" if triple is None else "{:.3f} ({:.3f} to {:.3f})".format(*triple)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    real, plain = labelled(asked.data), ordinary(asked.data)
    examples = [*real, *plain]
    rows = matrix(examples)
    alike = rows @ rows.T
    by_prompt = held_out(examples, rows, alike, lambda one: fold(one.group))
    told("ten folds by prompt, XSTest", [pair for pair in by_prompt if pair[0].model])
    told("ten folds by text, ordinary answers", [pair for pair in by_prompt if not pair[0].model])
    by_model = held_out(examples, rows, alike, lambda one: one.model or "ordinary")
    by_model = [pair for pair in by_model if pair[0].model]
    told("each model held out in turn", by_model)
    for name in sorted({one.model for one in real}):
        told(f"held out: {name}", [pair for pair in by_model if pair[0].model == name])
    model = train(rows, alike, examples)
    for name, texts in strangers(asked.data).items():
        tags = [int(np.argmax(scores(text, model))) for text in texts]
        counts = ", ".join(f"{tag} {tags.count(n)}" for n, tag in enumerate(TAGS))
        print(f"\n{name}, never trained on: {counts}")
        for text, tag in zip(texts, tags, strict=True):
            if tag:
                print(f"  {TAGS[tag]}: {text[:120]!r}")
    if asked.write:
        np.savez_compressed(asked.write, weights=model.weights, bias=model.bias, scale=np.float64(model.scale))
        print(f"\nwrote {asked.write}, {asked.write.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
