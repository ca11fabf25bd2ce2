"""The command: what it reads, how it ends, and what it says to do next."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError
from click.testing import CliRunner, Result

from streams.cli import txpush
from streams.kafka.applied import TopicsError
from streams.settings import Settings
from streams.sweep import command
from streams.sweep.process import Options
from streams.sweep.report import Findings, Report
from streams.sweep.resume import StateError

Outcome = Report | BaseException


class Process:
    """Stands for the process; keeps what it was asked for."""

    def __init__(self) -> None:
        self.outcome: Outcome = Report(2, Findings(3), to_read=2)
        self.options = Options()

    async def sweep_all(self, _settings: Settings, options: Options) -> Report:
        self.options = options
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    made = Process()
    monkeypatch.setattr(command, "sweep_all", made.sweep_all)
    return made


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(txpush, ["sweep", *words], input=stdin)


def test_all_read_ends_with_0(process: Process) -> None:
    """And the report."""
    done = run()
    assert (done.exit_code, process.options) == (0, Options())
    assert done.stdout.startswith("customers read           2 of 2\n")


def test_a_dry_run_keeps_standard_output_for_events(process: Process) -> None:
    """The report goes to standard error."""
    done = run("--dry-run")
    assert (done.exit_code, done.stdout, process.options.is_dry) == (0, "", True)
    assert "to be published" in done.stderr


@pytest.mark.parametrize(
    ("words", "advice"), [((), "with --state it would go on"), (("--state", "s.json"), "run the same to go on")]
)
def test_failed_customers_end_with_1(process: Process, words: tuple[str, ...], advice: str) -> None:
    """And how to go on."""
    process.outcome = Report(1, failed={"7": "the vendor has trouble"}, to_read=2)
    done = run(*words)
    assert done.exit_code == 1
    assert "1 customers could not be read" in done.stderr
    assert advice in done.stderr


def test_a_stop_ends_with_3(process: Process) -> None:
    """With the reason, and the report of what was read."""
    process.outcome = Report(1, failed={"7": "away"}, to_read=9, stopped="SIGTERM asked for it")
    done = run("--state", "s.json")
    assert done.exit_code == 3
    assert "stopped before all were read: SIGTERM asked for it\nrun the same to go on" in done.stderr
    assert "customers read           1 of 9" in done.stdout


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TopicsError("topic account.health is missing"), "topic account.health is missing"),
        (StateError("s.json: is of another sweep"), "s.json: is of another sweep"),
        (KafkaConnectionError("nobody there"), "does not answer: .*nobody there.*TXPUSH_BOOTSTRAP"),
        (TimeoutError("not read within 900 s"), "does not answer: not read within 900 s"),
    ],
)
def test_what_cannot_begin_ends_with_2(process: Process, error: Exception, words: str) -> None:
    """In words, without a trace, and without a report."""
    process.outcome = error
    done = run()
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.search(words, done.stderr)


def test_an_interrupt_before_the_first_customer_ends_with_3(process: Process) -> None:
    """Nothing was done yet."""
    process.outcome = KeyboardInterrupt()
    done = run()
    assert (done.exit_code, done.stderr) == (3, "interrupted before anything was read\n")


def test_customers_are_read_from_a_file(process: Process, tmp_path: Path) -> None:
    """One a line; empty lines and remarks are passed by, one that stands there twice is one."""
    file = tmp_path / "customers.txt"
    file.write_text("# all\n7000000042\n\n 7000000043 \n7000000042\n")
    assert run("--customers", str(file)).exit_code == 0
    assert process.options.named == {"7000000042", "7000000043"}
    assert run("--customers", "-", stdin="7\n").exit_code == 0
    assert process.options.named == {"7"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda file: file.write_text("7\na/b\n" + "x y\n" * 20),
            ["customers.txt:2: not a customer id", "and 11 more"],
        ),
        (lambda file: file.write_bytes(b"\xff"), ["customers.txt cannot be read: it is no text in UTF-8"]),
        (
            lambda _file: None,
            ["customers.txt cannot be read: No such file or directory; name a file with one customer id"],
        ),
    ],
)
def test_a_file_that_cannot_be_used_ends_with_2(
    process: Process, tmp_path: Path, make: Callable[[Path], object], words: list[str]
) -> None:
    """With the number of every line that is no id; nobody is asked for."""
    make(tmp_path / "customers.txt")
    done = run("--customers", str(tmp_path / "customers.txt"))
    assert done.exit_code == 2
    assert all(word in done.stderr for word in words)
    assert process.options == Options()


def test_the_report_is_written_as_json(process: Process, tmp_path: Path) -> None:
    """Whole, whatever the end; where it cannot be written it is said."""
    process.outcome = Report(1, to_read=9, stopped="away")
    file = tmp_path / "report.json"
    assert run("--report", str(file)).exit_code == 3
    assert json.loads(file.read_text())["stopped"] == "away"
    done = run("--report", str(tmp_path / "none" / "report.json"))
    assert (done.exit_code, "the report cannot be written" in done.stderr) == (3, True)


def test_options_reach_the_process(process: Process) -> None:
    """Each by its name."""
    assert run("--state", "s.json", "--at-once", "3", "--max-deletions", "0").exit_code == 0
    assert process.options == Options(state=Path("s.json"), at_once=3, max_deletions=0)


def test_without_an_account_at_the_vendor_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that are missing are named, before Kafka is asked for anything."""
    for name in ("APP_KEY", "PARTNER_ID", "PARTNER_SECRETS"):
        monkeypatch.delenv(f"TXPUSH_{name}", raising=False)
    before = signal.getsignal(signal.SIGTERM)
    done = run()
    assert "TXPUSH_APP_KEY: needed to call the vendor" in str(done.exception)
    assert signal.getsignal(signal.SIGTERM) is before
