"""What tokens cost: prices per model from a file of the user."""

import json
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_cards.versions.errors import Misuse

MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Price:
    """Money per million tokens; `batch` is the share of it that the provider's batch API asks."""

    input: float
    output: float
    batch: float = 1.0

    def cost(self, prompt_tokens: int, completion_tokens: int, batch: bool = False) -> float:
        """Money for one request."""
        whole = (prompt_tokens * self.input + completion_tokens * self.output) / MILLION
        return whole * self.batch if batch else whole


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices of models in one currency."""

    currency: str
    models: dict[str, Price]

    def of(self, model: str) -> Price:
        """The price of a model.

        Raises:
            Misuse: the file does not name it.
        """
        if model not in self.models:
            known = ", ".join(sorted(self.models)) or "no model at all"
            raise Misuse(f"the prices file has no [models.{json.dumps(model)}]; it names {known}")
        return self.models[model]


def read_prices(path: str) -> Prices:
    """Prices from TOML or JSON: `currency = "USD"` and, per model, `[models."NAME"]` with `input` and `output`.

    Raises:
        Misuse: the file cannot be read as that; the message says what is wrong with it.
    """
    try:
        data = Path(path).read_bytes()
        value = json.loads(data) if path.endswith(".json") else tomllib.loads(data.decode())
    except OSError as error:
        raise Misuse(f"--prices {path}: {error.strerror}") from error
    except ValueError as error:
        raise Misuse(f"--prices {path}: this is no {'JSON' if path.endswith('.json') else 'TOML'} ({error})") from error
    models = value.get("models") if isinstance(value, dict) else None
    if not isinstance(models, dict) or not isinstance(value.get("currency"), str):
        raise Misuse(f'--prices {path}: write currency = "USD" and one table [models."NAME"] per model')
    return Prices(
        currency=value["currency"], models={name: _price(path, name, entry) for name, entry in models.items()}
    )


def _price(path: str, name: str, entry: Any) -> Price:
    where = f"--prices {path}: models.{json.dumps(name)}"
    if not isinstance(entry, dict) or not {"input", "output"} <= set(entry) <= {"input", "output", "batch"}:
        raise Misuse(f"{where} needs input and output, money per million tokens, and may have batch")
    for field, number in entry.items():
        wrong = isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number)
        if wrong or number < 0:
            raise Misuse(f"{where}.{field}: {number!r} is no amount of money")
    return Price(**entry)
