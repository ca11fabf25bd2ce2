"""The fold of a log with the real deciders: rules in force, ticks, dead letters and the pause that they bring."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from schemas.audit import DeadLetterReason
from schemas.events import Event, EventType, OverrideAction, PolicyActivated, Source
from schemas.policy import Contact, DeadLetter, Policy, State
from schemas.signals import SignalType
from schemas.times import rfc3339
from streams.agent import refusals, turn, wide
from streams.domain import Customer, Decision, Outcome, decide
from streams.fold.chain import first_link
from streams.fold.effects import ShareTooLarge
from streams.fold.share import MINIMUM
from streams.kafka.topics import AUDIT, DEAD_LETTER, HEALTH, INSTITUTION_HEALTH, SIGNALS
from streams.observe.labels import Gathered
from streams.observe.parts.deciding import AGENT_EVENTS
from tests.unit.fold.build import (
    BANKS,
    CUSTOMERS,
    DAY,
    HOUR,
    IDENTITY,
    MINUTE,
    PARTITION,
    START,
    STRANGER,
    LogRecord,
    World,
    activated,
    agent_world,
    connected,
    deleted,
    event,
    ids_of,
    institution_world,
    looked,
    overridden,
    record,
    rolled_on,
    signal,
    tick,
)

FIX, RELINK, TICKETS = "remediation.connect-fix", "remediation.relink", "remediation.support-ticket"
ONE, TWO, THREE, _ = CUSTOMERS


@pytest.fixture
def agent() -> World:
    return agent_world()


@pytest.fixture
def institutions() -> World:
    return institution_world()


def dead(world: World) -> list[tuple[str, str]]:
    """Give reason and origin of every dead letter."""
    return [(one["reason"], one["origin"]) for one in world.sent(DEAD_LETTER)]


def audited(world: World) -> list[tuple[int, str | None]]:
    """Give offset and key of every audit record."""
    found = [(orjson.loads(one.value or b""), one.key) for one in world.audits]
    return [(one["offset"], None if key is None else key.decode()) for one, key in found]


def failing(*_: object) -> Decision:
    """Stand for a decision that a bad release cannot make."""
    raise ZeroDivisionError


def failing_at_ticks_of(customer_id: str) -> Callable[..., Decision]:
    """Give a `decide` that fails at the timers of one customer."""

    def failing_at_ticks(customer: Customer | None, one: Event, *rest: Any) -> Decision:  # noqa: ANN401 - as it is called
        if one.type == EventType.CLOCK_TICK and customer is not None and customer.customer_id == customer_id:
            raise ZeroDivisionError
        return decide(customer, one, *rest)

    return failing_at_ticks


def unreadable(offset: int) -> LogRecord:
    """Give a record whose data is not JSON."""
    one = record(offset, looked(ONE, 0, START))
    return LogRecord(offset, one.timestamp, one.key, b"{", one.headers)


# -- commands, state, health, signals


def test_a_poll_sees_what_was_decided_before_in_it(agent: World) -> None:
    """Failure and repair in one poll: a command is issued and withdrawn, and health says how it ends."""
    agent.hear(looked(ONE, 185, START), looked(ONE, 0, START + DAY))
    assert [one["action"] for one in agent.sent(FIX)] == ["issue", "withdraw"]
    assert [one["phase"] for one in agent.sent(HEALTH)] == ["healthy"]


def test_messages_are_cloud_events_of_their_cause(agent: World) -> None:
    """A command goes out under the customer's key with the time of the event that caused it."""
    agent.hear(looked(ONE, 185, START))
    (sent,) = agent.out[FIX, PARTITION]
    (command,) = agent.sent(FIX)
    headers = dict(sent.headers)
    assert (sent.key, headers["ce_time"]) == (ONE.encode(), b"2026-11-01T03:00:00Z")
    assert headers["ce_id"].decode() == f"{command['command_id']}:0"
    assert (headers["ce_type"], headers["ce_source"]) == (FIX.encode(), b"/remediation/agent")


