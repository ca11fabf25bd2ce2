"""However the log is cut into polls, and whenever a partition changes hands, the same goes out and the same is kept."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.audit import AuditRecord, DeadLetter
from schemas.commands import Command, Lookup, Ticket
from schemas.events import Event, OverrideAction
from schemas.health import AccountHealth, InstitutionHealth
from schemas.policy import Incident as IncidentPolicy
from schemas.policy import Policy, State, Unknown
from schemas.policy import Ticket as TicketPolicy
from schemas.signals import HealthyLogins, Signal, SignalType, TicketWanted
from streams.kafka.topics import (
    AUDIT,
    CUSTOMER_COMMANDS,
    DEAD_LETTER,
    HEALTH,
    INSTITUTION_HEALTH,
    LOOKUP,
    SIGNALS,
    TICKETS,
)
from tests.unit.fold.build import (
    ANY_SHARE,
    BANKS,
    CUSTOMERS,
    DAY,
    HOUR,
    MINUTE,
    START,
    STRANGER,
    LogRecord,
    World,
    activated,
    agent_world,
    connected,
    deleted,
    forgotten,
    incident,
    institution_world,
    looked,
    overridden,
    record,
    signal,
    tick,
)

POLICIES = (
    Policy(dead_letter=ANY_SHARE),
    Policy(version="2", fix_integrated=False, state=State(forget_days=2), dead_letter=ANY_SHARE),
    Policy(version="3", ticket=TicketPolicy(quiet_days=1, update_at=(2,)), dead_letter=ANY_SHARE),
)
SOON = Policy(
    version="4",
    incident=IncidentPolicy(min_logins=2, close_share=0.5),
    unknown=Unknown(logins=2),
    dead_letter=ANY_SHARE,
)
"""Incidents and unknown codes within reach of a few signals."""
GARBAGE = b"{"

gaps = st.sampled_from([timedelta(0), timedelta(0), MINUTE, HOUR, DAY, 5 * DAY, 31 * DAY])
customers = st.sampled_from([*CUSTOMERS, STRANGER])
accounts = st.sampled_from(["a1", "a2"])
codes = st.sampled_from([0, 0, 185, 185, 103, 102, 148, 169, 931, 949, 777_777, None])
logins = st.sampled_from(["L1", "L2", None])
silences = st.sampled_from([{"all": True}, {"institution_id": BANKS[0]}, {"customer_id": CUSTOMERS[0]}])
changes = st.builds(lambda policy: lambda at: activated(at, policy), st.sampled_from(POLICIES))
agent_steps = st.one_of(
    *[
        st.builds(
            lambda who, code, account, login: lambda at: looked(who, code, at, account, institution_login_id=login),
            customers,
            codes,
            accounts,
            logins,
        )
    ]
    * 3,
    st.builds(lambda who, account: lambda at: deleted(who, at, account), customers, accounts),
    st.builds(lambda who: lambda at: connected(who, "done", at), customers),
    st.builds(lambda who: lambda at: forgotten(who, at), customers),
    st.builds(
        lambda scope, until: lambda at: _silenced(at, scope, until),
        silences,
        st.sampled_from([None, timedelta(0), 2 * DAY]),
    ),
    st.builds(
        lambda code, number, is_open: lambda at: incident(at, code, number, is_open=is_open),
        st.sampled_from([185, 102]),
        st.integers(1, 4),
        st.booleans(),
    ),
    st.builds(
        lambda rate: lambda at: overridden(OverrideAction.RELEASE_BASELINE, at, all=True, rate_per_hour=rate),
        st.sampled_from([None, 1]),
    ),
    st.builds(
        lambda who, account: (
            lambda at: looked(who, 185, at, account, aggregation_attempt_date=at - 3 * DAY, baseline=True)
        ),
        customers,
        accounts,
    ),
    st.just(tick),
    st.just(tick),
    changes,
)
signal_steps = st.one_of(
    st.builds(
        lambda kind, login, bank, code: lambda at: signal(kind, login, at, bank, code),
        st.sampled_from(SignalType),
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from(BANKS),
        st.sampled_from([148, 185, 106]),
    ),
    st.just(lambda at: tick(at, "/remediation/institutions")),
    changes,
    st.just(lambda at: activated(at, SOON)),
)


def _silenced(at: datetime, scope: dict[str, Any], until: timedelta | None) -> Event:
    scope = dict(scope)
    customer = scope.pop("customer_id", None)
    return overridden(OverrideAction.SILENCE, at, customer, until=None if until is None else at + until, **scope)


@st.composite
def logs(draw: st.DrawFn, steps: st.SearchStrategy) -> list[LogRecord]:
    """Draw a log: events in the order of time with gaps of up to a month, among them records that are none."""
    at, made = START, []
    for offset, (gap, step, is_garbage) in enumerate(
        draw(st.lists(st.tuples(gaps, steps, st.integers(0, 9)), min_size=1, max_size=24))
    ):
        at = at + gap
        one = record(offset, _event(step, at))
        made.append(one if is_garbage else LogRecord(offset, one.timestamp, one.key, GARBAGE, one.headers))
    return made


def _event(step: object, at: datetime) -> Event:
    made = step(at)  # type: ignore[operator] # one of the builders above
    assert isinstance(made, Event)
    return made


def feed(world: World, records: list[LogRecord], cuts: set[int], restarts: set[int]) -> World:
    """Fold a log in polls that end at the cuts, with a change of owner after some of them."""
    start = 0
    for cut in [*sorted(cut for cut in cuts if 0 < cut < len(records)), len(records)]:
        world.poll(records[start:cut])
        start = cut
        if cut in restarts:
            world.restart()
    return world


cut_sets = st.sets(st.integers(1, 23))


@settings(max_examples=30, deadline=None)
@given(logs(agent_steps), cut_sets, cut_sets)
def test_agent_polls_split_in_any_way(records: list[LogRecord], cuts: set[int], restarts: set[int]) -> None:
    """The agent's commands, signals, audit chain, dead letters, health and tables do not depend on polls."""
    whole = feed(agent_world(POLICIES[0]), records, set(), set())
    said, state = whole.said(), whole.state()
    split = feed(agent_world(POLICIES[0]), records, cuts, restarts)
    assert split.said() == said
    assert split.state() == state


