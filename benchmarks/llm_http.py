"""Ask 5,000 questions of a local server that is slow, throttles, fails and hangs up; kill the asker; ask distilabel.

    python -m benchmarks.llm_http [--requests 5000] [--rate 200] [--distilabel PYTHON] [--only PART]

quiet: CPU per request of our client against a server without trouble, and from the cache; and of the openai client in
its ordinary way, as many at once, on the same server.
storm: 200 ms late, lets in RATE requests per second and throttles the rest with Retry-After, fails 20 % of what it lets
in, and hangs up on 4 %. Throughput is what was let in, as a share of RATE, from the first request to the last answer.
kill: the same, with kill -9 four times on the way and a new process each time. The server's own count says what was
answered twice, which may only be what was under way at a kill.
commit: what it takes to put one answer on disk for good.
distilabel: quiet and storm asked by distilabel 1.5.3 with the Python of its own environment
(pip install distilabel[openai]==1.5.3 requests beautifulsoup4).
Exits with 1 when a row is missing, or something was paid twice that was not under way.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from synth.llm.budget import Purse
from synth.llm.cache import Cache, answer
from synth.llm.courier import Books, Limits
from synth.llm.http import Http
from synth.llm.ledger import Ledger
from synth.llm.llm import Failed, Message, Reply, Request, Sampling
from tests.llm_server import ModelServer

LATENCY = 0.2
FAULTS = {"500": 0.2, "drop": 0.02, "cut": 0.02}


def questions(count: int) -> list[Request]:
    """Different questions of a few words."""
    sampling = Sampling(model="m", temperature=0.0, max_tokens=64)
    return [
        Request(messages=(Message("user", f"Question {n}: how many are {n} and {n + 1}?"),), sampling=sampling)
        for n in range(count)
    ]


def client(url: str, path: str, count: int, in_flight: int) -> None:
    """Ask everything once and print what became of it; this is the process that is killed."""
    ledger = Ledger()
    books = Books(ledger=ledger, purse=Purse(None, None), cache=Cache(Path(path)))
    llm = Http(books=books, url=url, limits=Limits(in_flight=in_flight))
    began = time.monotonic()
    rows: dict[str, int] = {"asked": 0, "got": 0, "wrong": 0, "lost": 0}
    for request, outcome in llm.ask(questions(count)):
        rows["asked"] += 1
        if isinstance(outcome, Failed):
            rows["lost"] += 1
        else:
            rows["got"] += 1
            rows["wrong"] += outcome.text != f"echo: {request.messages[0].content}"
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps({**ledger.counts()["m"], **rows, "seconds": time.monotonic() - began, "cpu": cpu}))


def started(url: str, path: Path, count: int, in_flight: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.llm_http", "--client", url, str(path)]
    command += ["--requests", str(count), "--in-flight", str(in_flight)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the client ended with {process.returncode}")
    result: dict[str, Any] = json.loads(out)
    return result


def quiet(count: int, folder: Path, in_flight: int) -> bool:
    with ModelServer(latency=LATENCY) as server:
        start = finished(started(server.url, folder / "start.sqlite", 1, in_flight))
        nothing = finished(started(server.url, folder / "start.sqlite", 1, in_flight))  # without the client's import
        result = finished(started(server.url, folder / "quiet.sqlite", count, in_flight))
        again = finished(started(server.url, folder / "quiet.sqlite", count, in_flight))
        served = server.counts()
        ordinary(server.url, count, in_flight)
    for name, told, begin in (("answered", result, start["cpu"]), ("from the cache", again, nothing["cpu"])):
        cpu = (told["cpu"] - begin) / (count - 1)
        wall = f"{told['seconds']:.1f} s wall"
        print(f"quiet, {name}: {1000 * cpu:.3f} ms CPU per request, {1 / cpu:,.0f} requests/s per core, {wall}")
    return bool(result["got"] == count and again["cached"] == count and served["answered"] == count + 1)


def ordinary(url: str, count: int, in_flight: int) -> None:
    """The same questions through `AsyncOpenAI.chat.completions.create` as its documentation has it."""
    import asyncio

    from openai import AsyncOpenAI

    async def ask() -> float:
        places = asyncio.Semaphore(in_flight)
        async with AsyncOpenAI(base_url=url, api_key="none") as openai:

            async def one(n: int) -> None:
                async with places:
                    asked: Any = [{"role": "user", "content": f"Ordinary question {n}"}]
                    await openai.chat.completions.create(model="m", messages=asked, max_tokens=64)

            await one(-1)  # imports, and the first connection
            before = time.process_time()
            await asyncio.gather(*(one(n) for n in range(count)))
            return time.process_time() - before

    cpu = asyncio.run(ask()) / count
    print(f"quiet, openai's client as it comes: {1000 * cpu:.3f} ms CPU per request, {1 / cpu:,.0f} per core")


def storm(count: int, rate: float, folder: Path, in_flight: int, burst: float, whole: bool) -> bool:
    with ModelServer(latency=LATENCY, rate=rate, burst=burst, whole_seconds=whole, faults=FAULTS) as server:
        result = finished(started(server.url, folder / f"storm-{burst}-{whole}.sqlite", count, in_flight))
        served = server.counts()
    bucket = f"bucket of {burst:g} s, Retry-After in {'whole seconds' if whole else 'decimals'}"
    print(f"storm, {bucket}: {shown(served, rate, burst)}")
    cpu = 1000 * result["cpu"] / count
    print(f"    rows: {result['got']:,} answered, {result['lost']} failed; {cpu:.2f} ms CPU each, start included")
    return bool(result["asked"] == count and not result["wrong"] and not served["twice"])


def shown(served: dict[str, Any], rate: float, burst: float) -> str:
    """How well the limit of the server was used. A bucket that was full at the start gave that much extra."""
    share = (served["let in"] - rate * burst) / served["seconds"] / rate
    most = f"{served['most']} under way at most"
    faults = f"{served.get('500', 0):,} failed, {served.get('drop', 0) + served.get('cut', 0):,} hung up"
    speed = f"{served['answered'] / served['seconds']:.0f} answers/s"
    said = f"{served['seconds']:.1f} s, {share:.1%} of the limit used, {speed}"
    return f"{said} ({served['let in']:,} let in, {served.get('throttled', 0):,} throttled, {faults}, {most})"


def kill(count: int, rate: float, folder: Path, in_flight: int, kills: int) -> bool:
    """Kill the asker several times, each time when its share of the answers has been given."""
    path = folder / "kill.sqlite"
    asked = questions(count)
    kept: dict[str, int] = {}  # prompts on disk at a kill, and how often they had been answered then
    lost = 0
    with ModelServer(latency=LATENCY, rate=rate, burst=0.1, faults=FAULTS) as server:
        for n in range(kills):
            process = started(server.url, path, count, in_flight)
            while server.counts()["answered"] < count * (n + 1) / (kills + 1):
                time.sleep(0.05)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            time.sleep(2 * LATENCY)  # the server finds out that nobody is there
            answers = server.answers()
            cache = Cache(path)
            there = {one.messages[0].content for one in asked if cache.get(one.key) is not None}
            cache.close()
            lost += (gone := len(answers.keys() - there))
            kept = {prompt: answers[prompt] for prompt in there} | kept
            print(
                f"    kill {n + 1}: {len(answers):,} answered by the server, {gone} of them still under way to the disk"
            )
        result = finished(started(server.url, path, count, in_flight))
        served, answers = server.counts(), server.answers()
    again = sum(answers[prompt] > times for prompt, times in kept.items())
    print(
        f"kill: {kills} times kill -9: {result['asked']:,} rows accounted for, {result['got']:,} "
        f"answered; answered by the server: {len(answers):,} different, {served['answered'] - len(answers)} twice, all "
        f"of them among the {lost} under way at a kill; paid again although on disk: {again}"
    )
    whole = result["asked"] == count == len(answers)
    return bool(whole and not again and not result["wrong"] and served["answered"] - len(answers) <= lost)


def commit(folder: Path, count: int) -> bool:
    cache = Cache(folder / "commit.sqlite")
    reply = Reply(text="word " * 200, finish="stop", prompt_tokens=100, completion_tokens=200)
    for size in (1, 16):
        kept = [answer(request, reply) for request in questions(count * (1 + (size > 1)))[-count:]]
        began, cpu = time.perf_counter(), time.process_time()
        for n in range(0, count, size):
            cache.keep(kept[n : n + size])
        wall, cpu = (time.perf_counter() - began) / count, (time.process_time() - cpu) / count
        print(f"commit, {size} answers of 1 kB at a time: {1e6 * cpu:.0f} us CPU, {1e6 * wall:.0f} us wall per answer")
    cache.close()
    return True


DISTILABEL = """
import json, resource, sys, time
if __name__ == "__main__":
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration
    url, count = sys.argv[1], int(sys.argv[2])
    began = time.monotonic()
    with Pipeline(name="questions") as pipeline:
        rows = [{"instruction": f"Question {n}: how many are {n} and {n + 1}?"} for n in range(count)]
        settings = {"max_new_tokens": 64, "temperature": 0.0}
        llm = OpenAILLM(model="m", base_url=url, api_key="none", generation_kwargs=settings)
        LoadDataFromDicts(data=rows, batch_size=256) >> TextGeneration(llm=llm, input_batch_size=256)
    found = pipeline.run(use_cache=False)["default"]["train"]
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    told = {"rows": len(found), "none": sum(text is None for text in found["generation"])}
    print(json.dumps({**told, "seconds": time.monotonic() - began, "cpu": sum(u.ru_utime + u.ru_stime for u in spent)}))
