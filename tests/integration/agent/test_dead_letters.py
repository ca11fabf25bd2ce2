"""Dead letters from first to last on a real broker: listed, shown, put back, and what a pause for them comes to."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from schemas.audit import DeadLetter, DeadLetterReason
from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, ClockTick, CustomerForgotten, Event, EventType, Source
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.bridge.intake import Topics, take
from streams.cli import txpush
from streams.fold.intake import partition_of
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import DEAD_LETTER, EMBEDDED, EVENTS
from streams.observe.labels import Route
from streams.operate.letters import command
from tests.integration.committed import committed
from tests.processes import Program, settings_for, started
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

FIX = "remediation.connect-fix"
SECONDS = 30.0
MINUTE = timedelta(minutes=1)
WHY = ["--by", "ann", "--why", "the release is mended"]
RELEASE = "from streams.agent.app import main; main()"
POISONED = """
from streams.agent import refusals
refusals.MAX_ACCOUNTS = 1
from streams.agent.app import main
main()
"""
"""A release that fails at whoever has two accounts."""

_numbers = count(7_100_000_000)


def new_customer(partition: int) -> str:
    """Give a customer of a partition that no other test has."""
    return next(one for one in map(str, _numbers) if place_of(one) == partition)


def place_of(customer: str) -> int:
    """Give the partition of a customer."""
    return partition_of(customer, EMBEDDED.partitions)


def now() -> datetime:
    """Give the present in whole milliseconds."""
    return from_epoch_ms(time.time_ns() // 1_000_000)


def looked(customer: str, code: int, account: str, at: datetime) -> Event:
    """Give a snapshot of an account with a login of its own."""
    snapshot = AccountSnapshot(
        customer_id=customer,
        account_id=account,
        institution_id="102105",
        institution_login_id=f"L{account}",
        aggregation_status_code=code,
        aggregation_attempt_date=at - MINUTE,
    )
    name = f"{customer}/{account}/{to_epoch_ms(at)}"
    return Event(name, EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, snapshot, None, customer)


@dataclass
class Log:
    """The broker as others write and read it."""

    bootstrap: str

    def write(self, *events: Event, partition: int = 0) -> None:
        """Put events into the inbound log; those without a key into the partition named."""
        records = [(one, to_headers(one)) for one in events]
        self.put(
            {
                "topic": EVENTS,
                "partition": partition if one.partition_key is None else place_of(one.partition_key),
                "key": one.partition_key,
                "value": to_value(one.data),
                "headers": list(headers),
                "timestamp": to_epoch_ms(one.time),
            }
            for one, headers in records
        )

    def put(self, records: Iterable[dict[str, Any]]) -> None:
        """Write records, whatever they are."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 1})
        for one in records:
            producer.produce(**one)
        assert producer.flush(SECONDS) == 0

    def flood(self, partition: int, size: int) -> None:
        """Write records that are no events."""
        self.put({"topic": EVENTS, "partition": partition, "key": b"noise", "value": b"{}"} for _ in range(size))

    def read(self, topic: str) -> list[Any]:
        """Give the committed records of a topic, partition by partition."""
        return committed(self.bootstrap, topic, range(EMBEDDED.partitions), SECONDS)

    def of(self, topic: str, customer: str) -> list[Any]:
        """Give the records of a customer."""
        return [one for one in self.read(topic) if one.key() == customer.encode()]

    def logins(self, customer: str) -> list[str]:
        """Give the logins for which a connect-fix was issued, in order, as often as it was."""
        return [json.loads(one.value())["institution_login_id"] for one in self.of(FIX, customer)]

    def letters(self, customer: str) -> list[str]:
        """Give the ids of the dead letters of a customer, notes not among them."""
        return [f"{one.partition()}/{one.offset()}" for one in self.of(DEAD_LETTER, customer) if not one.headers()]


@contextmanager
def agent_of(log: Log, file: Path, code: str = RELEASE) -> Iterator[Program]:
    """Run the agent, of one release or another, once it does all of its work or says why not; it ends in order."""
    settings = settings_for(log.bootstrap, INSTANCE="agent-0", SESSION_SECONDS="3")
    agent = Program(("-c", code), settings, file)
    with started(agent):
        agent.until(agent.said, lambda text: "metrics at" in text)
        yield agent
        assert agent.stop() == 0, agent.said()


