"""The way from a corpus to an aligned model and its student: every stage learns, or the way ends there.

Few rows and steps here, through the real commands; `make demo-train` is the same at full length.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_cards.versions.store import Store
from tests.training import frozen, store_at

pytest.importorskip("trl", reason="training needs the extra train")

from train.demo import commands, gather

STAGES = {
    "demo-base": "bits per byte",
    "demo-sft": "response loss",
    "demo-reward": "log loss",
    "demo-dpo": "accuracy against the reference",
    "demo-ppo": "reward",
    "demo-student": "KL to the teacher",
}
RUN = """
import json, sys
from gristmill import app
for words in json.load(open(sys.argv[1])):
    app([*words, "--store", sys.argv[2]], standalone_mode=False)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("demo")
    store = store_at(folder / "store")
    gather(folder / "rows", 700)
    chats = [json.loads(line) for line in (folder / "rows" / "chats.jsonl").read_text().splitlines()]
    texts = [{"id": str(n), "text": " ".join(one["content"] for one in row["messages"])} for n, row in enumerate(chats)]
    frozen(store, "python-docs@1.0.0", "documents", texts, folder)
    (folder / "commands.json").write_text(json.dumps(commands(folder / "rows", folder / "store", 0.1)))
    script = [sys.executable, "-c", RUN, str(folder / "commands.json"), str(folder / "store")]
    done = subprocess.run(script, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return store


@pytest.mark.proof
@pytest.mark.parametrize("name", STAGES)
def test_every_stage_is_better_than_what_it_began_with(store: Store, name: str) -> None:
    model = store.version(f"{name}@1.0.0")
    first = model.json["facts"]["training"]["measures"][0]
    assert first["name"].startswith(STAGES[name])
    assert first["gain"][0] > 0
    assert [one["ref"] for one in model.json["facts"]["training"]["inputs"] if one["role"] == "data"]


@pytest.mark.proof
@pytest.mark.parametrize("name", STAGES)
def test_the_curves_are_pictures(store: Store, name: str) -> None:
    plots = [path for path in store.version(f"{name}@1.0.0").folder.files() if path.startswith("plots/")]
    assert plots
    assert all(path.endswith(".svg") for path in plots)
    drawn = (Path(store.root.path) / "versions" / name / "1.0.0" / plots[0]).read_text()
    assert "<polyline" in drawn or "<circle" in drawn