"""


def distilabel(python: str, count: int, rate: float, folder: Path) -> None:
    """The same questions asked by distilabel with its defaults."""
    script = folder / "asks.py"
    script.write_text(DISTILABEL)
    for name, plan in (
        ("quiet", {"latency": LATENCY}),
        ("failures only", {"latency": LATENCY, "faults": FAULTS}),
        ("storm", {"latency": LATENCY, "rate": rate, "burst": 1.0, "whole_seconds": True, "faults": FAULTS}),
    ):
        with ModelServer(**plan) as server:
            command = [python, str(script), server.url, str(count)]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
            served = server.counts()
        lines = [line for line in ended.stdout.splitlines() if line.startswith('{"rows"')]
        last = ended.stderr.strip().splitlines()[-1:] or ["no word"]
        print(f"distilabel, {name}: {lines[-1] if lines else f'ended with {ended.returncode}: {last[0][:200]}'}")
        used = shown(served, rate, 1.0) if name == "storm" else f"{served['seconds']:.1f} s from first to last answer"
        print(f"    {used}; {served['answered']:,} answered by the server, {len(served['twice'])} twice")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--only", choices=("quiet", "storm", "kill", "commit", "distilabel"))
    parser.add_argument("--distilabel", metavar="PYTHON", help="of an environment with distilabel[openai]==1.5.3")
    parser.add_argument("--client", nargs=2, metavar=("URL", "CACHE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        client(given.client[0], given.client[1], given.requests, given.in_flight)
        return
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.only in (None, "quiet"):
            good &= quiet(given.requests, folder, given.in_flight)
        if given.only in (None, "storm"):
            good &= storm(given.requests, given.rate, folder, given.in_flight, 0.1, False)
            good &= storm(given.requests, given.rate, folder, given.in_flight, 1.0, True)
        if given.only in (None, "kill"):
            good &= kill(given.requests, given.rate, folder, given.in_flight, given.kills)
        if given.only in (None, "commit"):
            good &= commit(folder, given.requests)
        if given.distilabel and given.only in (None, "distilabel"):
            distilabel(given.distilabel, given.requests, given.rate, folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