def test_a_signal_names_the_record_that_caused_it(agent: World) -> None:
    """A signal goes to the partition of its institution and says where its cause is in the log."""
    agent.hear(looked(TWO, None, START), looked(ONE, 185, START, institution_id=STRANGER))
    (place,) = [place for place in agent.out if place[0] == SIGNALS]
    assert place[1] != PARTITION
    (sent,) = agent.sent(SIGNALS)
    assert (sent["institution_id"], sent["source_partition"], sent["source_offset"]) == (STRANGER, PARTITION, 1)


def test_a_forgotten_account_leaves_its_last_health(agent: World) -> None:
    """Deleted and forgotten within one poll, as when a backlog is read, an account is last heard of as deleted."""
    agent.hear(looked(ONE, 0, START, account="a9"))
    agent.hear(looked(ONE, 185, START), deleted(ONE, START + HOUR), tick(START + 60 * DAY))
    assert [one["phase"] for one in agent.sent(HEALTH)] == ["healthy", "deleted"]
    assert list(agent.state()["accounts"]) == [f"{ONE}/a9"]


def test_a_forgotten_customer_leaves_nothing(agent: World) -> None:
    """With its last account, and a month of silence, a customer is gone: the health of its accounts as well."""
    agent.hear(looked(ONE, 185, START), deleted(ONE, START + HOUR), tick(START + 60 * DAY))
    assert agent.out[HEALTH, PARTITION][-1].value is None
    assert agent.state()["customers"] == {}


def test_types_of_later_versions_are_counted(agent: World) -> None:
    """An event that this version does not decide on is let through and changes nothing."""
    agent.hear(event("of.a.later.version", START, {"n": 1}, ONE, Source.BRIDGE))
    assert dead(agent) == []
    assert agent.tallies[0].counts[AGENT_EVENTS, Gathered.OTHER, Outcome.UNHANDLED] == 1
    assert not agent.audits


# -- rules in force


def test_rules_change_from_the_next_record_on(agent: World) -> None:
    """In one poll the record before an activation is decided by the old rules, the one after it by the new ones."""
    agent.hear(
        looked(ONE, 945, START),
        activated(START + MINUTE, Policy(version="2", fix_integrated=False)),
        looked(TWO, 945, START + HOUR),
    )
    assert [(one["customer_id"], one["policy_version"]) for one in agent.sent(FIX)] == [(ONE, "2026-11-1")]
    assert [(one["customer_id"], one["policy_version"]) for one in agent.sent(RELINK)] == [(TWO, "2")]


def test_rules_in_force_outlast_a_restart(agent: World) -> None:
    """A new owner decides by what the log has activated, not by what it was shipped with."""
    agent.hear(activated(START, Policy(version="2", fix_integrated=False)))
    agent.restart()
    agent.hear(looked(ONE, 945, START + HOUR))
    assert [one["policy_version"] for one in agent.sent(RELINK)] == ["2"]


def test_an_activation_moves_every_timer(agent: World) -> None:
    """A shorter memory is due at once for accounts that were deleted under the longer one."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START))
    assert agent.fold.next_due(PARTITION) == START + 30 * DAY
    agent.hear(activated(START + HOUR, Policy(state=State(forget_days=2))))
    assert agent.fold.next_due(PARTITION) == START + 2 * DAY


def test_an_activation_moves_timers_within_its_poll(agent: World) -> None:
    """A tick in the same poll already fires what the new rules have due."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START))
    agent.hear(activated(START + HOUR, Policy(state=State(forget_days=2))), tick(START + 10 * DAY))
    assert agent.state()["accounts"] == {}


