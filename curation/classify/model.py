"""A classifier as a stage holds it: what it is by content, where its file lies, and what was measured of it."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dataset_cards.versions.errors import Damaged, Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.fingerprint import fingerprint
from dataset_cards.versions.version import DatasetVersion

from .calibrate import UNCHANGED, Calibration
from .fasttext_file import Network, load
from .forward import probabilities
from .outcome import HELD_OUT, held_out
from .prepare import AS_IT_IS, prepared
from .windows import highest, windows

# What a trained version holds beside its rows: a fastText .bin, and how it is to be used.
MODEL, NOTE = "model/model.bin", "model/classifier.json"
FORMAT = 1
POSITIVE, NEGATIVE = "positive", "negative"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A fastText classifier and the label that is asked for; its identity is its content, not its place."""

    name: str  # for people: `name@version`, or the name of the file
    folder: Folder
    file: str
    digest: str  # sha256 of the file
    label: str
    prepared: str = AS_IT_IS
    calibration: Calibration = UNCHANGED
    version: DatasetVersion | None = None

    @classmethod
    def of(cls, version: DatasetVersion) -> "Model":
        """The classifier that was frozen as a version.

        Raises:
            Misuse: the version holds none, or one of a later gristmill.
            Damaged: its files are not what was frozen.
        """
        digests = {file["path"]: file["sha256"] for file in version.json["files"]}
        if not {MODEL, NOTE} <= digests.keys():
            raise Misuse(f"{version.ref} holds no classifier; name a version that the recipe `classifier` made")
        for path in (MODEL, NOTE):
            if not version.folder.exists(path):
                raise Damaged(f"{version.folder}/{path} is missing; put it back from a copy, see `gristmill verify`")
        data = _read(version.folder, NOTE)
        if sha256(data).hexdigest() != digests[NOTE]:
            raise Damaged(f"{version.folder}/{NOTE} is not as frozen; put it back from a copy, see `gristmill verify`")
        note = json.loads(data)
        if note["format"] != FORMAT:
            raise Misuse(f"{version.ref} holds a classifier of format {note['format']}; this gristmill reads {FORMAT}")
        model = cls(
            name=version.ref,
            folder=version.folder,
            file=MODEL,
            digest=digests[MODEL],
            label=note["label"],
            prepared=note["prepared"],
            calibration=Calibration(**note["calibration"]),
            version=version,
        )
        return model._checked()

    @classmethod
    def at(cls, address: str, label: str) -> "Model":
        """A fastText .bin or .ftz at a path or any fsspec address, whoever trained it; `label` without `__label__`.

        Its text is taken as it is: whitespace ends words, and nothing else is changed.

        Raises:
            Misuse: there is no such file, or the model has no such label; the message lists those it has.
            ValueError: the file is no fastText classifier.
            Damaged: it is cut off or holds what cannot be.
        """
        place, _, file = address.replace("\\", "/").rpartition("/")
        folder = Folder.at(place or ("/" if address.startswith("/") else "."))
        digest = sha256(_read(folder, file)).hexdigest()
        return cls(name=file, folder=folder, file=file, digest=digest, label=label)._checked()

    def _checked(self) -> "Model":
        """This model, after its file was opened once: a run that cannot work should not begin."""
        labels = self.network().labels
        if self.label not in labels:
            shown = ", ".join(repr(label) for label in labels[:20]) + (", ..." if len(labels) > 20 else "")
            raise Misuse(f"{self.name} has no label {self.label!r}; its labels are {shown}")
        return self

    @property
    def fingerprint(self) -> str:
        """By content: the file, the label, and what is done before and after it."""
        return fingerprint([self.digest, self.label, self.prepared, asdict(self.calibration)])

    def json_field(self) -> dict[str, Any]:
        """The model as a version's recipe records it."""
        found = {"name": self.name, "sha256": self.digest, "label": self.label, "prepared": self.prepared}
        return {**found, "calibration": asdict(self.calibration)}

    def network(self) -> Network:
        """The tables of the model, read once in a process.

        Raises:
            Damaged: the file changed since it was frozen or first read.
        """
        return _network(self.folder, self.file, self.digest)

    def probability(self, text: pl.Series, window: int = 0) -> NDArray[np.float64]:
        """How likely each text has the label, 0 to 1; NaN for a text without a word.

        With a `window`, a text of twice as many words or more is cut into windows of so many words each, and its
        likeliest window counts.
        """
        network, (data, offsets) = self.network(), prepared(text, self.prepared)
        column = network.labels.index(self.label)
        if not window:
            return self.calibration.apply(probabilities(network, data, offsets)[:, column])
        begins, firsts = windows(data, offsets, window)
        return self.calibration.apply(highest(probabilities(network, data, begins)[:, column], firsts))

    def held_out(self) -> pl.DataFrame:
        """The rows that were held out when it was trained: `from`, `positive`, `probability`; none for a bare file."""
        if self.version is None:
            return pl.DataFrame(schema=HELD_OUT)
        return held_out(self.version.table.collect(["metadata"]))


def raw_scores(network: Network, text: pl.Series, way: str, label: str) -> NDArray[np.float64]:
    """What the network says before calibration."""
    return probabilities(network, *prepared(text, way))[:, network.labels.index(label)]


def _read(folder: Folder, file: str) -> bytes:
    try:
        return folder.read_bytes(file)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise Misuse(f"there is no file {folder}/{file}; give the path of a fastText .bin or .ftz") from error


@lru_cache(maxsize=4)
def _network(folder: Folder, file: str, digest: str) -> Network:
    data = _read(folder, file)
    if sha256(data).hexdigest() != digest:
        raise Damaged(f"{folder}/{file} is not what it was (its sha256 changed); put it back from a copy")
    return load(data, f"{folder}/{file}")
