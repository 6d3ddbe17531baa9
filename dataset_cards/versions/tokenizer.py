"""How a tokenizer is known: by what it does, and not by its name or its place."""

import hashlib
import json


def tokenizer_digest(rules: str) -> str:
    """`sha256:` and 32 hex digits over a tokenizer's vocabulary, merges and rules.

    Args:
        rules: the JSON text of a fast tokenizer, `tokenizer.backend_tokenizer.to_str()`.

    Raises:
        ValueError: this is no JSON.
    """
    told = json.loads(rules)
    for name in ("padding", "truncation"):  # how it was last called, and not what it is
        told.pop(name, None)
    text = json.dumps(told, sort_keys=True, ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:32]
