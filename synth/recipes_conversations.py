"""Recipes by which a model writes prompts, texts and conversations out of rows."""

from pathlib import Path
from typing import Literal, get_args

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .drawing import drawn
from .evolve import DEPTH, Evolve
from .prompt import prompts as read_prompts
from .reason import FORMS, PLAIN, Reason
from .rephrase import STYLES, Rephrase, Style
from .safety import Safety
from .simulate import Simulate, read_personas
from .variety import gated
from .verify.verifiers import VERIFIERS


def evolve(
    rows: DatasetVersion,
    model: str,
    rounds: int = 4,
    how: Literal["both", "depth", "breadth"] = "both",
    give: Literal["prompts", "conversations"] = "prompts",
    ask_gain: bool = True,
    max_likeness: float = 0.9,
    max_characters: int = 8000,
    model_revision: str | None = None,
    temperature: float = 0.7,
    top_p: float = 1.0,
    max_tokens: int = 2048,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
    against: list[DatasetVersion] | None = None,
    max_self_similarity: float = 1.0,
    seed: int = 0,
) -> Step:
    """A model makes prompts harder or different, round by round: prompts, or conversations with an answer to each.

    Args:
        rows: a version of prompts, or of conversations, whose last answer is left aside.
        how: depth makes them harder in five ways, breadth makes others of their kind, both draws from all six.
        ask_gain: ask the model each time whether the new prompt asks for more; one request more.
        max_likeness: the share of pairs of words that a new prompt may have in common with the one before.
        model_revision, temperature, top_p, max_tokens, extra: how the model draws; see `synth.llm.llm.Sampling`.
        prompts: a folder with files such as deepen.txt to use instead of the shipped ones.
        max_unreadable: the share of answers of no use that is put up with.
        against, max_self_similarity: see `variety`.
        seed: of the draw of what is done with a row in a round.
    """
    op = Evolve(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra),
        **read_prompts(prompts, "evolve", *DEPTH, "breadth", "gain"),
        rounds=rounds,
        how=how,
        give=give,
        ask_gain=ask_gain,
        max_likeness=max_likeness,
        max_characters=max_characters,
        seed=seed,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("evolve", Step("evolve/evolve", op, (rows,)), against, 0.0, max_self_similarity)


def rephrase(
    rows: DatasetVersion,
    model: str,
    styles: list[str] | None = None,
    samples: int = 1,
    characters: int = 2000,
    min_names: float = 0.8,
    ask_same: bool = True,
    model_revision: str | None = None,
    temperature: float = 0.7,
    top_p: float = 1.0,
    max_tokens: int = 2048,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
    against: list[DatasetVersion] | None = None,
    max_self_similarity: float = 1.0,
) -> Step:
    """A model puts documents, prompts, or the prompts of conversations into other words, checked to mean the same.

    Args:
        rows: a version of documents, prompts or conversations; what comes out is of the same kind.
        styles: of documents: easy, medium, hard, qa; without any, medium.
        samples: of each style, and of each prompt; more than one takes a temperature above 0.
        characters: of the pieces that documents are cut into.
        min_names: the share of names that must still be there.
        ask_same: ask the model each time whether it means the same; one request more.
        model_revision, temperature, top_p, max_tokens, extra, max_unreadable: as in `evolve`.
        prompts: a folder with files such as easy.txt, prompt.txt or same.txt to use instead of the shipped ones.
    """
    if rows.kind not in ("documents", "prompts", "conversations"):
        raise Misuse(f"rephrase works on documents, prompts and conversations; {rows.ref} holds {rows.kind}")
    found = read_prompts(prompts, "rephrase", *STYLES, "prompt", "same")
    op = Rephrase(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra),
        easy=found["easy"],
        medium=found["medium"],
        hard=found["hard"],
        qa=found["qa"],
        prompt=found["prompt"],
        same=found["same"],
        of=rows.kind,  # type: ignore[arg-type]
        styles=_styles(styles or ["medium"]),
        samples=samples,
        characters=characters,
        min_names=min_names,
        ask_same=ask_same,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("rephrase", Step("rephrase/rephrase", op, (rows,)), against, 0.0, max_self_similarity)


