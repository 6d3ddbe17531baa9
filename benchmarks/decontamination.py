"""How much of what is planted decontamination finds, what else it drops, and at what cost, beside datatrove's.

    python -m benchmarks.decontamination --data FOLDER [--show 5]

FOLDER holds the public test data. Prints recall on planted items by kind and by similarity, the rows of real sets that
are dropped for items of other sets (`--show` lists some, to be read), and CPU seconds, ours and datatrove's in turn.
"""

import argparse
import io
import json
import random
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import xxhash
import zstandard
from datatrove.data import Document
from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter
from datatrove.utils.text import ngrams, simplify_text

from curation.decontaminate import planted
from curation.decontaminate.items import Looking, gather, hash_all, load, table_of
from curation.decontaminate.search import Search
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.table import Part, Table, write_parquet

LIMIT = 0.5
SETTINGS = ((5, 10, 0.5), (8, 8, 0.5), (8, 10, 0.3), (8, 10, 0.5), (8, 10, 0.7), (8, 13, 0.5), (13, 13, 0.5))
BOTH_BYTES = 6_000_000  # larger sets are not given to datatrove, for its time
PAIRED = ("gsm8k", "svamp", "math", "mbpp", "ifeval", "user-oriented")
Found = Callable[[Sequence[str]], list[bool]]


def lines(data: Path, name: str) -> list[dict[str, Any]]:
    with zstandard.open(data / f"{name}.jsonl.zst", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def evaluations(data: Path) -> dict[str, list[tuple[str, str]]]:
    """Questions and answers of sets that people evaluate with. Of gsm8k every fifteenth row stands for a test set."""
    user = lines(data, "sft/self_instruct_user_oriented_eval")
    return {
        "gsm8k": [(r["question"], r["answer"]) for r in lines(data, "reasoning/gsm8k_train")[::15]],
        "svamp": [(f"{r['Body']}. {r['Question']}", r["Equation"]) for r in lines(data, "reasoning/svamp")],
        "aqua": [(r["question"], r["rationale"]) for r in lines(data, "reasoning/aqua_dev")],
        "math": [(r["problem"], r["solution"]) for r in lines(data, "reasoning/math_competition")],
        "mbpp": [(r["text"], r["code"]) for r in lines(data, "reasoning/mbpp")],
        "ifeval": [(r["prompt"], "") for r in lines(data, "sft/ifeval_verifiable_instructions")],
        "user-oriented": [
            (f"{r['instruction']}\n{r['instances'][0]['input']}", r["instances"][0]["output"]) for r in user
        ],
    }


def rows(data: Path) -> dict[str, list[str]]:
    """Sets to clean, each row as one text; none of them holds an evaluation set on purpose but alpaca_eval."""
    found = {"gsm8k, other rows": [said(r) for n, r in enumerate(lines(data, "reasoning/gsm8k_train")) if n % 15]}
    for name in ("dolly_human_subset", "gpteacher", "rasbt_instructions", "t0_p3_sample", "self_instruct_seed_tasks"):
        found[name] = [said(r) for r in lines(data, f"sft/{name}")]
    found["alpaca_eval_gpt4_judged"] = [r["instruction"] for r in lines(data, "preference/alpaca_eval_gpt4_judged")]
    found["hh_rlhf_helpful"] = [said(r) for r in lines(data, "preference/hh_rlhf_helpful")]
    for name in ("python_peps", "rust_rfcs", "spamassassin_emails", "clickbait_headlines"):
        found[name] = [said(r) for r in lines(data, f"quality/{name}")]
    return {**found, "wikitext2": wikitext(data), "movie_reviews": reviews(data)}


def said(value: Any) -> str:
    if isinstance(value, Mapping):
        value = list(value.values())
    return "\n".join(map(said, value)) if isinstance(value, list) else value if isinstance(value, str) else ""


def wikitext(data: Path) -> list[str]:
    with zstandard.open(data / "quality" / "wikitext2_valid.txt.zst", "rt", encoding="utf-8") as file:
        return file.read().split("\n \n")


def reviews(data: Path) -> list[str]:
    with zipfile.ZipFile(io.BytesIO((data / "quality" / "nltk_movie_reviews.zip").read_bytes())) as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")]
        return [archive.read(name).decode("latin-1") for name in names]


def ours(
    sets: Sequence[Sequence[tuple[str, str]]], ngram: int = 8, min_words: int = 10, limit: float = LIMIT
) -> tuple[Search, pl.DataFrame]:
    """A search for the questions and answers of the sets, and its items."""
    looking = Looking(ngram=ngram, min_item_words=8, max_items=10, fields=())
    job = Job((), Folder.at(f"memory://{uuid.uuid4().hex}"))
    tables = []
    for number, pairs in enumerate(sets):
        asked = [[{"role": "user", "content": question}] for question, _ in pairs]
        answers = [answer for _, answer in pairs]
        frame = pl.DataFrame({"id": [str(n) for n in range(len(pairs))], "prompt": asked, "answer": answers})
        tables.append(Table(job.folder, (Part(f"{number}", write_parquet(job.folder, f"{number}", [frame])),)))
    gather(looking, tables, job, 0)
    index = load(looking, table_of(job), job.fact(0)["digest"])
    return Search(index=index, ngram=ngram, min_words=min_words, max_overlap=limit), table_of(job).collect()


def found_by(search: Search) -> Found:
    return lambda texts: (search.shares(pl.Series(texts), search.nothing_found())[1] > search.max_overlap).tolist()


def theirs(pairs: Sequence[tuple[str, str]], where: Path) -> Found:
    """datatrove's filter at its defaults (12-grams, one is enough), questions included.

    Its indexer asks for lighteval, which looks for its tasks online, so the same hashes are written here. Its hash
    takes text, which the xxhash of today refuses; it is given the bytes.
    """
    where.mkdir(parents=True, exist_ok=True)
    config = NGramsDecontConfig(find_query_ngrams=True)
    one = NGramsDecontFilter(str(where), config)
    one.hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())
    hashes: set[int] = set()
    for question, answer in pairs:
        split = [one.tokenizer.word_tokenize(simplify_text(text, config.norm_config)) for text in (question, answer)]
        both = [*split, split[0][-config.n_grams + 1 :] + split[1][: config.n_grams - 1]]
        hashes |= {one.hash_func(" ".join(gram)) for words in both for gram in ngrams(words, config.n_grams)}
    np.array(sorted(hashes), dtype=config.hash_config.np_descr).tofile(str(where / "sets.index.hashes"))
    return lambda texts: [one.filter(Document(text=text, id="")) is not True for text in texts]


