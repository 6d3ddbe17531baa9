"""The step that takes in a model from elsewhere, so that what is trained from it has a name, a version and a digest."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.version import sha256

WEIGHTS = ".safetensors"
# What `from_pretrained` reads; code and pickled weights in the same folder are not taken along.
TAKEN = (".safetensors", ".json", ".txt", ".model", ".jinja", ".tiktoken")
OURS = ("version.json", "training.json")


@dataclass(frozen=True, kw_only=True)
class AdoptModel:
    """The model in a folder, as `save_pretrained` writes it; only safetensors, configuration and tokenizer are taken.

    Attributes:
        input: the folder, at any fsspec address.
        digest: of the files taken, so that another model in the same place is another step.
        license: an SPDX name, or unknown.
        source: a sentence on where the model comes from.
    """

    revision: ClassVar[int] = 1
    kind: ClassVar[str] = "model"

    input: str
    digest: str
    license: str
    source: str

    @classmethod
    def of(cls, address: str, *, license: str, source: str) -> "AdoptModel":
        """The model that lies at `address` now.

        Raises:
            Misuse: there is no model in the safetensors format.
        """
        folder = Folder.at(address)
        return cls(input=address, digest=_digest(folder, _taken(folder)), license=license, source=source)

    def run(self, job: Job) -> dict[str, Any]:
        """Copy the files, and say what they are.

        Raises:
            Misuse: the model was changed after the step was made.
        """
        source = Folder.at(self.input)
        names = _taken(source)
        if _digest(source, names) != self.digest:
            raise Misuse(f"{source}: the model was changed while it was being read; adopt it again")
        for name in names:
            with source.open(name) as file, job.folder.create(f"model/{name}") as out:
                while block := file.read(1 << 22):
                    out.write(block)
        config = source.read_json("config.json")
        about = {key: config[key] for key in ("architectures", "model_type", "vocab_size") if key in config}
        job.finish(0, [], funnel=[{"stage": "adopt", "read": 0, "kept": 0, "quarantined": 0, "dropped": {}}])
        return {
            "kind": self.kind,
            "license": self.license,
            "source": self.source,
            "files": [f"model/{name}" for name in names],
            "model": about,
        }


def _taken(folder: Folder) -> list[str]:
    """The names of the files to take.

    Raises:
        Misuse: no safetensors or no config.json, or weights that are cut off.
    """
    names = [name for name in folder.names() if name.endswith(TAKEN) and name not in OURS]
    weights = [name for name in names if name.endswith(WEIGHTS)]
    if not weights or "config.json" not in names:
        raise Misuse(
            f"{folder} holds no model: it needs config.json and *.safetensors, as `save_pretrained` writes them; "
            "pickled weights (*.bin, *.pt) are not loaded, since loading them can run code"
        )
    for name in weights:
        if why := _broken(folder, name):
            raise Misuse(f"{folder}/{name} is no whole safetensors file: {why}; fetch it again")
    return names


def _broken(folder: Folder, name: str) -> str:
    """What is wrong with a safetensors file as far as its header tells; empty if nothing is.

    The format: 8 bytes with the length of a JSON header, the header, and the tensors, whose places count from the
    header's end (https://github.com/huggingface/safetensors#format).
    """
    size = folder.size(name)
    with folder.open(name) as file:
        length = int.from_bytes(file.read(8), "little")
        if length > size - 8:
            return f"its header claims {length:,} of {size:,} bytes"
        try:
            header = json.loads(file.read(length))
            end = max((int(one["data_offsets"][1]) for key, one in header.items() if key != "__metadata__"), default=0)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            return "its header cannot be read"
    return (
        "" if size == 8 + length + end else f"its header speaks of {8 + length + end:,} bytes, and there are {size:,}"
    )


def _digest(folder: Folder, names: list[str]) -> str:
    """One hash over names and contents."""
    listed = []
    for name in names:
        with folder.open(name) as file:
            listed.append([name, sha256(file)])
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
