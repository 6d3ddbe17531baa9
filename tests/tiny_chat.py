"""A chat model of some hundred thousand weights that is made here and learns to give the answers it is told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synth.llm.llm import Message

Said = Mapping[tuple[Message, ...], str]

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def tiny_chat(folder: Path, said: Said, more: str = "", steps: int = 400, ends: Sequence[int] = (0,)) -> Path:
    """A folder with a model and a tokenizer; greedily asked, it answers each of `said` as told. `ends` end an answer.

    Raises:
        AssertionError: it did not learn that in `steps` steps.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    texts = [message.content for messages in said for message in messages] + [*said.values(), more]
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=2000, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator(texts, trainer)
    fast: Any = PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=inner, eos_token=SPECIAL[0], pad_token=SPECIAL[0])
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=0,
        pad_token_id=0,
        bos_token_id=None,
    )
    model: Any = LlamaForCausalLM(config)
    if said:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # on a busy machine, threads of so small a model do nothing but wait for each other
        _teach(model, tokenizer, said, steps)
        torch.set_num_threads(threads)
    model.generation_config.eos_token_id = list(ends)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _teach(model: Any, tokenizer: Any, said: Said, steps: int) -> None:
    """Learn the answers by heart: loss on their tokens alone, until each is the likeliest by far."""
    import torch

    rows = []
    for messages, answer in said.items():
        turns = [{"role": message.role, "content": message.content} for message in messages]
        asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (asked, answer + "<|end|>")]
        rows.append((ids[0] + ids[1], len(ids[0])))
    width = max(len(ids) for ids, _ in rows)
    inputs = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in rows])
    labels = torch.full_like(inputs, -100)
    for number, (ids, start) in enumerate(rows):
        labels[number, start : len(ids)] = inputs[number, start : len(ids)]
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    loss = float("inf")
    for _ in range(steps):
        found = model(input_ids=inputs, attention_mask=mask, labels=labels).loss
        optimizer.zero_grad()
        found.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (loss := float(found.detach())) < 0.01:
            break
    model.eval()
    assert loss < 0.05, f"the tiny model did not learn its answers: loss {loss:.3f} after {steps} steps"