@pytest.mark.parametrize(("ticked", "when"), [(0 * MINUTE, 30 * MINUTE), (HOUR, HOUR)])
def test_an_activation_is_at_the_event_time(agent: World, ticked: timedelta, when: timedelta) -> None:
    """What an activation has due at once is at the time of the latest tick, where that is later than its own."""
    later = START + 2 * DAY
    agent.hear(looked(ONE, 185, START), tick(later + ticked))
    agent.hear(activated(later + 30 * MINUTE, Policy(contact=Contact(reminder_days=(1, 2)))))
    agent.hear(connected(ONE, "started", later + 2 * HOUR))
    assert agent.sent(FIX)[-1]["not_after"] == rfc3339(later + DAY + when)


def test_shipped_rules_are_announced_until_some_are_activated(agent: World) -> None:
    """A partition hears which rules it started under; once it has, nothing more is announced."""
    said = agent.fold.announcement(PARTITION)
    assert said is not None
    assert isinstance(said.data, PolicyActivated)
    assert (said.type, said.source) == (EventType.POLICY_ACTIVATED, Source.AGENT)
    agent.hear(said)
    assert agent.fold.announcement(PARTITION) is None
    agent.restart()
    assert agent.fold.announcement(PARTITION) is None


# -- ticks


def test_ticks_fire_in_the_order_of_due_and_customer(agent: World) -> None:
    """What was due earlier fires first; at the same time the smaller customer does."""
    agent.hear(*(looked(one, 0, START) for one in (ONE, TWO, THREE)))
    agent.hear(deleted(THREE, START + HOUR), deleted(TWO, START + HOUR), deleted(ONE, START + 2 * HOUR))
    agent.hear(tick(START + 40 * DAY))
    assert audited(agent)[-3:] == [(6, TWO), (6, THREE), (6, ONE)]
    assert agent.state()["accounts"] == {}


def test_a_tick_fires_what_changed_in_its_own_poll(agent: World) -> None:
    """A timer set in a poll fires at a tick of the same poll."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START), tick(START + 30 * DAY))
    assert agent.state()["accounts"] == {}
    assert agent.fold.next_due(PARTITION) is None


def test_a_tick_before_its_time_fires_nothing(agent: World) -> None:
    """A tick moves the partition's clock and nothing else."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START), tick(START + 29 * DAY))
    assert list(agent.state()["accounts"]) == [f"{ONE}/a1"]
    assert orjson.loads(agent.state()["control"][str(PARTITION)])["ticked_at"] == "2026-11-30T03:00:00Z"


def test_an_older_tick_does_not_turn_the_clock_back(agent: World) -> None:
    """The clock of a partition is the latest of its ticks."""
    agent.hear(tick(START + DAY), tick(START))
    assert orjson.loads(agent.state()["control"][str(PARTITION)])["ticked_at"] == "2026-11-02T03:00:00Z"


def test_ticks_are_counted_once(agent: World) -> None:
    """A tick is one event, however many customers it is for."""
    agent.hear(*(deleted(one, START) for one in (ONE, TWO)))
    agent.hear(tick(START + 40 * DAY))
    assert agent.tallies[-1].counts[AGENT_EVENTS, EventType.CLOCK_TICK, "tick"] == 1


# -- dead letters


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(0, looked(STRANGER, 0, START)), DeadLetterReason.WRONG_PARTITION),
        (record(0, looked(ONE, 0, START), TWO), DeadLetterReason.WRONG_PARTITION),
        (record(0, event("connect.done", START, connected(ONE, "done", START).data)), DeadLetterReason.WRONG_PARTITION),
        (record(0, tick(START, Source.BRIDGE)), DeadLetterReason.SOURCE_NOT_ALLOWED),
        (LogRecord(0, 0, None, b"hello"), DeadLetterReason.NOT_A_CLOUD_EVENT),
        (unreadable(0), DeadLetterReason.BAD_DATA),
    ],
    ids=["partition", "customer", "no-key", "source", "no-event", "no-json"],
)
def test_a_bad_record_is_set_aside(agent: World, bad: LogRecord, reason: DeadLetterReason) -> None:
    """A record that is none of this partition's is a dead letter and a link; the next one is decided on."""
    agent.poll([bad, record(1, looked(THREE, 185, START))])
    assert dead(agent) == [(reason, f"aggregation.events/{PARTITION}/0")]
    assert [one["customer_id"] for one in agent.sent(FIX)] == [THREE]
    assert [orjson.loads(one.value or b"")["dead_letter"] for one in agent.audits] == [reason, None]
    assert set(agent.state()["customers"]) == {THREE}