def similarity(one: str, other: str) -> float:
    """Jaccard index of the sets of word 8-grams."""
    sets = []
    for text in (one, other):
        words = hash_all(pl.Series([text]))[0].tolist()
        sets.append({tuple(words[at : at + 8]) for at in range(max(1, len(words) - 7))})
    return len(sets[0] & sets[1]) / max(1, len(sets[0] | sets[1]))


def plants(items: Sequence[str], carriers: Sequence[str]) -> Iterator[tuple[str, list[str], float]]:
    """By kind: the planted texts, and the mean similarity of the planted item to the item."""
    rng = random.Random(20261121)
    spread = [carriers[number % len(carriers)] for number in range(len(items))]
    for label, plant in [*planted.PLANTS.items(), ("control: words in another order", planted.shuffled)]:
        texts = [plant(item, carrier, rng) for item, carrier in zip(items, spread, strict=True)]
        alone = [plant(item, "", rng) for item in items[:100]]
        yield label, texts, float(np.mean([similarity(*pair) for pair in zip(items[:100], alone, strict=True)]))
    vocabulary = sorted({word for carrier in carriers for word in carrier.split() if word.isalpha()})
    for every in (40, 20, 10, 8, 6, 5):
        changed = [substituted(item, every, vocabulary, rng) for item in items]
        jaccard = float(np.mean([similarity(*pair) for pair in zip(items[:200], changed[:200], strict=True)]))
        texts = [f"{carrier}\n\n{item}" for carrier, item in zip(spread, changed, strict=True)]
        yield f"each word replaced with chance 1 in {every}", texts, jaccard


def substituted(item: str, every: int, vocabulary: Sequence[str], rng: random.Random) -> str:
    return " ".join(rng.choice(vocabulary) if rng.random() < 1 / every else word for word in item.split())


def recall(data: Path, where: Path) -> None:
    sets, carriers = evaluations(data), [text[:2000] for text in wikitext(data) if len(text) > 200]
    items = [question for question, _ in sets["gsm8k"]]
    search, _ = ours([sets["gsm8k"]])
    other = theirs(sets["gsm8k"], where)
    print(f"\n{len(items)} questions of gsm8k planted into wikitext paragraphs\n")
    print("| planted | J of 8-grams | found | by datatrove |\n|---|---|---|---|")
    for label, texts, jaccard in plants(items, carriers):
        mine, datatrove = np.mean(found_by(search)(texts)), np.mean(other(texts))
        print(f"| {label} | {jaccard:.2f} | {mine:.3f} | {datatrove:.3f} |")
    for name, found in (("ours", found_by(search)), ("datatrove", other)):
        print(f"wikitext paragraphs without plants that {name} drops: {sum(found(carriers))} of {len(carriers)}")


def natural(data: Path) -> None:
    """alpaca_eval holds the user-oriented set on purpose, and says in which rows a prompt comes from self-instruct."""
    judged = lines(data, "preference/alpaca_eval_gpt4_judged")
    pairs = evaluations(data)["user-oriented"]
    begins = {question.strip()[:40].lower() for question, _ in pairs}
    held = np.array([row["instruction"][:40].lower() in begins for row in judged])
    source = np.array([row["dataset"] == "selfinstruct" for row in judged])
    found = np.array(found_by(ours([pairs])[0])([row["instruction"] for row in judged]))
    print(
        f"\nalpaca_eval: {held.sum():,} prompts begin like one of user-oriented, {(held & found).sum():,} are found; ",
        end="",
    )
    print(f"of {(~source).sum():,} prompts of other origin {(~source & found).sum()} are dropped")


