"""What tests of publishing share: versions to publish, and an about.yaml that says everything of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from dataset_cards.publish.package import Package, collect, documents_of
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.about_sample import sample_fields
from tests.training import frozen

# What the scan for secrets finds and no other rule here does; put together so that no scanner finds it in this file.
SECRET = "ghp_" + "k9Xw2LmQ7vTzR4bN8cYs1DfGhJ3aP6eU5oIt"


def about(**changes: object) -> bytes:
    """An about.yaml for `corpus`, with whole top-level fields replaced."""
    fields = sample_fields()
    fields["licensing"] = {"license": "CC0-1.0", "reason": "We wrote every text for tests, and gave them away."}
    fields["provider"]["owns"] = "Nobody owns it; it is in the public domain."
    return yaml.safe_dump(fields | changes, allow_unicode=True, sort_keys=False).encode()


def corpus(store: Store, ref: str, folder: Path, rows: int = 40, mark: str = "") -> DatasetVersion:
    """A small version of kind `documents`; `mark` makes it another one."""
    made = [
        {"id": f"n{n}", "text": f"Notice {n}{mark}: the pier is closed on day {n} of this year."} for n in range(rows)
    ]
    return frozen(store, ref, "documents", made, folder)


def packed(version: DatasetVersion, **changes: object) -> Package:
    """Everything that goes of a version."""
    return collect(version, documents_of(version, about(**changes)))


@contextmanager
def unhurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The seconds that the Hub's client would wait between tries, none of which are waited."""
    waits: list[float] = []
    clock = SimpleNamespace(**{**vars(time), "sleep": waits.append})
    monkeypatch.setattr("huggingface_hub.utils._http.time", clock)
    monkeypatch.setattr("huggingface_hub.file_download.time", clock)
    yield waits


def light_model(folder: Path) -> Path:
    """A model as its files, without anything that could run it."""
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    return folder
