"""What the log says of decisions: all of it at debug, nothing of it at no cost below, and nobody by name."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest

from schemas.events import Event, EventType, OverrideAction
from schemas.notifications import CONNECT_TYPES
from schemas.policy import Policy
from schemas.signals import Signal, SignalType
from streams.agent import turn
from streams.fold import lines
from streams.fold.intake import partition_of
from streams.fold.lines import STRANGE, known_id, known_type
from streams.observe.logs import LogFormat
from streams.observe.logs.limit import BURST
from streams.pseudonyms import Kind
from tests.unit.fold.build import (
    ANY_SHARE,
    BANKS,
    DAY,
    HOUR,
    MINUTE,
    PARTITION,
    PARTITIONS,
    START,
    agent_world,
    deleted,
    forgotten,
    institution_world,
    looked,
    overridden,
    record,
    signal,
    tick,
)
from tests.written import NAMES, Written, written_log

ONE, TWO, THREE = [key for n in range(7000000001, 7000000100) if partition_of(key := str(n), PARTITIONS) == PARTITION][
    :3
]
ACCOUNT = "a5900000001"
LOGIN = "L5900000001"
MARKS = (ONE, TWO, THREE, ACCOUNT, LOGIN)
"""What no line may have in clear."""
LOOSE = Policy(dead_letter=ANY_SHARE)
NOBODY_KNOWS = 4242


@pytest.fixture
def written() -> Iterator[Written]:
    with written_log() as log_of_this:
        yield log_of_this


def sent(one: Event) -> Event:
    """Give an event the id that it has when it comes over HTTP: it follows from the body, and names nobody."""
    return msgspec.structs.replace(one, id=f"{hashlib.sha256(one.id.encode()).hexdigest()}:0")


def told(login: str, at: datetime) -> Event:
    """Give the signal of a login, about such an event."""
    one = signal(SignalType.FAILING, login, at)
    assert isinstance(one.data, Signal)
    caused = hashlib.sha256(login.encode()).hexdigest()
    data = one.data.model_copy(update={"event_id": f"{caused}:3"})
    return msgspec.structs.replace(one, id=f"1/{at.hour * 60 + at.minute}/0", data=data)


def fails(customer: str, code: int, after: Any = 0 * HOUR, **more: Any) -> Event:  # noqa: ANN401 - as `looked`
    return sent(looked(customer, code, START + after, ACCOUNT, **more))


def decided(written: Written) -> list[dict[str, Any]]:
    return written.of("streams.decisions")


def test_a_line_a_decision(written: Written) -> None:
    """Event, place, outcome, rules and every command by id, so that a command leads back to its request."""
    written.begin(level=logging.DEBUG)
    world, event = agent_world(), fails(ONE, 185)
    world.hear(event)
    (command,) = world.sent("remediation.connect-fix")
    assert command["evidence"]["event_ids"] == [event.id]
    (line,) = decided(written)
    others = line.pop("others")
    assert [other.partition(" ")[0] for other in others] == ["institution.signals"]
    assert set(command["evidence"]["rules"]) <= set(line["rules"])
    assert line == {
        "event": "decided",
        "event_id": event.id,
        "correlation_id": event.id.removesuffix(":0"),
        "type": "txpush.account.modified",
        "topic": "aggregation.events",
        "partition": PARTITION,
        "offset": 0,
        "customer": NAMES.name(Kind.CUSTOMER, ONE),
        "outcome": "observed",
        "rules": line["rules"],
        "phases": line["phases"],
        "commands": [
            {
                "id": f"{command['command_id']}:0",
                "topic": "remediation.connect-fix",
                "action": "issue",
                "command_id": command["command_id"],
                "sequence": 0,
            }
        ],
    }


def test_what_comes_to_nothing_has_a_line_too(written: Written) -> None:
    """A redelivery: who asks where an event went finds that it was one."""
    world, event = agent_world(), fails(ONE, 185)
    world.hear(event)
    written.begin(level=logging.DEBUG)
    world.hear(event)
    (line,) = decided(written)
    assert (line["event"], line["outcome"], line["offset"]) == ("nothing to decide", "duplicate_event", 1)


def test_a_tick_has_a_line_for_each_customer(written: Written) -> None:
    """Timers of two customers in one record: each has its own commands, and its own pseudonym."""
    world = agent_world()
    world.hear(fails(ONE, 103), fails(TWO, 103))
    written.begin(level=logging.DEBUG)
    world.hear(tick(START + DAY + HOUR))
    told = decided(written)
    assert {line["customer"] for line in told} == {NAMES.name(Kind.CUSTOMER, one) for one in (ONE, TWO)}
    assert [[command["action"] for command in line["commands"]] for line in told] == [["remind"], ["remind"]]
    assert {line["outcome"] for line in told} == {"tick"}


def test_a_ticket_leads_back_to_the_event(written: Written) -> None:
    """The institution agent's line has the signal as its event, and the correlation of what the signal is about."""
    written.begin(level=logging.DEBUG)
    world = institution_world()
    world.hear(told(LOGIN, START))
    (line,) = decided(written)
    assert line["institution"] == BANKS[0]
    assert line["correlation_id"] == hashlib.sha256(LOGIN.encode()).hexdigest()
    assert [(one["topic"], one["action"]) for one in line["commands"]] == [("remediation.support-ticket", "issue")]


