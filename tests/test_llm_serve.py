"""`gristmill llm serve`: a real model of this machine behind the protocol, asked like any other endpoint."""

import subprocess
import sys
import time
import urllib.request
import warnings
from pathlib import Path

import pytest

from synth.llm.courier import Limits
from synth.llm.http import Http
from synth.llm.llm import Message, Reply, Request, Sampling
from tests.asking import books, told
from tests.tiny_model import make

for package in ("openai", "torch", "transformers", "fastapi", "uvicorn"):
    pytest.importorskip(package, reason=f"serving a model needs {package}")
pytestmark = pytest.mark.slow

SERVE = "from synth.llm.commands import llm; llm()"


def test_a_served_model_answers_as_it_does_in_process(tmp_path: Path) -> None:
    from synth.llm.local import Local

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of transformers, about itself
        model = make(tmp_path)
        here = Local(model, books=books())
    command = [sys.executable, "-W", "ignore", "-c", SERVE, "serve", model, "--port", "0", "--device", "cpu"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        url = server.stderr.readline().split("--llm ")[1].split()[0]
        assert url.startswith("http://127.0.0.1:")
        _wait_for(url.removesuffix("/v1") + "/health")
        sampling = Sampling(model=model, temperature=0.0, max_tokens=6)
        asked = [Request(messages=(Message("user", text),), sampling=sampling) for text in ("one", "two words", "3")]
        served = told(Http(books=books(), url=url, limits=Limits(tries=2)), asked)
        local = told(here, asked)
        for text, reply in served.items():
            mine = local[text]
            assert isinstance(reply, Reply)
            assert isinstance(mine, Reply)
            assert (reply.text, reply.prompt_tokens) == (mine.text, mine.prompt_tokens)
    finally:
        server.terminate()
        try:
            server.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.communicate()


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"{address} never answered")
