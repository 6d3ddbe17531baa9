"""The whole way from a corpus to an aligned model and its student, small, on data that every Python installation has.

Questions and answers are what functions of the standard library say about themselves: "What does json.dumps do?" and
the first paragraph of its docstring. A pair prefers an answer as it was written to the same words in another order, so
that nothing but their order tells the two apart. Nothing is fetched, and no module is imported.
"""

import ast
import json
import random
import sysconfig
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LEFT_OUT = ("site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "__pycache__")
MIN_WORDS, MAX_CHARACTERS = 5, 160
SEED = 20261121
SOURCE = "Docstrings of the standard library of one Python installation"
CHATS, PAIRS = 0.5, 0.9  # up to where questions go to demonstrations, and from there to pairs; the rest are prompts


def gather(folder: Path, most: int | None = None) -> None:
    """Write chats.jsonl, pairs.jsonl and prompts.jsonl into `folder`; no question is in two of them.

    Args:
        most: questions to take at most, drawn evenly; all if not given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(SEED)
    known = list(dict(_explained()).items())
    draw.shuffle(known)
    known = known[:most]
    one, two = int(len(known) * CHATS), int(len(known) * PAIRS)
    chats, pairs, prompts = known[:one], known[one:two], known[two:]
    _write(folder / "chats.jsonl", ({"messages": [_user(q), _assistant(a)]} for q, a in chats))
    _write(folder / "pairs.jsonl", (_pair(q, a, draw) for q, a in pairs))
    _write(folder / "prompts.jsonl", ({"prompt": [_user(q)]} for q, _ in prompts))


def commands(rows: Path, store: Path, share: float = 1.0) -> list[list[str]]:
    """The commands of the way, as a person would give them; the corpus python-docs@1.0.0 is there already.

    Args:
        rows: where `gather` wrote.
        store: a folder on this machine.
        share: of the steps of every stage; 1 takes some minutes on two cores.
    """
    given = ["--license", "PSF-2.0", "--source", SOURCE]
    adopted = [
        ["adopt", str(rows / f"{name}.jsonl"), "--kind", kind, "--as", f"demo-{name}@1.0.0", *given]
        for name, kind in (("chats", "conversations"), ("pairs", "preferences"), ("prompts", "prompts"))
    ]
    teacher = str(store / "versions" / "demo-sft" / "1.0.0")

    def run(recipe: str, name: str, *parameters: str, steps: int) -> list[str]:
        words = [*parameters, f"max_steps={max(2, round(share * steps))}"]
        return ["run", recipe, *(word for p in words for word in ("-p", p)), "--as", f"{name}@1.0.0"]

    asked = ["-p", "rows=demo-prompts@1.0.0", "-p", "model=demo-sft", "-p", "give=teacher", "-p", "max_tokens=96"]
    asked += ["-p", "temperature=0.7", "-p", "max_unreadable=0.9"]
    taught = ["run", "teach", *asked, "-p", "seed=0", "--llm", f"local:demo-sft={teacher}", "--as", "demo-taught@1.0.0"]
    begun, pairs = "model=demo-sft@1.0.0", "data=demo-pairs@1.0.0"
    small = ("tokenizer=demo-base@1.0.0", "hidden=64", "layers=2")
    return [
        *adopted,
        run("pretrain", "demo-base", "data=python-docs@1.0.0", "batch_size=8", steps=250),
        run("sft", "demo-sft", "data=demo-chats@1.0.0", "model=demo-base@1.0.0", "learning_rate=1e-3", steps=200),
        run("reward", "demo-reward", pairs, begun, "learning_rate=3e-4", steps=120),
        run("dpo", "demo-dpo", pairs, begun, "learning_rate=1e-4", "sft_weight=1", steps=80),
        run(
            "ppo",
            "demo-ppo",
            *("data=demo-prompts@1.0.0", begun, "reward=demo-reward@1.0.0", "learning_rate=3e-4", "max_new=32"),
            steps=30,
        ),
        taught,
        run("pretrain", "demo-small", "data=python-docs@1.0.0", *small, "batch_size=8", steps=100),
        run(
            "distill",
            "demo-student",
            "data=demo-taught@1.0.0",
            "model=demo-small@1.0.0",
            *("learning_rate=1e-3", "held_out_share=0.2"),
            steps=150,
        ),
    ]


def _pair(question: str, answer: str, draw: random.Random) -> dict[str, Any]:
    """An answer, and its words in another order."""
    words = answer.split()
    while " ".join(words) == answer:
        draw.shuffle(words)
    return {"prompt": [_user(question)], "chosen": [_assistant(answer)], "rejected": [_assistant(" ".join(words))]}


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _explained() -> Iterator[tuple[str, str]]:
    """Questions about functions and classes of the standard library, and what their docstrings begin with."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if any(part in LEFT_OUT for part in place.parts):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # old escapes in other people's source are not our business
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # templates
            continue
        module = ".".join(part for part in place.with_suffix("").parts if part != "__init__")
        for name, node in _named(tree):
            first = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
            if len(first.split()) >= MIN_WORDS and len(set(first.split())) > 1 and len(first) <= MAX_CHARACTERS:
                yield f"What does {module}.{name} do?", first


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def _write(path: Path, rows: Iterator[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