def test_a_decision_that_fails_is_set_aside(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer whose decision raises does not stop the others, nor tell what was in the record."""

    def failing(customer: Customer | None, one: Event, *rest: Any) -> Decision:  # noqa: ANN401 - as it is called
        if one.partition_key == ONE:
            raise ZeroDivisionError(f"secrets of {ONE}")
        return decide(customer, one, *rest)

    monkeypatch.setattr(turn, "decide", failing)
    agent.hear(looked(ONE, 185, START), looked(TWO, 185, START))
    (letter,) = agent.sent(DEAD_LETTER)
    assert (letter["reason"], letter["detail"]) == (
        "decision_failed",
        "ZeroDivisionError: the log of the worker has the trace",
    )
    assert [one["customer_id"] for one in agent.sent(FIX)] == [TWO]
    assert set(agent.state()["customers"]) == {TWO}


def test_a_customer_has_room_for_so_many_accounts(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account too many is set aside, and what the customer had stays as it was."""
    monkeypatch.setattr(refusals, "MAX_ACCOUNTS", 1)
    agent.hear(looked(ONE, 185, START), looked(ONE, 103, START + HOUR, account="too-many"))
    (letter,) = agent.sent(DEAD_LETTER)
    assert letter["detail"] == "the customer would have more than 1 accounts"
    assert len(agent.state()["accounts"]) == 1
    assert [one["reason"]["code"] for one in agent.sent(FIX)] == [185]


def test_a_timer_that_fails_holds_up_nobody(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer whose timers raise is set aside until their next event; the timers of the others fire."""
    monkeypatch.setattr(turn, "decide", failing_at_ticks_of(ONE))
    agent.hear(*(looked(one, 0, START) for one in (ONE, TWO)), *(deleted(one, START) for one in (ONE, TWO)))
    agent.hear(tick(START + 31 * DAY))
    assert [letter["reason"] for letter in agent.sent(DEAD_LETTER)] == ["decision_failed"]
    assert [key.partition("/")[0] for key in agent.state()["accounts"]] == [ONE]
    due = agent.fold.next_due(PARTITION)
    assert due is None or due > START + 31 * DAY


def test_a_timer_that_fails_waits_within_a_poll(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second tick in the poll does not fire it again: polls as they happen to be cut change no dead letter."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START))
    monkeypatch.setattr(turn, "decide", failing_at_ticks_of(ONE))
    agent.hear(tick(START + 31 * DAY), tick(START + 32 * DAY))
    assert len(dead(agent)) == 1


def test_every_inbound_record_is_in_the_chain(agent: World) -> None:
    """The roll covers records that changed nothing and records that were set aside, each once, from link to link."""
    records = [
        record(0, looked(ONE, 185, START)),
        record(1, looked(ONE, 185, START)),
        unreadable(2),
        record(3, tick(START + HOUR)),
        record(4, looked(TWO, 103, START + HOUR)),
    ]
    for one in records:
        agent.poll([one])
    rolled, head, done = bytes(32), first_link(IDENTITY, PARTITION), -1
    for written in agent.audits:
        link = orjson.loads(written.value or b"")
        for one in records[done + 1 : link["offset"] + 1]:
            rolled = rolled_on(rolled, one)
        assert (link["inputs_sha256"], link["previous"]) == (rolled.hex(), head)
        rolled, head, done = bytes(32), hashlib.sha256(written.value or b"").hexdigest(), link["offset"]
    assert done == 4


def test_a_turn_ends_when_its_time_is_over(agent: World) -> None:
    """With the record in which it is: there is some progress always, and the rest is told to be left."""
    records = [record(n, looked(ONE, code, START + n * HOUR)) for n, code in enumerate((185, 0, 103))]
    effects = agent.fold.fold(PARTITION, records, 0.0)
    assert effects.left == 2
    assert [orjson.loads(one.value or b"")["offset"] for one in effects.outbox.records[AUDIT, PARTITION]] == [0]
    assert agent.fold.fold(PARTITION, records, 60.0).left == 0


# -- the share of dead letters


def flood(good: int, bad: int) -> list[LogRecord]:
    """Give records of which some cannot be read."""
    return [record(n, looked(ONE, 185, START)) for n in range(good)] + [unreadable(good + n) for n in range(bad)]


def test_too_many_dead_letters_pause_the_partition(agent: World) -> None:
    """Above the policy's share nothing of the poll is kept, and the message says what to do."""
    before = agent.state()
    with pytest.raises(ShareTooLarge, match=r"21% .* above the policy's 20%.*`txpush override resume`"):
        agent.poll(flood(79, 21))
    assert agent.out == {}
    assert agent.state() == before


def test_a_share_at_the_limit_goes_on(agent: World) -> None:
    """The limit is inclusive."""
    agent.poll(flood(80, 20))
    assert len(dead(agent)) == 20


def test_few_records_do_not_pause(agent: World) -> None:
    """A handful of records that are all bad is no share yet."""
    agent.poll(flood(0, MINIMUM - 1))
    assert len(dead(agent)) == MINIMUM - 1


def test_the_share_counts_over_polls(agent: World) -> None:
    """Dead letters that come one by one pause the partition as well."""
    agent.poll(flood(80, 20))
    with pytest.raises(ShareTooLarge):
        agent.poll([unreadable(100)])
    assert len(dead(agent)) == 20


def test_the_share_outlasts_a_restart(agent: World) -> None:
    """A worker that starts again remembers what it set aside: a restart is no way around the pause."""
    agent.poll(flood(80, 20))
    agent.restart()
    with pytest.raises(ShareTooLarge):
        agent.poll([unreadable(100)])


def test_good_records_pass_after_many_bad_ones(agent: World) -> None:
    """A poll without any dead letter is never refused: it makes the share smaller."""
    agent.poll(flood(0, MINIMUM - 1))
    agent.poll([record(MINIMUM + n, looked(ONE, 185, START)) for n in range(2)])
    assert agent.sent(FIX) != []


def test_timers_that_fail_are_counted(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick whose customers all fail is as many dead letters: a bad release must not use up every timer."""
    customers = ids_of(PARTITION, 40)
    agent.hear(*(looked(one, 0, START) for one in customers), *(deleted(one, START) for one in customers))
    before = agent.state()
    monkeypatch.setattr(turn, "decide", failing)
    with pytest.raises(ShareTooLarge, match="33% of the latest"):
        agent.hear(tick(START + 31 * DAY))
    assert agent.state() == before
    assert dead(agent) == []


def test_reviews_that_fail_are_counted(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event about the whole partition at which many customers fail is as many dead letters."""
    agent.hear(overridden(OverrideAction.SILENCE, START, all=True))
    agent.hear(*(looked(one, 185, START) for one in ids_of(PARTITION, 90)))
    monkeypatch.setattr(wide, "review", failing)
    with pytest.raises(ShareTooLarge, match="50% of the latest"):
        agent.hear(overridden(OverrideAction.SILENCE, START + HOUR, all=True, until=START))


def test_a_record_counts_once_at_least(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick at which one of many fails is one dead letter, one at which nobody does a good record."""
    customers = ids_of(PARTITION, 40)
    agent.hear(*(looked(one, 0, START) for one in customers), *(deleted(one, START) for one in customers))
    monkeypatch.setattr(turn, "decide", failing_at_ticks_of(ONE))
    agent.hear(tick(START + 31 * DAY))
    agent.hear(tick(START + 32 * DAY))
    control = agent.fold.tables[-1].partition(PARTITION)[str(PARTITION)]
    assert (control.looked_at, control.dead_ago) == (82, (1,))


def test_the_limit_is_policy(agent: World) -> None:
    """An activation may raise the limit, for its own poll already."""
    generous = Policy(dead_letter=DeadLetter(max_share=0.5))
    agent.hear(activated(START, generous))
    agent.poll(flood(60, 50))
    assert len(dead(agent)) == 50


# -- the institution agent on the same machinery


def test_signals_become_a_ticket(institutions: World) -> None:
    """The first failing login opens the ticket; the table, the health topic and the chain know of it."""
    institutions.hear(signal(SignalType.FAILING, "1", START), signal(SignalType.FAILING, "2", START))
    assert [one["action"] for one in institutions.sent(TICKETS)] == ["issue"]
    assert list(institutions.state()["tickets"]) == [f"{BANKS[0]}/148"]
    (health,) = institutions.sent(INSTITUTION_HEALTH)
    assert health["tickets"][0]["logins_affected"] == 2
    assert audited(institutions)[0] == (0, BANKS[0])


def test_a_tick_completes_a_quiet_ticket(institutions: World) -> None:
    """Seven days after the last login has left, the tick of the institution agent ends the ticket."""
    institutions.hear(signal(SignalType.FAILING, "1", START), signal(SignalType.LEFT, "1", START + HOUR))
    assert institutions.fold.next_due(PARTITION) == START + HOUR + 7 * DAY
    institutions.hear(tick(START + 8 * DAY, Source.INSTITUTIONS))
    assert [one["action"] for one in institutions.sent(TICKETS)] == ["issue", "complete"]
    assert institutions.state()["tickets"] == {}


def test_ticks_fire_tickets_in_order(institutions: World) -> None:
    """Tickets end in the order in which they were due, whatever the institution."""
    for bank, quiet in ((BANKS[0], 2), (BANKS[1], 1)):
        institutions.hear(signal(SignalType.FAILING, "1", START, bank))
        institutions.hear(signal(SignalType.LEFT, "1", START + quiet * HOUR, bank))
    institutions.hear(tick(START + 8 * DAY, Source.INSTITUTIONS))
    ended = [one["institution_id"] for one in institutions.sent(TICKETS) if one["action"] == "complete"]
    assert ended == [BANKS[1], BANKS[0]]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(0, signal(SignalType.FAILING, "1", START), BANKS[1]), DeadLetterReason.WRONG_PARTITION),
        (record(0, event(SignalType.LEFT, START, {"code": 1}, BANKS[0], Source.AGENT)), DeadLetterReason.BAD_DATA),
        (
            record(0, event(SignalType.LEFT, START, signal(SignalType.LEFT, "1", START).data, BANKS[0], Source.BRIDGE)),
            DeadLetterReason.SOURCE_NOT_ALLOWED,
        ),
        (record(0, tick(START, Source.AGENT)), DeadLetterReason.SOURCE_NOT_ALLOWED),
    ],
    ids=["institution", "no-signal", "source", "tick-of-the-agent"],
)
def test_a_bad_signal_is_set_aside(institutions: World, bad: LogRecord, reason: DeadLetterReason) -> None:
    """A signal under a key that is not its institution's, or of a source that is not the agent, changes no ticket."""
    institutions.poll([bad])
    assert dead(institutions) == [(reason, f"institution.signals/{PARTITION}/0")]
    assert institutions.state()["tickets"] == {}


def test_a_window_in_another_order_is_another_record() -> None:
    """A login heard of again in the same millisecond moves to the end, whether in a poll with the others or alone."""
    told = [signal(SignalType.FAILING, login, START, code=185) for login in ("1", "2", "1")]
    whole = institution_world()
    whole.hear(*told)
    windows = whole.state()["windows"]
    split = institution_world()
    split.hear(told[0], told[1])
    split.hear(told[2])
    assert split.state()["windows"] == windows
