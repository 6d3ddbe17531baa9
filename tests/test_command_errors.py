"""Mistakes, bad input, damage and hostile names: the exit code says whose they are, and a sentence says what to do.

The sentences themselves are in golden/errors.txt; mistakes in recipes are in test_recipe.py.
"""

import io
import json
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.shell import furnish, gristmill, ran, run_small

HOSTILE = "\x1b[31m\x1b]0;PWN\x07\nevil.jsonl"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return furnish(tmp_path)


@pytest.fixture
def frozen(place: Path) -> Path:
    """A place with the version rows@1.0.0."""
    assert run_small(place, "--as", "rows@1.0.0").returncode == 0
    return place


def version(place: Path) -> Path:
    return place / "gristmill-store" / "versions" / "rows" / "1.0.0"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("run", "web_txt", "-p", "input=in"),
            "no built-in recipe 'web_txt'; built in: audit, best_of_n, ",
        ),
        (("run", "mine.py:small", "-p", "inptu=in"), "has no parameter 'inptu' (did you mean input?); it has input"),
        (("run", "mine.py:small"), "needs -p input=TEXT"),
        (("run", "mine.py:small", "-p", "input"), "write it as key=value"),
        (("run", "mine.py:small", "-p", "input=nowhere"), "there is nothing at nowhere"),
        (("run", "mine.py:large", "-p", "input=in"), "mine.py has no function 'large'; its functions: small"),
        (("run", "nothere:small", "-p", "input=in"), "no module 'nothere'"),
        (("run", "mine.py:small", "-p", "input=in", "--as", "rows"), "'rows' names no version; write rows@VERSION"),
        (("run", "mine.py:small", "-p", "input=in", "--as", "Rows@1"), "is no name for a dataset"),
        (("run", "mine.py:small", "-p", "input=in", "--as", ""), "--as is empty"),
        (("run", "mine.py:small", "-p", "input=in", "--as", "a@1", "--as", "b@1"), "--as was given 2 times (a@1, b@1)"),
        (("run", "mine.py:small", "-p", "input=in", "--store", ""), "--store is empty"),
        (
            ("run", "mine.py:small", "-p", "input=in", "--max-quarantined", "nan"),
            "'--max-quarantined': Input should be",
        ),
        (("show", "rows@1.0.0"), "there is no rows@1.0.0: the store"),
        (("verify", "rows"), "names no version"),
        (("list", "--store", "nosuch://bucket/x"), "the store nosuch://bucket/x cannot be opened: Protocol not known"),
        (("demo", "--store", "memory://x"), "give it a folder on this machine"),
        (("plan", "web_text", "-p", "input=in", "-p", "min_words=many"), "-p min_words=many: this is no int"),
        (("plan", "web_text", "-p", "input=in", "-p", "min_jaccard=nan"), "min_jaccard=nan: write a finite number"),
        (("plan", "web_text", "-p", "input=in", "-p", "min_jaccard=1e999"), "write a finite number"),
        (("plan", "web_text", "-p", "input=in", "-p", "min_jaccard=2"), "must be above 0 and at most 1"),
        (("plan", "web_text", "-p", "input=in", "-p", "language=zz"), "no word rules for language 'zz'"),
        (("plan", "plain_text", "-p", "input=in", "-p", "language=zz"), "no word rules for language 'zz'"),
        (("adopt", "in", "--as", "a@1", "--kind", "prose", "--license", "MIT", "--source", "s"), "is no row type"),
        (
            ("adopt", "in", "--as", "a@1", "--as", "a@2", "--kind", "documents", "--license", "MIT", "--source", "s"),
            "--as was given 2 times",
        ),
    ],
)
def test_misuse_ends_with_code_2_and_a_sentence(place: Path, words: tuple[str, ...], says: str) -> None:
    done = gristmill(place, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "gristmill-store").exists(), "nothing was begun"


