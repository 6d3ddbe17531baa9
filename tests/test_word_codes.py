"""docs/word_codes.md says for every language code that is accepted which words it gets; this test writes the page anew.

python -m tests.test_word_codes      prints the page as it should be
"""

from collections import defaultdict
from pathlib import Path

from curation.kernels.rules import spacy_rules

PAGE = Path(__file__).resolve().parent.parent / "docs" / "word_codes.md"
HEAD = """# Language codes and the words they get

Every code that `split` accepts, by the rules it gets ([words.md](words.md) explains the rows). A code that is not here
is an error. The codes are those of datatrove 0.10.1; this page is written by `python -m tests.test_word_codes`.
"""
SAME = "words as in datatrove"
OTHER = "words not as in datatrove (it uses {kind} here): one word per character in scripts without blanks"


def page() -> str:
    """The whole page."""
    from datatrove.utils.word_tokenizers import load_tokenizer_assignments

    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code, splitter in load_tokenizer_assignments().items():
        rules, same = spacy_rules(code)
        kind, *model = splitter.args
        used = f"{kind} {model[0]}" if kind == "SpaCyTokenizer" and model else kind
        groups[rules, SAME if same else OTHER.format(kind=used)].append(code)
    rows = []
    for (rules, words), codes in sorted(groups.items()):
        rows.append(f"## spaCy's rules `{rules}`, {words}\n\n{len(codes)} codes: {' '.join(sorted(codes))}\n")
    return "\n".join([HEAD, *rows])


def test_the_page_says_for_every_code_which_words_it_gets() -> None:
    assert PAGE.read_text("utf-8") == page()


if __name__ == "__main__":
    print(page(), end="")
