"""Recipes that make prompts, questions and answers, and that measure how varied rows are."""

from pathlib import Path
from typing import Literal

from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .answered import Answered
from .drawing import drawn
from .ground import Ground
from .instruction import Limits
from .prompt import prompts as read_prompts
from .self_instruct import Draft, Gather
from .teach import Teach
from .variety import Variety, gated


def self_instruct(
    rows: DatasetVersion,
    model: str,
    rounds: int = 3,
    requests: int = 100,
    new: int = 8,
    human: int = 6,
    generated: int = 2,
    max_rouge: float = 0.7,
    min_words: int = 4,
    max_words: int = 150,
    language: Literal["any", "en"] = "any",
    media: bool = False,
    give: Literal["prompts", "conversations"] = "prompts",
    against: list[DatasetVersion] | None = None,
    min_distinct: float = 0.0,
    max_self_similarity: float = 0.5,
    model_revision: str | None = None,
    temperature: float = 1.0,
    top_p: float = 1.0,
    max_tokens: int = 2048,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
    seed: int = 0,
) -> Step:
    """From some tasks that people wrote, many new ones, each unlike all before it: prompts, or conversations.

    Args:
        rows: a version of prompts or conversations: the seeds, 175 in the paper.
        rounds: each shows what the rounds before have made; a round that was done is not done again for more rounds.
        requests: questions in each round.
        new: tasks that each question asks for.
        human, generated: tasks that each question shows, of the seeds and of the rounds before.
        max_rouge: ROUGE-L F from which a task is too similar to a seed or to one before it.
        min_words, max_words: of a task.
        language: en leaves out what does not look English.
        media: true keeps tasks that speak of pictures, graphs, files and the like.
        give: conversations have the model's answers.
        against: versions that rows are compared with, as evaluations; overlap is reported, and nothing is dropped.
        min_distinct, max_self_similarity: where distinct-2 is lower, or the share of near-duplicates higher, the run
            stops before it pays for answers.
        model_revision, temperature, top_p, max_tokens, extra: how the model draws; see `synth.llm.llm.Sampling`.
        prompts: a folder with a draft.txt to use instead of the shipped one.
        max_unreadable: the share of answers of no use that is put up with.
        seed: of what is shown; another one gives other requests.
    """
    if rounds < 1:
        raise ValueError(f"rounds={rounds}: at least one")
    sampling = drawn(model, model_revision, temperature, top_p, max_tokens, extra)
    prompt = read_prompts(prompts, "self_instruct", "draft")["draft"]
    limits = Limits(min_words=min_words, max_words=max_words, language=language, media=media)
    steps: list[Step] = []
    for number in range(1, rounds + 1):
        op = Draft(
            sampling=sampling,
            prompt=prompt,
            limits=limits,
            round=number,
            requests=requests,
            new=new,
            human=human,
            generated=generated,
            max_rouge=max_rouge,
            seed=seed,
            max_unreadable=max_unreadable,
        )
        steps.append(Step(f"self-instruct/round-{number}", op, (rows, *steps)))
    license, source = rows.json["license"], rows.json.get("source")
    made = Step("self-instruct/gather", Gather(prompt=prompt, license=license, source=source), tuple(steps))
    made = gated("self-instruct", made, against, min_distinct, max_self_similarity)
    if give == "prompts":
        return made
    teach = Teach(sampling=sampling, max_unreadable=max_unreadable, license=license, source=source)
    return Step("self-instruct/answers", Answered(teach=teach), (made,))


def ground(
    rows: DatasetVersion,
    model: str,
    questions: int = 3,
    characters: int = 6000,
    max_windows: int = 4,
    names: bool = True,
    context: Literal["none", "passage"] = "none",
    roundtrip: bool = False,
    agree: float = 0.5,
    give: Literal["conversations", "prompts"] = "conversations",
    against: list[DatasetVersion] | None = None,
    min_distinct: float = 0.0,
    max_self_similarity: float = 0.5,
    model_revision: str | None = None,
    temperature: float = 0.7,
    top_p: float = 1.0,
    max_tokens: int = 2048,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
) -> Step:
    """Questions and answers from documents, each answer with words that are checked to be in the document.

    Args:
        rows: a version of documents.
        questions: asked for of each window of a document.
        characters: the most of a window; it ends where a paragraph does, if it can.
        max_windows: of a document, spread over it; 0 takes all.
        names: false does not ask that names in an answer stand in the passage; for languages that capitalise nouns.
        context: passage puts the window in front of the question, as a system message.
        roundtrip: the model answers each question again, from the passage alone; pairs whose answers differ are left
            out. Costs a second request for each pair.
        agree: F1 of words from which two answers agree.
        against: versions that rows are compared with, as evaluations; overlap is reported, and nothing is dropped.
        min_distinct, max_self_similarity: where distinct-2 is lower, or the share of near-duplicates higher, the run
            fails.
        prompts: a folder with an ask.txt, answer.txt or context.txt to use instead of the shipped ones.
        model_revision, temperature, top_p, max_tokens, extra, max_unreadable: as in `self_instruct`.
    """
    found = read_prompts(prompts, "ground", "ask", "answer", "context")
    op = Ground(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra),
        ask=found["ask"],
        answer=found["answer"],
        shows=found["context"],
        questions=questions,
        characters=characters,
        max_windows=max_windows,
        names=names,
        context=context,
        roundtrip=roundtrip,
        agree=agree,
        give=give,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("ground", Step("ground/ask", op, (rows,)), against, min_distinct, max_self_similarity)


def variety(
    rows: DatasetVersion,
    against: list[DatasetVersion] | None = None,
    min_distinct: float = 0.0,
    max_self_similarity: float = 1.0,
    gate: Literal["all", "prompts", "answers"] = "all",
) -> Step:
    """How varied the rows of a version are, and what they share with others; the rows stay as they are.

    Args:
        rows: a version of any type.
        against: versions that rows are compared with, as evaluations; overlap is reported, and nothing is dropped.
        min_distinct: the run fails where distinct-2 is lower.
        max_self_similarity: it fails where more rows than this share have a near-duplicate.
        gate: what the two limits are about.
    """
    op = Variety(
        min_distinct=min_distinct,
        max_self_similarity=max_self_similarity,
        gate=gate,
        against=tuple(one.ref for one in against or []),
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return Step("variety/variety", op, (rows, *(against or [])))
