"""The same at its full size: other stages, accelerate, weights that are cut over processes, and kill -9."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.launching import CLOSE, LEARN, ONE, TWO, alike, furnished, furthest, stepped, trained
from tests.training import store_at
from train.launch import CONFIGS
from train.preferences.dpo import DPO
from train.sft import SFT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnished(tmp_path_factory.mktemp("launch"))


@pytest.mark.proof
@pytest.mark.parametrize(
    "op",
    [DPO(schedule=LEARN), DPO(schedule=LEARN, sft_weight=1.0, precompute_reference=True)],
    ids=["dpo", "dpo-precomputed"],
)
def test_two_processes_prefer_what_one_prefers(folder: Path, tmp_path: Path, op: Any) -> None:
    op = dataclasses.replace(op, must_improve=False)
    _, apart = alike(folder, tmp_path, op, ONE, TWO)
    assert apart < 1e-4  # Adam divides tiny gradients by their own size


CUT = """
# accelerate takes FSDP for GPUs only; here it is made to take it for processes over gloo.
import os
if "RANK" in os.environ and os.environ.get("ACCELERATE_USE_FSDP") == "true":
    import train.launch
    fitted, train.launch.can_be_cut = train.launch._fitted, lambda *_, **__: None
    def cut(*given):
        import accelerate.state, torch.distributed.tensor, train.models
        from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
        begin, save = accelerate.state.AcceleratorState.__init__, train.models.save
        def begun(self, *given, fsdp_plugin=None, **named):
            begin(self, *given, fsdp_plugin=fsdp_plugin, **named)
            if self.distributed_type != DistributedType.FSDP:
                self.distributed_type = DistributedType.FSDP
                self.fsdp_plugin = fsdp_plugin or FullyShardedDataParallelPlugin()
        def saved(model, *given):
            assert all(isinstance(one, torch.distributed.tensor.DTensor) for one in model.parameters())
            save(model, *given)
        accelerate.state.AcceleratorState.__init__, train.models.save = begun, saved
        return fitted(*given)
    train.launch._fitted = cut
"""


@pytest.mark.proof
@pytest.mark.parametrize("op", [SFT(schedule=LEARN), DPO(schedule=LEARN, must_improve=False)], ids=["sft", "dpo"])
def test_weights_that_were_cut_are_saved_whole(
    folder: Path, tmp_path: Path, op: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FSDP2 by the configuration that is delivered, but in fp32 and on two CPU processes."""
    config = (CONFIGS / "fsdp2.yaml").read_text().replace("mixed_precision: bf16", 'mixed_precision: "no"')
    (tmp_path / "cpu.yaml").write_text(f"{config}\nuse_cpu: true\n")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(CUT)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{Path(__file__).parent.parent}")
    launcher = f"accelerate launch --config_file {tmp_path / 'cpu.yaml'} --num_processes 2"
    _, apart = alike(folder, tmp_path, op, ONE, dataclasses.replace(ONE, launcher=launcher))
    assert apart < (CLOSE if isinstance(op, SFT) else 1e-4)


@pytest.mark.proof
def test_accelerate_starts_them_too(folder: Path, tmp_path: Path) -> None:
    words = "accelerate launch --multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"
    together, apart = alike(folder, tmp_path, SFT(schedule=LEARN), ONE, dataclasses.replace(ONE, launcher=words))
    assert apart < CLOSE
    assert together["environment"]["processes"] == 2


@pytest.mark.proof
def test_a_run_whose_launcher_was_killed_goes_on_and_ends_with_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """The run of two processes is killed after its first checkpoint; two more then finish it."""
    op = SFT(schedule=dataclasses.replace(LEARN, max_steps=40, save_steps=4))
    for name in ("whole", "killed"):
        shutil.copytree(folder / "store", tmp_path / name)
    _, whole = trained(store_at(tmp_path / "whole"), op, TWO)
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, dataclasses\nfrom tests.launching import *\n"
        "op = SFT(schedule=dataclasses.replace(LEARN, max_steps=40, save_steps=4))\n"
        "store = store_at(Path(sys.argv[1]))\nstore.run(stepped(store, op), [TWO])\n"
    )
    root = Path(__file__).parent.parent
    run = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "killed")], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    work = Path(store_at(tmp_path / "killed").folder(stepped(store_at(tmp_path / "killed"), op)).path) / "work"
    while run.poll() is None and not list(work.glob("checkpoints/checkpoint-*/trainer_state.json")):
        time.sleep(0.05)
    run.kill()
    run.wait()
    time.sleep(3)
    assert not (work / "outcome.json").exists()  # it was killed before its end
    _, resumed = trained(store_at(tmp_path / "killed"), op, TWO)
    assert furthest(whole, resumed) == 0