def simulate(
    rows: DatasetVersion,
    model: str,
    person: str | None = None,
    personas: Path | None = None,
    system: Path | None = None,
    turns: int = 4,
    min_turns: int = 2,
    model_revision: str | None = None,
    temperature: float = 0.7,
    person_temperature: float = 1.0,
    top_p: float = 1.0,
    max_tokens: int = 1024,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
    against: list[DatasetVersion] | None = None,
    max_self_similarity: float = 1.0,
    seed: int = 0,
) -> Step:
    """Two models talk, one as a person and one as the assistant: conversations.

    Args:
        rows: a version of prompts or conversations, which open the talks, or of documents, from which people are made.
        person: the model that plays the person; without one, `model`.
        personas: a text file with a description of a person on each line; without one, the shipped list.
        system: a text file that the assistant, and nobody else, is told where a row has no system message of its own.
        turns, min_turns: messages of the person.
        model_revision, temperature, top_p, max_tokens, extra: of the assistant; the revision and extra fields of the
            person's are the same where the model is.
        prompts: a folder with a persona.txt, open.txt or next.txt to use instead of the shipped ones.
        max_unreadable, seed: as in `evolve`; the seed draws the people.
    """
    same = person is None or person == model
    found = read_prompts(prompts, "simulate", "persona", "open", "next")
    op = Simulate(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra),
        person=drawn(
            person or model,
            model_revision if same else None,
            person_temperature,
            1.0,
            max_tokens,
            extra if same else None,
        ),
        persona=found["persona"],
        open=found["open"],
        next=found["next"],
        personas=read_personas(personas),
        system=_text(system),
        turns=turns,
        min_turns=min_turns,
        seed=seed,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("simulate", Step("simulate/simulate", op, (rows,)), against, 0.0, max_self_similarity)


def reason(
    rows: DatasetVersion,
    model: str,
    samples: int = 4,
    keep: int = 4,
    hints: int = 0,
    verifier: str | None = None,
    give: Literal["conversations", "verifiable"] = "conversations",
    min_pass: float = 0.0,
    max_pass: float = 1.0,
    max_likeness: float = 0.9,
    model_revision: str | None = None,
    temperature: float = 0.7,
    top_p: float = 1.0,
    max_tokens: int = 2048,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
    against: list[DatasetVersion] | None = None,
    max_self_similarity: float = 1.0,
) -> Step:
    """A model solves problems several times and a verifier keeps what is right: conversations, or pass rates.

    Args:
        rows: a version of verifiable rows.
        samples: solutions asked for per problem.
        keep: different right solutions that are kept per problem.
        hints: solutions asked for with the answer told, where no sample was right; not with give=verifiable.
        verifier: of rows that name none; see docs/verify.md.
        give: verifiable gives the problems with what came of their samples, and keeps those with a pass rate from
            `min_pass` to `max_pass`.
        model_revision, temperature, top_p, max_tokens, extra, max_unreadable: as in `evolve`.
        prompts: a folder with files such as hashes.txt, boxed.txt or hint.txt to use instead of the shipped ones.
    """
    if verifier is not None and verifier not in VERIFIERS:
        raise Misuse(f"verifier={verifier} is none; there are {', '.join(VERIFIERS)}")
    op = Reason(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra),
        **read_prompts(prompts, "reason", *dict.fromkeys(FORMS.values()), PLAIN, "hint"),
        samples=samples,
        keep=keep,
        hints=hints,
        verifier=verifier,
        give=give,
        min_pass=min_pass,
        max_pass=max_pass,
        max_likeness=max_likeness,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("reason", Step("reason/reason", op, (rows,)), against, 0.0, max_self_similarity)


def safety(
    rows: DatasetVersion,
    model: str,
    label: str = "label",
    harmful: list[str] | None = None,
    harmless: list[str] | None = None,
    check: Literal["both", "tagger", "model"] = "both",
    max_refusal_words: int = 150,
    model_revision: str | None = None,
    temperature: float = 0.7,
    top_p: float = 1.0,
    max_tokens: int = 1024,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
    against: list[DatasetVersion] | None = None,
    max_self_similarity: float = 1.0,
) -> Step:
    """A model declines harmful requests and answers harmless ones that look harmful: conversations.

    Args:
        rows: a version of prompts or conversations that say which they are.
        label: where they say it: a key of their metadata.
        harmful, harmless: what they say; without any, harmful or unsafe, and harmless or safe.
        check: who says whether an answer is a refusal: the tagger, the model itself, or both, which then must agree.
        model_revision, temperature, top_p, max_tokens, extra, max_unreadable: as in `evolve`.
        prompts: a folder with a decline.txt, answer.txt or check.txt to use instead of the shipped ones.
    """
    found = read_prompts(prompts, "safety", "decline", "answer", "check")
    op = Safety(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra),
        decline=found["decline"],
        answer=found["answer"],
        check_prompt=found["check"],
        label=label,
        harmful=tuple(harmful or ("harmful", "unsafe")),
        harmless=tuple(harmless or ("harmless", "safe")),
        check=check,
        max_refusal_words=max_refusal_words,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("safety", Step("safety/safety", op, (rows,)), against, 0.0, max_self_similarity)


def _styles(names: list[str]) -> tuple[Style, ...]:
    known = {str(style): style for style in get_args(Style)}
    if unknown := [name for name in names if name not in known]:
        raise Misuse(f"styles={','.join(unknown)}: there are {', '.join(known)}")
    return tuple(dict.fromkeys(known[name] for name in names))


def _text(path: Path | None) -> str | None:
    """What stands in a text file."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"{path} cannot be read as text: {error}") from error
