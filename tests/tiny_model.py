"""A model of a few thousand weights with a tokenizer of its own, made on the spot."""

from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def make(folder: Path, seed: int = 0) -> str:
    """Write it into `folder` and return the folder's path. Its answers are noise, but always the same noise."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = pre_tokenizers.ByteLevel.alphabet()
    special = ["</s>", "<system>", "<user>", "<assistant>", "<pad>"]
    tokenizer = Tokenizer(
        models.BPE(vocab={token: n for n, token in enumerate([*special, *sorted(letters)])}, merges=[])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>", additional_special_tokens=special[1:4]
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(letters) + len(special),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=4,
        initializer_range=0.5,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)