@settings(max_examples=20, deadline=None)
@given(logs(signal_steps), cut_sets, cut_sets)
def test_institution_polls_split_in_any_way(records: list[LogRecord], cuts: set[int], restarts: set[int]) -> None:
    """The institution agent's tickets, audit chain, dead letters, health and tables do not depend on polls either."""
    whole = feed(institution_world(POLICIES[0]), records, set(), set())
    said, state = whole.said(), whole.state()
    split = feed(institution_world(POLICIES[0]), records, cuts, restarts)
    assert split.said() == said
    assert split.state() == state


@settings(max_examples=25, deadline=None)
@given(logs(agent_steps))
def test_every_message_of_the_agent_is_one_of_the_contract(records: list[LogRecord]) -> None:
    """What the agent writes, with or without a model, is that of its model, byte for byte."""
    read_again(feed(agent_world(POLICIES[0]), records, set(), set()))


@settings(max_examples=25, deadline=None)
@given(logs(signal_steps))
def test_every_message_of_the_institution_agent_is_one_of_the_contract(records: list[LogRecord]) -> None:
    """The same for tickets and the health of institutions."""
    read_again(feed(institution_world(POLICIES[0]), records, set(), set()))


MODELS: dict[str, type[BaseModel]] = {
    **dict.fromkeys(CUSTOMER_COMMANDS, Command),
    LOOKUP: Lookup,
    TICKETS: Ticket,
    HEALTH: AccountHealth,
    INSTITUTION_HEALTH: InstitutionHealth,
    AUDIT: AuditRecord,
    DEAD_LETTER: DeadLetter,
}


SIGNAL_MODELS: dict[str, type[BaseModel]] = {
    SignalType.FAILING: Signal,
    SignalType.LEFT: Signal,
    SignalType.HEALTHY: HealthyLogins,
    SignalType.TICKET_WANTED: TicketWanted,
}


def read_again(world: World) -> None:
    """Read every message with the model of its topic, or of its type, and compare what that writes."""
    for (topic, _), written in world.out.items():
        for one in written:
            if one.value is None:
                assert topic == HEALTH
                continue
            kind = dict(one.headers).get("ce_type", b"").decode()
            model = SIGNAL_MODELS[kind] if topic == SIGNALS else MODELS[topic]
            assert model.model_validate_json(one.value).model_dump_json().encode() == one.value
