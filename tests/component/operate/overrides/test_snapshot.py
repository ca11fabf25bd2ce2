"""What `txpush override show` reads: what is in force it cannot do without, who decided it it can."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiokafka import TopicPartition

from schemas.state import CustomerState, LoginState, OtpMark, Silence, encode
from streams.fold.intake import partition_of
from streams.kafka.topics import AGENT, EVENTS, changelog
from streams.operate.overrides import snapshot as module
from streams.operate.overrides.holding import holdings, is_told
from streams.operate.overrides.snapshot import Snapshot, read_snapshot
from streams.operate.writing import OperateError
from tests.component.operate.double import NOW
from tests.component.operate.overrides.log import Log, Record, overriding
from tests.component.operate.overrides.test_holding import decided

PARTITION = partition_of("7", 3)
PLACE = TopicPartition(EVENTS, PARTITION)
SILENT = CustomerState(event_time=NOW, silences={"": Silence()})


def kept(customer: CustomerState, logins: Mapping[str, LoginState] = {}) -> list[Record]:
    """Give the agent's tables as they lie in their topics."""
    records = [Record(changelog(AGENT, "customers"), PARTITION, 0, b"7", encode(customer))]
    for number, (login_id, login) in enumerate(logins.items()):
        records.append(Record(changelog(AGENT, "logins"), PARTITION, number, f"7/{login_id}".encode(), encode(login)))
    return records


def silence(offset: int, at: datetime) -> Record:
    """Give a decision about customer 7 in the log."""
    return overriding(decided(offset, at, PARTITION, action="silence", customer_id="7"))


def tick(offset: int, at: datetime) -> Record:
    """Give a record of the log that decides nothing."""
    return Record(EVENTS, PARTITION, offset, b"8", b"{}", int(at.timestamp() * 1000))


def read(monkeypatch: pytest.MonkeyPatch, log: Log, upto: int) -> Snapshot:
    """Read what is kept of customer 7, of a log that the agent has read up to an offset, two records at a time."""

    async def positions(_bootstrap: str, _partitions: int) -> Mapping[TopicPartition, int]:
        return {PLACE: upto}

    monkeypatch.setattr(module, "positions", positions)
    monkeypatch.setattr(module, "committed_reader", log.reader)
    monkeypatch.setattr(module, "LOOK_BACK_RECORDS", 2)
    return asyncio.run(read_snapshot("", 3, "7", lambda given: is_told(given, "7", NOW)))


def test_a_log_that_cannot_be_read_back_takes_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in force is given when the look-back runs out of time of its own, with what it had found by then."""
    monkeypatch.setattr(module, "READ_SECONDS", 1.0)
    monkeypatch.setattr(module, "LOOK_BACK_SECONDS", 1.1)
    other = overriding(decided(5, NOW, PARTITION, action="close_case", customer_id="7", account_id="5"))
    log = Log([*kept(SILENT), *(tick(number, NOW) for number in range(5)), other], {PLACE: 4})
    given = read(monkeypatch, log, 6)
    assert [(one.action.value, one.who) for one in holdings(given, "7", NOW)] == [("silence", None)]
    assert ([one.offset for one in given.decided], given.is_whole) == ([5], False)


def test_what_has_to_be_read_and_cannot_be_says_what_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large tables are a cause as a lag and a slow broker are."""
    monkeypatch.setattr(module, "READ_SECONDS", 0.1)
    log = Log(kept(SILENT), {TopicPartition(changelog(AGENT, "customers"), PARTITION): 1})
    with pytest.raises(OperateError, match=r"within 0 s: .*tables are large, .* far behind .* broker is slow"):
        read(monkeypatch, log, 0)


def test_the_log_is_read_back_as_far_as_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is known of all who decided, what lies before is left alone."""
    log = Log([*kept(SILENT), *(tick(number, NOW) for number in range(5)), silence(5, NOW)], {PLACE: 4})
    given = read(monkeypatch, log, 6)
    assert [one.who for one in holdings(given, "7", NOW)] == ["ann"]
    assert not given.is_whole


@pytest.mark.parametrize(("code", "unread"), [(185, 2), (931, 8)])
def test_a_mark_of_the_rules_needs_no_whole_log(monkeypatch: pytest.MonkeyPatch, code: int, unread: int) -> None:
    """An operator's word would lie where the mark was set; and operators mark no login for 931."""
    day = timedelta(days=1)
    marked = {"71": LoginState(otp=OtpMark(marked_at=NOW - day, code=code))}
    records = [tick(number, at) for number, at in enumerate([NOW - 30 * day] * 4 + [NOW - day] * 4)]
    given = read(monkeypatch, Log([*kept(CustomerState(event_time=NOW), marked), *records], {PLACE: unread}), 8)
    assert (holdings(given, "7", NOW), given.is_whole) == ([], False)


def test_a_mark_of_an_operator_is_found_where_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is read back to it, and not past it."""
    day = timedelta(days=1)
    marked = {"71": LoginState(otp=OtpMark(marked_at=NOW - 2 * day))}
    word = decided(2, NOW - 2 * day, PARTITION, action="mark_otp", customer_id="7", institution_login_id="71")
    records = [tick(0, NOW - 3 * day), tick(1, NOW - 3 * day), overriding(word), *(tick(n, NOW) for n in range(3, 8))]
    given = read(monkeypatch, Log([*kept(CustomerState(event_time=NOW), marked), *records], {PLACE: 2}), 8)
    assert [(one.action.value, one.who) for one in holdings(given, "7", NOW)] == [("mark_otp", "ann")]


@pytest.mark.parametrize(
    "value", [b"", b'{"silences":{"\xff":{}}}', b'{"later":' + b"[" * 3000], ids=["none", "no text", "endless"]
)
def test_state_that_cannot_be_read_says_so(monkeypatch: pytest.MonkeyPatch, value: bytes) -> None:
    """Whatever a table has in it, the answer is in words."""
    log = Log([Record(changelog(AGENT, "customers"), PARTITION, 0, b"7", value)])
    with pytest.raises(OperateError, match="the agent's table customers is of a later release"):
        read(monkeypatch, log, 0)


def test_records_of_others_take_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a key that is none nor a time that is none, which a broker takes, hides what is in force."""
    strange = [
        Record(changelog(AGENT, "customers"), PARTITION, 1 + n, key, b"{}") for n, key in enumerate((None, b"\xff"))
    ]
    late = [replace(silence(offset, NOW), timestamp=2**62) for offset in range(2)]
    found = read(monkeypatch, Log([*kept(SILENT), *strange, *late]), 1)
    assert [one.action.value for one in holdings(found, "7", NOW)] == ["silence", "silence"]
    assert len(found.waiting) == 1