def settings(data: Path) -> None:
    """Recall of the two hard kinds, and what is dropped of sets that hold no items on purpose."""
    sets, sources = evaluations(data), rows(data)
    carriers = [text[:2000] for text in wikitext(data) if len(text) > 200]
    sources.pop("alpaca_eval_gpt4_judged")
    print("\n| ngram, min_words, max_overlap | first 60 % / 1 in 15 replaced | dropped of other sets |\n|---|---|---|")
    for ngram, min_words, limit in SETTINGS:
        shown = []
        for name in PAIRED:
            search, items = ours([sets[name]], ngram, min_words, limit)
            chosen = [text for text, own in zip(items["text"], search.index.own, strict=True) if own][:300]
            rng, found = random.Random(1), found_by(search)
            hits = [
                np.mean(found([plant(item, carriers[n % 500], rng) for n, item in enumerate(chosen)]))
                for plant in (planted.truncated, planted.replaced)
            ]
            shown.append(f"{name} {hits[0]:.2f} / {hits[1]:.2f}")
        search, _ = ours(list(sets.values()), ngram, min_words, limit)
        drops = {name: sum(found_by(search)(texts)) for name, texts in sources.items()}
        shown_drops = ", ".join(f"{name} {n}" for name, n in drops.items() if n)
        print(f"| {ngram}, {min_words}, {limit} | {'; '.join(shown)} | {shown_drops} |")


def false_positives(data: Path, show: int, where: Path) -> None:
    sets = evaluations(data)
    search, items = ours(list(sets.values()))
    other = theirs([pair for pairs in sets.values() for pair in pairs], where)
    names = list(sets)
    print(f"\nrows that hold items of {', '.join(names)} ({len(items):,} texts)\n")
    print("| rows of | rows | dropped | by datatrove |\n|---|---|---|---|")
    listed = []
    for name, texts in rows(data).items():
        best, shares = search.shares(pl.Series(texts), search.nothing_found())
        hits = np.flatnonzero(shares > LIMIT)
        small = sum(map(len, texts)) < BOTH_BYTES
        print(
            f"| {name} | {len(texts):,} | {len(hits):,} | {f'{sum(other(texts)):,}' if small else 'not run'} |",
            flush=True,
        )
        for at in hits[:show]:
            item = items.row(int(best[at]), named=True)
            about = f"{shares[at]:.2f} of {names[item['evaluation']]} {item['field']}"
            listed.append(f"{name}: {about} {item['text'][:200]!r}\n    in {texts[at][:300]!r}")
    print("\n" + "\n".join(listed))


def cost(data: Path, where: Path) -> None:
    """CPU seconds per GB, the two in turn on pieces of the same documents; ours also on all of them."""
    pairs = [pair for one in evaluations(data).values() for pair in one]
    search, items = ours(list(evaluations(data).values()))
    texts = reviews(data) + [said(r) for r in lines(data, "quality/python_peps")]
    random.Random(1).shuffle(texts)
    other = theirs(pairs, where)
    mine, datatrove = found_by(search), other
    mine(texts[:2]), datatrove(texts[:2])
    spent, size = [0.0, 0.0], 0
    for first in range(0, 480, 40):
        piece = texts[first : first + 40]
        size += sum(len(text.encode()) for text in piece)
        for side, found in enumerate((mine, datatrove)):
            start = time.process_time()
            found(piece)
            spent[side] += time.process_time() - start
    index = search.index
    held = sum(array.nbytes for array in (index.words, index.starts, index.own, index.keys, index.firsts))
    held += index.places.nbytes + index.bits.nbytes
    print(f"\n{size / 1e6:.1f} MB in pieces of 40 documents, in turn; {len(items):,} items")
    print(
        f"ours {spent[0] / size * 1e9:.1f} CPU-s/GB, datatrove {spent[1] / size * 1e9:.1f}: {spent[1] / spent[0]:.0f}x"
    )
    large = pl.Series(texts * 4)
    bytes_ = int(large.str.len_bytes().cast(pl.Int64).sum())
    start = time.process_time()
    search.shares(large, search.nothing_found())
    all_at_once = (time.process_time() - start) / bytes_
    print(f"ours on {bytes_ / 1e6:.0f} MB at once: {all_at_once * 1e9:.1f} CPU-s/GB, {1e-6 / all_at_once:.0f} MB/s")
    print(f"index: {held / 1e6:.1f} MB for {len(index.keys):,} runs, {held / len(index.keys):.0f} bytes each")
    start = time.process_time()
    ours(list(evaluations(data).values()))
    print(f"building it: {time.process_time() - start:.1f} CPU-s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", type=int, default=0, help="dropped rows to list per set")
    parser.add_argument("--work", type=Path, default=Path("decontamination-work"), help="folder for datatrove's index")
    chosen = parser.parse_args()
    recall(chosen.data, chosen.work / "gsm8k")
    false_positives(chosen.data, chosen.show, chosen.work / "all")
    natural(chosen.data)
    settings(chosen.data)
    cost(chosen.data, chosen.work / "all")


if __name__ == "__main__":
    main()
