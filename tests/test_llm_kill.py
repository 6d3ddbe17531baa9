"""kill -9 while hundreds of requests are under way: nothing that is on disk is asked again, and no row is missing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synth.llm.cache import Cache
from tests.asking import questions
from tests.llm_server import ModelServer

pytest.importorskip("openai", reason="models over HTTP need the extra synth")

COUNT = 300
ASKER = f"""
import json, sys
from pathlib import Path
from synth.llm.courier import Limits
from synth.llm.http import Http
from tests.asking import books, questions, texts, told
account = books(Path(sys.argv[2]))
found = texts(told(Http(books=account, url=sys.argv[1], limits=Limits(in_flight=64)), questions({COUNT})))
print(json.dumps([found, account.ledger.counts()["m"]]))
"""


def start(server: ModelServer, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ASKER, server.url, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_run_loses_only_what_was_under_way_and_the_next_run_finishes(tmp_path: Path) -> None:
    asked = questions(COUNT)
    kept: dict[str, int] = {}
    lost = 0
    with ModelServer(latency=0.02, rate=400, burst=0.2, faults={"500": 0.2, "drop": 0.05, "cut": 0.05}) as server:
        for share in (0.5,):
            process = start(server, tmp_path)
            while server.counts()["answered"] < share * COUNT:
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            time.sleep(0.1)
            answers = server.answers()
            cache = Cache(tmp_path / "answers.sqlite")
            there = {one.messages[0].content for one in asked if cache.get(one.key) is not None}
            cache.close()
            assert there <= answers.keys()
            lost += len(answers.keys() - there)
            kept = {text: answers[text] for text in there} | kept
        process = start(server, tmp_path)
        out, _ = process.communicate()
        answers = server.answers()
    found, counts = json.loads(out)
    assert process.returncode == 0
    assert found == {f"question {n}": f"echo: question {n}" for n in range(COUNT)}
    assert counts["cached"] >= len(kept) > 0
    assert [text for text, times in kept.items() if answers[text] != times] == []
    assert sum(answers.values()) - COUNT <= lost <= 64
