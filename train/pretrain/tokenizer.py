"""Tokenizers for pretraining: one trained on a corpus, and how documents begin and end in the tokens of any."""

from collections.abc import Iterable
from typing import Any

from dataset_cards.versions.errors import Misuse
from train.chat import END, PAD, START, TEMPLATE

DOCUMENT = "<|endoftext|>"  # begins and ends a document
RARE = 2  # pairs seen less often are not merged


def trained(texts: Iterable[str], vocabulary: int, context: int) -> Any:
    """A byte-level BPE tokenizer (Wang, Cho and Gu 2019, Neural Machine Translation with Byte-Level Subwords, arXiv
    1909.03341) trained on `texts`, which are read once. The same texts in any order give the same tokenizer.

    Every byte is a token, so that it reads back any text exactly as it was; each digit stands alone (Touvron et al.
    2023, LLaMA, arXiv 2302.13971, section 2.1). It holds the tokens of the chat template, so that a model that is
    trained with it needs no new ones for conversations.

    Args:
        vocabulary: tokens, at most; a corpus with fewer pairs gives fewer.
        context: tokens that the model will read at once.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = [DOCUMENT, PAD, START, END]
    if vocabulary < len(letters) + len(specials):
        raise Misuse(
            f"vocabulary={vocabulary}: the bytes and {', '.join(specials)} alone are {len(letters) + 4} tokens"
        )
    inner = Tokenizer(models.BPE())
    pieces = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    inner.pre_tokenizer = pre_tokenizers.Sequence(pieces)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=RARE,
        special_tokens=specials,
        initial_alphabet=letters,
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    fast: Any = PreTrainedTokenizerFast
    made = fast(
        tokenizer_object=inner,
        bos_token=DOCUMENT,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[START],
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    made.chat_template = TEMPLATE
    return made


def bounds(tokenizer: Any) -> tuple[int, int]:
    """The tokens that begin and end a document: `<|endoftext|>` where there is one, else the tokenizer's own.

    Without a token to begin with, the one that ends a document begins the next, so that its first word is predicted
    too.

    Raises:
        Misuse: the tokenizer has no token that ends a text.
    """
    known = tokenizer.get_vocab()
    end = known.get(DOCUMENT, tokenizer.eos_token_id)
    if end is None:
        raise Misuse("the tokenizer has neither <|endoftext|> nor an eos token, so no document could ever end")
    start = tokenizer.bos_token_id
    return int(end if start is None else start), int(end)


def plain(tokenizer: Any) -> Any:
    """The `tokenizers.Tokenizer` inside, so that whatever stands in a text is text: special tokens are spelt out.

    Raises:
        Misuse: there is none inside.
    """
    from tokenizers import Tokenizer

    if not tokenizer.is_fast:
        raise Misuse(f"{type(tokenizer).__name__} is written in Python alone, too slow for a corpus; give a fast one")
    inner = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    inner.no_truncation()
    inner.no_padding()
    inner.encode_special_tokens = True
    return inner