@pytest.fixture(autouse=True)
def log(broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> Log:
    for name, value in settings_for(broker.bootstrap).items():
        monkeypatch.setenv(name, value)
    return Log(broker.bootstrap)


def typed(*words: str) -> Result:
    """Run a command line."""
    return CliRunner().invoke(txpush, ["dead-letter", *words])


def listed(*words: str) -> list[dict[str, Any]]:
    """Give what `list` prints for programs."""
    done = typed("list", *words)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_failed_is_decided_once_it_is_put_back(log: Log, tmp_path: Path) -> None:
    """A release fails at a customer; under the next one the record is put back, once, and becomes its command."""
    poisoned, well = new_customer(0), new_customer(0)
    failing = looked(poisoned, 103, "a2", now())
    with agent_of(log, tmp_path / "poisoned", POISONED):
        log.write(looked(poisoned, 0, "a1", now()), failing, looked(well, 103, "a1", now()))
        wait_until(lambda: log.logins(well) == ["La1"])
    (letter,) = log.letters(poisoned)
    shown = json.loads(typed("show", letter).stdout)
    assert (shown["reason"], shown["component"], shown["retry"]) == ("bad_data", "agent", "can be put back")
    assert shown["record"]["headers"]["ce_id"] == failing.id
    before = log.read(EVENTS)
    dry = typed("retry", letter, "--dry-run", *WHY)
    assert (dry.exit_code, dry.output) == (0, "1 can be put back: 1 bad_data\n")
    assert len(log.read(EVENTS)) == len(before)
    with agent_of(log, tmp_path / "mended"):
        done = typed("retry", "--reason", "bad_data", "--since", "1h", "--yes", *WHY)
        assert done.exit_code == 0, done.output
        wait_until(lambda: log.logins(poisoned) == ["La2"])
        again = typed("retry", letter, "--yes", *WHY)
        assert (again.exit_code, "it was put back already" in again.output) == (2, True)
        by_filter = typed("retry", "--reason", "bad_data", "--yes", *WHY)
        assert (by_filter.exit_code, "1 were put back before" in by_filter.output) == (2, True)
        original, copy = (
            one for one in log.of(EVENTS, poisoned) if dict(one.headers())["ce_id"] == failing.id.encode()
        )
        assert (copy.value(), copy.timestamp(), copy.partition()) == (original.value(), original.timestamp(), 0)
        where = f"{EVENTS}/0/{original.offset()}".encode()
        assert copy.headers() == [*original.headers(), ("ce_retryof", where)]
        (one,) = [one for one in listed() if one["id"] == letter]
        assert one["put_back"] == [f"{EVENTS}/0/{copy.offset()}"]
        unnoted = {
            "key": copy.key(),
            "value": copy.value(),
            "headers": copy.headers(),
            "timestamp": copy.timestamp()[1],
        }
        log.put([{"topic": EVENTS, "partition": 0, **unnoted}])
        log.write(looked(well, 103, "a2", now()))
        wait_until(lambda: log.logins(well) == ["La1", "La2"])
    assert log.logins(poisoned) == ["La2"]
    assert log.letters(poisoned) == [letter]


@pytest.mark.slow
@pytest.mark.parametrize("is_asked", [True, False], ids=["while the operator is asked", "before"])
def test_the_forgotten_are_not_put_back(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_asked: bool
) -> None:
    """A record whose customer was forgotten behind it stays aside, with words; those of others are put back."""
    gone, well = new_customer(0), new_customer(0)
    with agent_of(log, tmp_path / "poisoned", POISONED):
        log.write(
            *(looked(one, code, account, now()) for one in (well, gone) for code, account in ((0, "a1"), (103, "a2")))
        )
        wait_until(lambda: len(log.letters(well)) == len(log.letters(gone)) == 1)
    order = CustomerForgotten(customer_id=gone, who="ann", why="asked to")
    forgotten = Event(f"forget:{gone}", EventType.CUSTOMER_FORGOTTEN, Source.OPERATOR, now(), order, None, gone)
    if is_asked:
        monkeypatch.setattr(command, "agreed", lambda *_, **__: log.write(forgotten))
    else:
        log.write(forgotten)
    done = typed("retry", *log.letters(well), *log.letters(gone), "--yes", *WHY)
    assert (done.exit_code, f"{log.letters(well)[0]} put back to" in done.output) == (1, True)
    assert "its customer was forgotten after it" in typed("show", *log.letters(gone)).output
    assert len(log.of(EVENTS, well)) == 3
    assert [dict(one.headers()).get("ce_retryof") for one in log.of(EVENTS, gone)] == [None] * 3


@pytest.mark.slow
def test_what_fails_again_is_a_letter_of_its_own(log: Log, tmp_path: Path) -> None:
    """Put back under the same release it is set aside anew, and that letter may be retried, too."""
    poisoned = new_customer(1)
    with agent_of(log, tmp_path / "poisoned", POISONED):
        log.write(looked(poisoned, 0, "a1", now()), looked(poisoned, 103, "a2", now()))
        wait_until(lambda: len(log.letters(poisoned)) == 1)
        assert typed("retry", *log.letters(poisoned), "--yes", *WHY).exit_code == 0
        wait_until(lambda: len(log.letters(poisoned)) == 2)
        first, second = log.letters(poisoned)
        done = typed("retry", first, second, "--yes", *WHY)
        assert (done.exit_code, f"{second} put back to" in done.output) == (1, True)
        wait_until(lambda: len(log.letters(poisoned)) == 3)
    headers = [dict(one.headers()) for one in log.of(EVENTS, poisoned)]
    assert [len(one) for one in headers] == [6, 6, 7, 7]


@pytest.mark.slow
def test_what_cannot_be_put_back_is_said(log: Log, tmp_path: Path) -> None:
    """Of a body only the hash is kept, and what was meant for a partition is not repeated: each has a next step."""
    body = b"<event>Jane Doe 4000001111"
    records = take(Route.TXPUSH, body, now(), Topics(EVENTS, DEAD_LETTER)).records
    log.put({"topic": one.topic, "partition": 2, "value": one.value, "headers": list(one.headers)} for one in records)
    with agent_of(log, tmp_path / "agent"):
        strange = Event("tick:2", EventType.CLOCK_TICK, Source.BRIDGE, now(), ClockTick())
        log.write(strange, partition=2)
        wait_until(lambda: len(listed("--partition", "2")) == 2)
    of_bridge, of_agent = (listed("--component", one, "--partition", "2")[0] for one in ("bridge", "agent"))
    assert (of_bridge["reason"], of_agent["reason"]) == ("unreadable_body", "source_not_allowed")
    done = typed("retry", of_bridge["id"], of_agent["id"], "--yes", *WHY)
    assert done.exit_code == 2
    assert "the bridge keeps only the hash of a body" in done.output
    assert "`txpush sweep` reads at the vendor" in done.output
    assert "say an override or a policy again" in done.output
    assert "0 can be put back" in done.output
    whole = typed("show", of_bridge["id"]).stdout
    assert "Jane" not in whole
    assert "4000001111" not in whole
    assert json.loads(whole)["record"] is None


def test_lists_are_chosen_from(log: Log) -> None:
    """By reason, component, partition and time; the counts go to standard error, so that lines stay lines."""
    bad_data, bad_time, unreadable = (
        DeadLetterReason.BAD_DATA,
        DeadLetterReason.BAD_TIME,
        DeadLetterReason.UNREADABLE_BODY,
    )
    bridge = f"{Source.BRIDGE}/{Route.TXPUSH}"
    written = [(bad_data, f"{EVENTS}/2/0"), (unreadable, bridge), (bad_time, f"{EVENTS}/2/1"), (unreadable, bridge)]
    for reason, origin in written:
        letter = DeadLetter(
            reason=reason, detail="", origin=origin, received_at=now(), reduced=None, body_sha256="0" * 64
        )
        log.put([{"topic": DEAD_LETTER, "partition": 2, "value": letter.model_dump_json()}])
    every = listed()
    assert {one["component"] for one in every} == {"agent", "bridge"}
    assert listed("--reason", "bad_data", "--reason", "unreadable_body") == [
        one for one in every if one["reason"] in ("bad_data", "unreadable_body")
    ]
    assert listed("--topic", EVENTS) == [one for one in every if one["component"] == "agent"]
    assert listed("--since", "1h", "--until", "0m") == every
    assert listed("--until", "1h") == []
    assert listed("--since", "0m") == []
    done = typed("list", "--limit", "1")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [max(every, key=lambda one: one["written_at"])]
    assert f"{len(every)} dead letters: " in done.stderr
    assert "shown are the latest 1: --limit shows more" in done.stderr


def test_a_slip_of_the_pen_is_told() -> None:
    """Each ends with 2, and with what to type instead."""
    for words, told in (
        (["show", "9/9"], "there is no dead letter 9/9, or not any more"),
        (["show", "0/123456"], "there is no dead letter 0/123456, or not any more"),
        (["show", "aggregation.events/0/1"], "is no id: `txpush dead-letter list` gives them"),
        (["retry", *WHY], "name dead letters, or choose them"),
        (["retry", "0/123456", "--yes", *WHY], "there is no dead letter 0/123456"),
        (["retry", "0/1", "--by", "", "--why", "x"], "write 1 to 200 characters"),
        (["list", "--since", "soon"], "'soon' is no time"),
    ):
        done = typed(*words)
        assert (done.exit_code, told in done.output) == (2, True), done.output


@pytest.mark.slow
def test_a_pause_ends_with_a_word_in_the_log(log: Log, tmp_path: Path) -> None:
    """Too many dead letters pause one partition, over a restart too, the others go on; `override resume` ends it."""
    behind, elsewhere = new_customer(0), new_customer(1)
    letters = len(log.read(DEAD_LETTER))
    with agent_of(log, tmp_path / "first") as agent:
        log.flood(0, 400)
        agent.until(lambda: agent.page("readyz"), lambda text: "partition 0 is paused" in text)
    log.write(looked(behind, 103, "a1", now()))
    with agent_of(log, tmp_path / "second") as agent:
        agent.until(lambda: agent.page("readyz"), lambda text: "partition 0 is paused" in text)
        log.write(looked(elsewhere, 103, "a1", now()))
        wait_until(lambda: log.logins(elsewhere) == ["La1"])
        assert log.logins(behind) == []
        assert "txpush_agent_partitions_paused 1.0" in agent.page("metrics")
        resumed = CliRunner().invoke(
            txpush, ["override", "resume", "0", "--yes", "--by", "ann", "--reason", "a tool gone wild"]
        )
        assert resumed.exit_code == 0, resumed.output
        agent.until(lambda: log.logins(behind) == ["La1"])
        agent.until(lambda: agent.page("readyz") == "ready\n")
        assert "txpush_agent_partitions_paused 0.0" in agent.page("metrics")
    assert len(log.read(DEAD_LETTER)) == letters + 400


def test_a_poisonous_customer_holds_up_nobody_else(log: Log, tmp_path: Path) -> None:
    """One at whom every decision fails, a hundred times and more: the others of the partition go on as before."""
    poisoned, well, late = new_customer(2), new_customer(2), new_customer(2)
    with agent_of(log, tmp_path / "poisoned", POISONED) as agent:
        log.write(looked(poisoned, 0, "a0", now()))
        log.write(*(looked(poisoned, 103, f"a{n}", now()) for n in range(1, 20)), looked(well, 103, "a1", now()))
        wait_until(lambda: log.logins(well) == ["La1"])
        assert len(log.letters(poisoned)) == 19
        others = [looked(new_customer(2), 0, "a1", now()) for _ in range(60)]
        failing = [looked(poisoned, 103, f"a{n}", now()) for n in range(20, 220)]
        log.write(*others, *failing, looked(late, 103, "a1", now()))
        wait_until(lambda: log.logins(late) == ["La1"], said=lambda: agent.page("readyz"))
        assert len(log.letters(poisoned)) == 219
        assert (agent.ask("readyz"), agent.alive) == ((200, "ready\n"), True)