def test_an_address_without_its_driver_names_the_package(place: Path) -> None:
    code = "import sys; sys.modules['s3fs'] = None; sys.argv = ['gristmill', 'list', '--store', 's3://b/x']"
    command = [sys.executable, "-c", f"{code}; import gristmill; gristmill.main()"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert "the driver for the store s3://b/x is not installed: Install s3fs" in done.stderr


def test_a_dropped_reason_that_does_not_exist_lists_those_that_do(place: Path) -> None:
    with (place / "in" / "rows.jsonl").open("a") as file:
        file.write('{"text": "   "}\n')
    run_small(place, "--as", "rows@1.0.0")
    done = gristmill(place, "sample", "rows@1.0.0", "--reason", "gopher/short")
    assert done.returncode == 2
    assert "the reasons are: normalize/empty (1)" in done.stderr


def test_a_reason_that_dropped_nothing_is_not_offered(frozen: Path) -> None:
    record = json.loads((version(frozen) / "version.json").read_text())
    record["ledger"]["dropped"] = {"near-duplicates/similar": 0, "normalize/empty": 3}
    (version(frozen) / "version.json").write_text(json.dumps(record))
    done = gristmill(frozen, "sample", "rows@1.0.0", "--reason", "near-duplicates/similar")
    assert done.returncode == 2
    assert "the reasons are: normalize/empty (3)\n" in done.stderr


def test_too_much_bad_input_fails_names_it_and_can_be_accepted(place: Path) -> None:
    with (place / "in" / "rows.jsonl").open("a") as file:
        file.write("{broken\n")
    done = run_small(place, "--as", "rows@1.0.0")
    assert done.returncode == 1
    assert "1 of 21 rows (4.8%) could not be read" in done.stderr
    assert "rows.jsonl, line 21: broken-json" in done.stderr
    accepted = run_small(place, "--as", "rows@1.0.0", "--max-quarantined", "0.1")
    assert accepted.returncode == 0
    assert "21 read = 20 kept + 0 dropped + 1 quarantined" in accepted.stdout


def test_bad_input_once_accepted_is_still_refused_by_a_run_that_does_not_accept_it(place: Path) -> None:
    with (place / "in" / "rows.jsonl").open("a") as file:
        file.write("{broken\n")
    assert run_small(place, "--max-quarantined", "0.1").returncode == 0
    again = run_small(place, "--as", "rows@1.0.0")
    assert again.returncode == 1
    assert "1 of 21 rows (4.8%) could not be read" in again.stderr
    assert "rows.jsonl, line 21: broken-json" in again.stderr
    assert not version(place).exists()


def test_adopted_bad_input_is_refused_however_often_it_is_asked_for(place: Path) -> None:
    with (place / "in" / "rows.jsonl").open("a") as file:
        file.write("{broken\n")
    words = ("adopt", "in", "--as", "a@1", "--kind", "documents", "--license", "MIT", "--source", "here")
    assert gristmill(place, *words).returncode == 1
    again = gristmill(place, *words)
    assert (again.returncode, "could not be read" in again.stderr) == (1, True)
    assert gristmill(place, *words, "--max-quarantined", "0.1").returncode == 0


def test_other_rows_under_a_used_name_fail(frozen: Path) -> None:
    with (frozen / "in" / "rows.jsonl").open("a") as file:
        file.write('{"text": "one more"}\n')
    done = run_small(frozen, "--as", "rows@1.0.0")
    assert done.returncode == 1
    assert "rows@1.0.0 is frozen with other rows" in done.stderr


def test_a_version_without_rows_is_warned_about_with_the_reason(place: Path) -> None:
    (place / "in" / "rows.jsonl").write_text('{"text": "  "}\n' * 3)
    done = run_small(place, "--as", "rows@1.0.0")
    assert done.returncode == 0, done.stderr
    assert "rows@1.0.0 has no rows, and `load_dataset` refuses" in done.stderr
    assert "3 of 3 were dropped, 3 of them as normalize/empty" in done.stderr


def test_a_damaged_file_is_named_and_fails(frozen: Path) -> None:
    file = version(frozen) / "data" / "train-00000-of-00001.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    done = gristmill(frozen, "verify", "rows@1.0.0")
    assert done.returncode == 1
    assert "data/train-00000-of-00001.parquet is damaged" in done.stdout


@pytest.mark.parametrize("content", [b"", b'{"name": "ro', b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_version_json_is_named_with_what_to_do(frozen: Path, content: bytes) -> None:
    (version(frozen) / "version.json").write_bytes(content)
    for command in ("show", "sample", "verify"):
        done = gristmill(frozen, command, "rows@1.0.0")
        assert done.returncode == 1
        assert "versions/rows/1.0.0/version.json is damaged" in done.stderr
        assert "put it back from a copy; `gristmill verify rows@1.0.0`" in done.stderr


@pytest.mark.parametrize("name", ["done.json", "task-00000.json"])
def test_a_damaged_cache_is_named_with_the_folder_to_delete(place: Path, name: str) -> None:
    run_small(place)
    (step,) = (place / "gristmill-store" / "steps" / "small").glob("read-*")
    (step / name).write_bytes((step / name).read_bytes()[:20])
    if name != "done.json":  # facts of tasks are read while a step is not done
        (step / "done.json").unlink()
        shutil.rmtree(next(step.parent.glob("keep-*")))
    done = run_small(place)
    assert done.returncode == 1
    assert f"{step}/{name} is damaged" in done.stderr
    assert f"delete the folder {step} and run again" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_version_and_a_junk_folder_do_not_hide_the_good_ones(frozen: Path) -> None:
    shelf = frozen / "gristmill-store" / "versions"
    for folder in ("rows/2.0.0", "Junk folder/1"):
        (shelf / folder).mkdir(parents=True)
        (shelf / folder / "version.json").write_text("{")
    done = gristmill(frozen, "list", "--json")
    assert done.returncode == 0
    assert [entry["ref"] for entry in json.loads(done.stdout)] == ["rows@1.0.0"]
    left_out = [line for line in done.stderr.splitlines() if "left out" in line]
    assert len(left_out) == 2
    assert "Junk folder/1" in left_out[0]
    assert "rows/2.0.0/version.json is damaged" in left_out[1]


def test_damaged_examples_are_named(place: Path) -> None:
    (place / "in" / "rows.jsonl").write_text('{"text": "  "}\n{"text": "good"}\n')
    run_small(place, "--as", "rows@1.0.0")
    (version(place) / "ledger" / "examples.parquet").write_bytes(b"nothing of the kind")
    done = gristmill(place, "sample", "rows@1.0.0", "--reason", "normalize/empty")
    assert done.returncode == 1
    assert "ledger/examples.parquet cannot be read" in done.stderr


def test_a_fault_says_that_it_is_one_and_how_to_see_more(frozen: Path) -> None:
    record = json.loads((version(frozen) / "version.json").read_text())
    record["ledger"] = {"kept": 20}
    (version(frozen) / "version.json").write_text(json.dumps(record))
    done = gristmill(frozen, "show", "rows@1.0.0")
    assert done.returncode == 1
    assert done.stderr.startswith("gristmill: this is a fault in gristmill, not in your data: KeyError: 'dropped'; set")
    assert "Traceback" in gristmill(frozen, "show", "rows@1.0.0", GRISTMILL_DEBUG="1").stderr


def test_a_full_disk_names_the_store(place: Path) -> None:
    command = [sys.executable, "-m", "gristmill", "run", "mine.py:small", "-p", "input=in", "--workers", "1"]
    done = subprocess.run(
        command,
        cwd=place,
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "", "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_DISABLE_JIT": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40)),
    )
    assert done.returncode == 1
    assert f"gristmill: the store {place}/gristmill-store: File too large" in done.stderr


def test_ctrl_c_ends_with_130_and_one_line(place: Path) -> None:
    (place / "slow.py").write_text(
        "import os, time\n\ndef wait() -> None:\n    os.write(1, b'!')\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-m", "gristmill", "run", "slow.py:wait"]
    process = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(1) == b"!"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode() == "gristmill: stopped; run the same command again to go on\n"


def test_a_reader_that_leaves_is_no_error(frozen: Path) -> None:
    command = [sys.executable, "-m", "gristmill", "list"]
    with subprocess.Popen(command, cwd=frozen, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_corpus_text_cannot_control_the_terminal(place: Path) -> None:
    text = "red\x1b]0;title\x07 \x9b31m \u202e"
    (place / "in" / "rows.jsonl").write_text(json.dumps({"id": "\x1b[31m\nfake line", "text": text}) + "\n")
    run_small(place, "--as", "rows@1.0.0", "-p", "license=\x1b[31m\nfake line")
    for words in (("sample",), ("show",), ("sample", "--json"), ("show", "--json")):
        said = ran(place, words[0], "rows@1.0.0", *words[1:])
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said)
        assert "\nfake line" not in said


def test_the_name_of_a_member_cannot_control_the_terminal(place: Path) -> None:
    with tarfile.open(place / "in" / "evil.tar", "w") as archive:
        data = b"{broken\n"
        member = tarfile.TarInfo(HOSTILE)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    done = run_small(place)
    assert done.returncode == 1
    assert "PWN" in done.stderr
    assert not {"\x1b", "\x07"} & set(done.stderr)
    assert "\nevil.jsonl" not in done.stderr


def test_keys_of_outside_rows_cannot_control_the_terminal(place: Path) -> None:
    row = {HOSTILE: 1, "nested": {"\x1b[31m": 1}, "\x9bkey": [{"\x1b[0m": 1}]}
    (place / "in" / "rows.jsonl").write_text(json.dumps(row) + "\n")
    words = ("--as", "a@1", "--kind", "preferences", "--license", "MIT", "--source", "s")
    done = gristmill(place, "adopt", "in", *words)
    assert done.returncode == 2
    assert "PWN" in done.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(done.stderr)
    assert "\nevil.jsonl" not in done.stderr


def test_a_word_of_the_command_line_cannot_control_the_terminal(place: Path) -> None:
    done = gristmill(place, "run", "\x1b[31mred")
    assert (done.returncode, "\x1b" in done.stderr) == (2, False)
