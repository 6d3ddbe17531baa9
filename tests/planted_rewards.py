"""Reward models whose taste is known: they count one kind of token, and one of them soon has enough of it."""

from collections.abc import Callable
from pathlib import Path

from dataset_cards.adopt.model import AdoptModel
from dataset_cards.freeze import freeze
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion


def digits(token: str) -> bool:
    return any(one in "0123456789" for one in token)


def planted(
    store: Store,
    ref: str,
    policy: Path,
    folder: Path,
    *,
    likes: Callable[[str], bool] = digits,
    enough: float | None = None,
    scale: float = 10.0,
) -> DatasetVersion:
    """A Llama of one layer that gives `scale` times the share of tokens it likes, made by hand and not trained.

    Every token's embedding is (1, liked), attention is uniform, so what the last token reads is the mean of `liked`.

    Args:
        policy: whose tokenizer it has.
        enough: the share it likes best: it then gives -scale * |share - enough|, nearly. None for the more the better.
    """
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(policy)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        intermediate_size=2,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        num_labels=1,
    )
    model = LlamaForSequenceClassification(config)
    layer = model.model.layers[0]
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        model.model.embed_tokens.weight[:, 0] = 1.0
        liked = torch.tensor([float(likes(tokenizer.decode([token]))) for token in range(len(tokenizer))])
        model.model.embed_tokens.weight[:, 1] = liked
        layer.self_attn.v_proj.weight[0, 1] = 0.5  # a liked token is (2, 2, 0, ...) after the norm
        layer.self_attn.o_proj.weight[2, 0] = 1.0
        if enough is None:
            model.score.weight[0, 2] = scale / 8**0.5
        else:
            # silu(x) + silu(-x) is nearly |x|: how far the share is from enough
            for unit, sign in enumerate((1.0, -1.0)):
                layer.mlp.gate_proj.weight[unit, 2] = 20 * sign
                layer.mlp.gate_proj.weight[unit, 0] = -20 * sign * enough
                layer.mlp.up_proj.weight[unit, 0] = 1 / 20 / 8
                layer.mlp.down_proj.weight[3, unit] = -1.0
            model.score.weight[0, 3] = scale / 8**0.5
    path = folder / ref.partition("@")[0]
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    step = Step("adopt", AdoptModel.of(str(path), license="CC0-1.0", source="made for a test"))
    store.run(step)
    return freeze(store, step, ref, {"name": "adopt", "function": "adopt", "parameters": {}})