def test_a_dead_letter_is_a_warning_with_its_place(written: Written) -> None:
    """At the level that services run with; the reason is in words, the record is not."""
    written.begin()
    world = agent_world(LOOSE)
    world.poll([record(7, fails(ONE, 185), key=TWO)])
    place = {"topic": "aggregation.events", "partition": PARTITION, "offset": 7}
    (line,) = decided(written)
    assert line.items() >= place.items()
    assert line["event"] == "a record is set aside: wrong_partition"
    assert line["event_id"] == fails(ONE, 185).id


@pytest.mark.parametrize("words", ["Ira Intruder", "Intruder", "ira.intruder", "connect.Intruder", "operator:Intruder"])
@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source"])
def test_a_strange_writer_names_nobody(written: Written, name: str, words: str) -> None:
    """Whoever else writes into the log may have a name where an id or a type should be, in whatever characters."""
    written.begin(level=logging.DEBUG)
    sound = record(7, fails(ONE, 185))
    headers = [(one, words.encode() if one == name else value) for one, value in sound.headers]
    agent_world(LOOSE).poll([replace(sound, headers=headers)])
    assert "intruder" not in written.text.lower()
    told = {(line["event_id"], line["type"]) for line in decided(written)}
    event_id = STRANGE if name == "ce_id" else fails(ONE, 185).id
    assert told == {(event_id, STRANGE if name == "ce_type" else "txpush.account.modified")}


def test_a_strange_bank_is_not_named(written: Written) -> None:
    """The key of a signal of a strange writer may be a name, too."""
    written.begin(level=logging.DEBUG)
    institution_world(LOOSE).poll([replace(record(7, told(LOGIN, START)), key=b"Intruder")])
    assert {line["institution"] for line in decided(written)} == {STRANGE}
    assert "Intruder" not in written.text


@pytest.mark.parametrize("kind", [*EventType, *SignalType, *(f"connect.{word}" for word in sorted(CONNECT_TYPES))])
def test_a_type_that_is_known_is_told(kind: str) -> None:
    """Every type of the contract, and every event of Data Connect that is documented or was seen."""
    assert known_type(kind) == kind


SHA256, UUID = hashlib.sha256(b"").hexdigest(), "8c7b2c9e-3f0a-5d55-9d0e-6f1c0b3f7a10"


@pytest.mark.parametrize(
    "event_id",
    [
        *(f"{SHA256}:0", f"{SHA256}:1234567"),
        *("1/2/0", "1/2/healthy/102105"),
        *(f"operator:{UUID}", f"operator:{UUID}:institution.signals/11", f"policy:{UUID}"),
        "tick:aggregation.events/0/1793502000000",
    ],
)
def test_an_id_of_ours_is_told(event_id: str) -> None:
    """Those of bodies and of readings, of signals, of operators' acts, of rules and of ticks."""
    assert known_id(event_id) == event_id


