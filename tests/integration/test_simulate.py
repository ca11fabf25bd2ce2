"""`txpush simulate` as a process: its exit codes, and its standard input and output."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.component.simulate.build import at, run, seen, text_of

GOOD = seen(185)


def test_a_file_that_cannot_be_opened_ends_it(tmp_path: Path) -> None:
    """A missing file, and a folder that is no export, are refused with 2, by name."""
    for name, why in (("absent", ": No such file"), ("", " is no export: it has no manifest.json")):
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", "simulate", str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"{tmp_path / name}{why}")
        assert "Traceback" not in done.stderr


def test_gzip_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    """A copy that broke off ends with 2 after what could be read."""
    run(tmp_path, [GOOD] * 1000, name="events.gz")
    whole = (tmp_path / "events.gz").read_bytes()
    (tmp_path / "events.gz").write_bytes(whole[: len(whole) // 2])
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "simulate", str(tmp_path / "events.gz")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "the gzip data is damaged or cut off" in done.stderr


def test_standard_input_and_a_reader_that_leaves(tmp_path: Path) -> None:
    """`-` reads standard input; a reader that has seen enough ends it without a word."""
    lines = text_of(seen(185, at(minutes=n), customer=str(n), account=str(n), login=str(n)) for n in range(500))
    (tmp_path / "events.jsonl").write_bytes(lines)
    command = f'"{sys.executable}" -m streams.cli simulate - < events.jsonl | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    first, status = done.stdout.splitlines()
    assert orjson.loads(first)["data"]["action"] == "issue"
    assert (status, done.stderr) == ("0", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (
            "simulate events.jsonl > /dev/full",
            1,
            "not all could be written: No space left on device; ",
        ),
        ("simulate events.jsonl --summary > /dev/full", 1, "not all could be written"),
        ("policy check mine.toml > /dev/full", 1, "not all could be written"),
        ("--help > /dev/full", 1, "not all could be written"),
        ("simulate events.jsonl >&-", 2, "standard output is closed; "),
        ("simulate - <&-", 2, "-: standard input is closed; name a file that can be read, or -"),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_streams_that_are_full_or_closed(
    tmp_path: Path, arguments: str, status: int, says: str, unbuffered: str
) -> None:
    """It is said in one line, without a trace, whenever Python writes."""
    (tmp_path / "events.jsonl").write_bytes(text_of([GOOD]))
    (tmp_path / "mine.toml").write_text('version = "mine"\n')
    command = f'PYTHONUNBUFFERED={unbuffered} "{sys.executable}" -m streams.cli {arguments}'
    done = subprocess.run(["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1), done.stderr
    assert done.stderr.startswith(says)


def test_a_closed_error_stream_changes_nothing(tmp_path: Path) -> None:
    """What would be said of refusals goes nowhere; the exit code says it."""
    command = f'"{sys.executable}" -m streams.cli simulate events.jsonl 2>&-; echo $?'
    done = subprocess.run(["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "2\n"
    command = f'TXPUSH_PARTITIONS=0 "{sys.executable}" -m streams.cli topics check 2>&-; echo $?'
    done = subprocess.run(["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "2\n"
