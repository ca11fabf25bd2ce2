"""`txpush simulate` as a process: its exit codes, and its standard input and output."""

import subprocess
import sys
from pathlib import Path

import orjson

from tests.unit.simulate.build import at, run, seen, text_of

GOOD = seen(185)


def test_a_file_that_cannot_be_opened_ends_it(tmp_path: Path) -> None:
    """A missing file and a folder are refused with 2, by name."""
    for name, why in (("absent", "No such file"), ("", "Is a directory")):
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", "simulate", str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"{tmp_path / name}: {why}")
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
