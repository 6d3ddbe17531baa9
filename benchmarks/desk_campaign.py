"""A campaign at a real annotation server: every judgement through two kills, and what 20,000 records take.

    python -m benchmarks.desk_campaign                     500 comparisons, two scripted annotators, two kill -9
    python -m benchmarks.desk_campaign --records 20000     how long records take to log, to check and to read back
    python -m benchmarks.desk_campaign --against-sdk 2000  the same records by us and by the SDK, in turns

A server of its own is started in a temporary folder and stopped at the end. CPU seconds are those of this process and
of the server together.
"""

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from annotation.desk.accounts import add_person
from annotation.desk.argilla import ArgillaDesk
from annotation.desk.desk import Item, Queue, Value
from annotation.desk.home import Running, serve, status, stop
from annotation.desk.scripted import Scripted, say
from annotation.task import order_of
from annotation.tasks.comparisons import Comparisons
from tests.desk_people import Person, password_of, signed_in, together

TASK = Comparisons()
WORDS = [f"word{number}" for number in range(5000)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int)
    parser.add_argument("--against-sdk", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        began = time.monotonic()
        running = serve(home, 0, print)
        print(f"the server answered after {time.monotonic() - began:.1f} s")
        try:
            if given.records:
                large(running, given.records)
            elif given.against_sdk:
                against_sdk(running, given.against_sdk)
            else:
                campaign(running, 500)
        finally:
            stop(home)


def queued(place: str, name: str, many: int, words: int = 100) -> tuple[Queue, list[Item]]:
    """Comparisons whose better response is known, about 2 KB each."""
    dice = random.Random(1)
    made = []
    for number in range(many):
        prompt, one, two = (" ".join(dice.choices(WORDS, k=words)) for _ in range(3))
        row: dict[str, Any] = {
            "id": f"r{number}",
            "prompt": [{"role": "user", "content": prompt}],
            "responses": [{"content": one, "origin": "x"}, {"content": two, "origin": "y"}],
            "ranks": dice.choice([[1, 2], [2, 1], [1, 1]]),
        }
        order = order_of(row["id"], 0, 2)
        sheet = TASK.sheet(row, order)
        made.append(Item(id=f"i{number:06}", shown=sheet.shown, order=number, truth=TASK.truth(row, order)))
    return Queue(name=name, place=place, form=sheet.form), made


def campaign(running: Running, many: int) -> None:
    """Two people judge every pair while the server is killed twice; then all that was said is looked for."""
    desk = ArgillaDesk(running.url, running.owner_key, patience=120)
    people = [
        (Scripted(name=name, noise=noise, skips=0.02), add_person(desk.client, running.home, account))
        for name, account, noise in (("a1", "mara", 0.1), ("a2", "jon", 0.25))
    ]
    expected: dict[tuple[str, str], Mapping[str, Value] | None] = {}
    sent: list[tuple[str, str]] = []
    queues = []
    for script, made in people:
        queue, items = queued(made.pseudonym, "comparisons", many)
        with timed(running, f"put {many} records into the queue of {made.pseudonym}"):
            desk.put(queue, items)
        queues.append(queue)
        expected |= {(made.pseudonym, item.id): say(script, queue.form, item).values for item in items}
    ended = threading.Event()
    kills: list[float] = []

    def work(account: str, pseudonym: str, password: str) -> None:
        with signed_in(running.url, account, password) as person:
            answer_all(person, pseudonym, expected, sent)

    def storm() -> None:
        for share in (1 / 3, 2 / 3):
            while len(sent) < share * len(expected) and not ended.is_set():
                time.sleep(0.05)
            kills.append(kill_and_start_again(running))

    storming = threading.Thread(target=storm)
    storming.start()
    with timed(running, f"{len(expected)} judgements, two people at once, and the kills"):
        try:
            together([lambda m=made: work(m.name, m.pseudonym, password_of(m.file)) for _, made in people])  # type: ignore[misc]
        finally:
            ended.set()
            storming.join()
    found = {}
    total = 0
    for queue in queues:
        for one in desk.answers(queue):
            total += 1
            found[one.person, one.item] = one.values if one.status == "submitted" else None
    desk.close()
    print(f"killed with -9 {len(kills)} times; back after {', '.join(f'{one:.1f} s' for one in kills)}")
    wrong = sum(found.get(key, "missing") != values for key, values in expected.items())
    print(f"judgements: {len(expected)} meant, {total} read back, {total - len(found)} twice, {wrong} missing or wrong")
    assert total == len(found) == len(expected)
    assert not wrong


def answer_all(
    person: Person,
    pseudonym: str,
    expected: Mapping[tuple[str, str], Mapping[str, Value] | None],
    sent: list[tuple[str, str]],
) -> None:
    """Answer what waits, page by page; what the server did not confirm is answered again, as a person would."""
    while True:
        try:
            dataset = person.datasets()["comparisons"]
            mine = 0
            for record in person.waiting(dataset):
                key = pseudonym, record["external_id"]
                values = expected[key]
                person.answer(record["id"], values or {}, "submitted" if values is not None else "discarded")
                sent.append(key)
                mine += 1
            if not mine:
                return
        except httpx.TransportError:
            time.sleep(0.2)


def kill_and_start_again(running: Running) -> float:
    now = status(running.home)
    assert isinstance(now, Running)
    os.kill(now.pid, signal.SIGKILL)
    began = time.monotonic()
    serve(running.home, None, lambda _: None)
    return time.monotonic() - began


def large(running: Running, many: int) -> None:
    """Log, check and read back; the answers are written by the owner in the name of the annotator, to be quick."""
    desk = ArgillaDesk(running.url, running.owner_key, patience=120)
    made = add_person(desk.client, running.home, "mara")
    queue, items = queued(made.pseudonym, "large", many)
    with timed(running, f"put {many} records"):
        desk.put(queue, items)
    with timed(running, "put them again: all are compared"):
        desk.put(queue, items)
    user = next(one["id"] for one in desk.client.send("", "GET", "users")["items"] if one["username"] == "mara")
    dataset = desk.client.send("", "GET", "me/datasets", name="large")["items"][0]["id"]
    values = {"better": {"value": "a"}, "reason": {"value": "because"}}
    for start in range(0, many, 500):
        said = [{"user_id": user, "status": "submitted", "values": values}]
        batch = [{"external_id": item.id, "responses": said} for item in items[start : start + 500]]
        desk.client.send("", "PUT", f"datasets/{dataset}/records/bulk", {"items": batch})
    with timed(running, f"read {many} answers"):
        assert sum(1 for _ in desk.answers(queue)) == many
    desk.close()


def against_sdk(running: Running, many: int) -> None:
    """Ours and `rg.Dataset.records.log`, three times in turn, each into a queue of its own."""
    import argilla

    desk = ArgillaDesk(running.url, running.owner_key, patience=120)
    made = add_person(desk.client, running.home, "mara")
    sdk = argilla.Argilla(running.url, running.owner_key)
    for turn in range(3):
        queue, items = queued(made.pseudonym, f"ours-{turn}", many)
        with timed(running, f"ours: {many} records"):
            desk.put(queue, items)
        other, _ = queued(made.pseudonym, f"sdk-{turn}", 1)
        desk.put(other, [])
        dataset = sdk.datasets(f"sdk-{turn}", workspace=made.pseudonym)
        with timed(running, f"SDK:  {many} records"):
            dataset.records.log(
                [argilla.Record(id=one.id, fields=dict(one.shown), metadata={"order": one.order}) for one in items]
            )
    sdk.http_client.close()
    desk.close()


@contextmanager
def timed(running: Running, what: str) -> Iterator[None]:
    began, own, (before, theirs) = time.monotonic(), time.process_time(), server_cpu(running)
    yield
    cpu = time.process_time() - own
    pid, after = server_cpu(running)
    server = f"{after - theirs:.1f} s" if pid == before else "not known, it was killed"
    print(f"{what}: {time.monotonic() - began:.1f} s; CPU here {cpu:.1f} s, server {server}")


def server_cpu(running: Running) -> tuple[int, float]:
    """Process id of the server and the CPU seconds it has had."""
    now = status(running.home)
    assert isinstance(now, Running)
    fields = Path(f"/proc/{now.pid}/stat").read_text().rpartition(")")[2].split()
    return now.pid, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