def test_a_flood_of_dead_letters_hides_none_of_another_reason(written: Written) -> None:
    """Whoever floods the log with one sort of bad record leaves the lines of others, of a bad release for one."""
    written.begin()
    world = agent_world(LOOSE)
    flood = [record(offset, fails(ONE, 185), key=TWO) for offset in range(BURST + 5)]
    world.poll([*flood, replace(record(BURST + 5, fails(ONE, 185)), headers=())])
    events = [line["event"] for line in decided(written)]
    assert [event == "a record is set aside: wrong_partition" for event in events] == [True] * BURST + [False]


def test_a_code_that_nobody_knows_is_a_warning_of_its_own(written: Written) -> None:
    """Each code is one kind: a flood of one hides no other, and says how much of it there was."""
    written.begin()
    world = agent_world()
    world.hear(*(fails(ONE, NOBODY_KNOWS, n * HOUR) for n in range(BURST + 5)), fails(TWO, NOBODY_KNOWS + 1))
    told = written.of("streams.agent.counting")
    assert [str(NOBODY_KNOWS) in line["event"] for line in told] == [True] * BURST + [False]
    assert told[-1]["customer"] == NAMES.name(Kind.CUSTOMER, TWO)


def test_an_unknown_code_of_a_strange_writer_names_nobody(written: Written) -> None:
    """Its id and its institution may be anybody's words, too."""
    written.begin()
    sound = record(7, fails(ONE, NOBODY_KNOWS))
    headers = [(one, b"Ira Intruder" if one == "ce_id" else value) for one, value in sound.headers]
    agent_world(LOOSE).poll([replace(sound, headers=headers)])
    assert "in no catalogue" in written.text
    assert "Intruder" not in written.text


def test_below_debug_a_poll_asks_once_and_makes_nothing(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether somebody listens is asked once a poll, however many records it has; no line is put together."""
    asked: list[int] = []

    def ask(level: int) -> bool:
        asked.append(level)
        return False

    def make(*_: object) -> None:
        pytest.fail("a line was begun")

    written.begin()
    monkeypatch.setattr(lines.log, "isEnabledFor", ask)
    monkeypatch.setattr(lines.DecisionLines, "__init__", make)
    monkeypatch.setattr(lines.Place, "of", make)
    world = agent_world()
    world.hear(*(fails(ONE, 185 if n % 2 else 0, n * HOUR) for n in range(50)))
    world.hear(*(fails(TWO, 185 if n % 2 else 0, n * HOUR) for n in range(50)))
    assert asked == [logging.DEBUG] * 2


@pytest.mark.parametrize("form", ["json", "human"])
def test_nobody_is_named(written: Written, monkeypatch: pytest.MonkeyPatch, form: LogFormat) -> None:
    """Whatever becomes of an event, at debug: decisions, redeliveries, dead letters, our own faults and traces."""
    written.begin(form, logging.DEBUG)
    world = agent_world(LOOSE)
    world.hear(
        fails(ONE, 185), fails(ONE, 185), fails(ONE, 169, MINUTE), fails(TWO, NOBODY_KNOWS), fails(TWO, 103, HOUR)
    )
    world.hear(fails(THREE, 185, institution_login_id=None), sent(deleted(THREE, START + HOUR, ACCOUNT)))
    world.hear(sent(overridden(OverrideAction.SILENCE, START + HOUR, ONE)), tick(START + 2 * DAY))
    world.hear(fails(ONE, 0, 3 * DAY), sent(forgotten(ONE, START + 3 * DAY)))
    world.poll([record(90, fails(ONE, 185), key=TWO), record(91, fails(ONE, 185), key="7000000003")])
    broken = record(92, fails(ONE, 185))
    world.poll([type(broken)(93, broken.timestamp, broken.key, b'{"customerId": ' + ONE.encode(), broken.headers)])

    def poisoned(*_: object) -> None:
        raise KeyError(ONE, ACCOUNT, LOGIN)

    monkeypatch.setattr(turn, "decide", poisoned)
    world.poll([record(94, fails(ONE, 185)), record(95, tick(START + 9 * DAY))])
    institutions = institution_world()
    institutions.hear(*(told(f"L590000000{n}", START + n * MINUTE) for n in range(9)))
    assert len(written.text.splitlines()) > 20
    assert written.named([NAMES.name(Kind.CUSTOMER, ONE)]) != []
    assert written.named(MARKS) == []
