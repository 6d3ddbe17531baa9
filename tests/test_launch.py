"""Training in several processes: they learn what one learns, one writes, and what goes wrong in one is said."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dataset_cards.versions.errors import Damaged, Misuse
from dataset_cards.versions.files import json_bytes
from dataset_cards.versions.job import Refused
from dataset_cards.versions.store import Store
from tests.launching import CLOSE, LEARN, ONE, TWO, alike, furnished, stepped
from tests.training import store_at
from train.launch import CONFIGS, build, can_be_cut, fit, started_by
from train.lora import Lora
from train.machine import cuts_weights
from train.preferences.dpo import DPO
from train.sft import SFT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnished(tmp_path_factory.mktemp("launch"))


@pytest.fixture
def store(folder: Path, tmp_path: Path) -> Store:
    """A store of one's own: a step that one process did would not be done again by two."""
    shutil.copytree(folder / "store", tmp_path / "store")
    return store_at(tmp_path / "store")


def test_two_processes_learn_what_one_learns(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    together, apart = alike(folder, tmp_path, SFT(schedule=LEARN), ONE, TWO)
    assert apart < CLOSE
    assert together["environment"]["processes"] == 2
    assert together["machine"]["launcher"] == TWO.launcher
    assert together["cost"]["cpu_seconds"] > 1  # that of the processes that did the work
    assert capfd.readouterr().out == ""


def test_a_process_that_fails_ends_the_run_with_its_exit_code(store: Store) -> None:
    with pytest.raises(Refused, match="exit code 3; what its processes said stands above"):
        store.run(stepped(store, SFT(schedule=LEARN)), [dataclasses.replace(ONE, launcher="sh -c 'exit 3'")])


def test_what_a_process_gives_as_its_reason_is_the_reason_of_the_run(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    """Weights cannot be cut on a CPU; accelerate would start whole copies, and say nothing."""
    launcher = f"env ACCELERATE_USE_FSDP=true {sys.executable}"
    with pytest.raises(Refused, match=r"^accelerate cuts weights over GPUs only.*exit code 2\)$"):
        store.run(stepped(store, SFT(schedule=LEARN)), [dataclasses.replace(ONE, launcher=launcher)])
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("op", "why"),
    [(SFT(lora=Lora(rank=4)), "adapters are merged"), (SimpleNamespace(stage="ppo"), "draws answers from the whole")],
)
def test_what_needs_whole_weights_is_not_begun_where_they_are_cut(op: Any, why: str) -> None:
    with pytest.raises(Misuse, match=why):
        can_be_cut(op, on_cpu=False)


def test_weights_are_known_to_be_cut_by_what_accelerate_tells_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not cuts_weights()
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", "2")
    assert not cuts_weights()
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", "3")
    assert cuts_weights()
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "false")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert cuts_weights()


@pytest.mark.parametrize("launcher", ["fsdp2", "zero2 --num_processes 2", "zero3"])
def test_sharding_is_refused_where_there_is_no_gpu(store: Store, launcher: str) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(Misuse, match="sees none; on a CPU, write torchrun"):
        store.run(stepped(store, SFT(schedule=LEARN)), [dataclasses.replace(ONE, launcher=launcher)])


def test_one_process_is_not_taken_for_several() -> None:
    with pytest.raises(Misuse, match="accelerate starts one process with --cpu"):
        started_by("accelerate launch --cpu --num_processes 2")


def test_a_launcher_that_is_no_program_is_refused_with_what_there_is() -> None:
    with pytest.raises(Misuse, match=r"no program 'torchrum'; write torchrun ..., or one of fsdp2, zero2, zero3"):
        started_by("torchrum --nproc-per-node 2")


@pytest.mark.parametrize("name", ["fsdp2", "zero2", "zero3"])
def test_accelerate_knows_every_key_of_a_configuration(name: str) -> None:
    """As options of its launcher, which is how they reach the processes, and as what its plugins are made from."""
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import launch_command_parser
    from accelerate.utils import DeepSpeedPlugin, FullyShardedDataParallelPlugin

    loaded: Any = load_config_from_file(str(CONFIGS / f"{name}.yaml"))
    given = {**loaded.fsdp_config, **loaded.deepspeed_config}
    assert given
    assert given.keys() <= {action.dest for action in launch_command_parser()._actions}
    plugin = FullyShardedDataParallelPlugin if name == "fsdp2" else DeepSpeedPlugin
    fields = {field.name for field in dataclasses.fields(plugin)} | {"offload_params", "deepspeed_multinode_launcher"}
    assert {key if key == "fsdp_version" else key.removeprefix("fsdp_") for key in given} <= fields


def test_the_fsdp_configuration_makes_a_plugin_of_version_2() -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.utils import FullyShardedDataParallelPlugin

    given: dict[str, Any] = load_config_from_file(str(CONFIGS / "fsdp2.yaml")).fsdp_config  # type: ignore[union-attr]
    plain = {key.removeprefix("fsdp_"): value for key, value in given.items() if key != "fsdp_version"}
    plain["cpu_offload"] = plain.pop("offload_params")
    plugin = FullyShardedDataParallelPlugin(fsdp_version=given["fsdp_version"], **plain)
    assert (plugin.fsdp_version, plugin.reshard_after_forward) == (2, True)
    assert not plugin.cpu_ram_efficient_loading  # each process measures the model before it is cut


def test_a_folder_without_a_task_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=r"holds no task\.json"):
        fit(tmp_path, ())


def test_a_trainer_comes_out_of_json_as_it_went_in() -> None:
    op = DPO(schedule=LEARN, roles=("data", "model"), lora=Lora(rank=2, targets=("q_proj",)))
    assert build(DPO, json.loads(json_bytes(dataclasses.asdict(op)))) == op


ORPHAN = """
import os, socket, threading, time
from train.launch import _leave_with
threading.Thread(target=_leave_with, args=(os.getppid(), socket.gethostname(), int(os.environ["CALLER"]))).start()
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("killed", ["launcher", "caller"])
def test_a_process_whose_launcher_or_caller_was_killed_ends(killed: str) -> None:
    caller = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ORPHAN!r}])"
    launcher = subprocess.Popen(
        [sys.executable, "-c", start],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CALLER": str(caller.pid)},
        cwd=Path(__file__).parent.parent,
    )
    try:
        assert launcher.stdout is not None
        worker = int(launcher.stdout.readline())
        victim = launcher if killed == "launcher" else caller
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        assert gone(worker)
    finally:
        for process in (launcher, caller):
            process.kill()
            process.wait()
        assert launcher.stdout is not None
        launcher.stdout.close()


def gone(process: int) -> bool:
    """Whether it ends within half a minute; one that nobody has waited for yet counts as ended."""
    for _ in range(300):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
        if state.stdout.strip()[:1] in ("", "Z"):
            return True
        time.sleep(0.1)
    return False
