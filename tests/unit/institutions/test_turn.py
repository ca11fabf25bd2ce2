"""A poll of the institution agent: incidents and tickets on its tables, their timers, and who is told."""

from datetime import timedelta

import orjson
import pytest

from schemas.events import Event, EventType, Incident, Source
from schemas.policy import Incident as IncidentPolicy
from schemas.policy import Policy
from schemas.signals import SignalType
from schemas.times import rfc3339, to_epoch_ms
from streams.domain import Outcome
from streams.domain.institutions import InstitutionDecision, fire
from streams.fold import PartitionPaused
from streams.institutions import turn
from streams.kafka.topics import AUDIT, EVENTS, INSTITUTION_HEALTH
from streams.observe.labels import Gathered
from streams.observe.parts.deciding import AGENT_EVENTS
from tests.unit.fold.build import (
    BANKS,
    DAY,
    HOUR,
    MINUTE,
    MS,
    PARTITION,
    START,
    World,
    activated,
    event,
    ids_of,
    institution_world,
    record,
    signal,
    tick,
)

TICKETS = "remediation.support-ticket"
BANK = BANKS[0]
KEY = f"{BANK}/103"
NUMBER = to_epoch_ms(START)
"""The sequence of an incident that opens at the start."""


@pytest.fixture
def world() -> World:
    return institution_world()


def failing(count: int, at: timedelta = timedelta(0), first: int = 0) -> list[Event]:
    """Give logins that fail with a code that a customer can mend."""
    return [signal(SignalType.FAILING, str(n), START + at, BANK, 103) for n in range(first, first + count)]


def healthy(count: int, at: timedelta) -> Event:
    """Give a count of logins that succeed."""
    return signal(SignalType.HEALTHY, str(count), START + at, BANK)


def told(world: World) -> list[tuple[str, str]]:
    """Give log and type of what every partition was told; sequences rise."""
    incidents = [(log, one.type, one.data) for log, one in world.announced if isinstance(one.data, Incident)]
    sequences = [incident.sequence for _, _, incident in incidents]
    assert sequences == sorted({*sequences})
    return [(log, kind.rpartition(".")[2]) for log, kind, _ in incidents]


def test_an_incident_is_told_to_the_log_of_customers(world: World) -> None:
    """The opening goes to every partition of the inbound log; table, health, ticket and chain know of it."""
    world.hear(*failing(20))
    assert told(world) == [(EVENTS, "opened")]
    assert [(one["action"], one["cause"]) for one in world.sent(TICKETS)] == [("issue", "incident")]
    (health,) = world.sent(INSTITUTION_HEALTH)
    assert health["incidents"] == [
        {"code": 103, "sequence": NUMBER, "opened_at": rfc3339(START), "logins_failing": 20, "logins_seen": 20}
    ]
    assert [(one["cause"], one["code"]) for one in health["tickets"]] == [("incident", 103)]
    (link,) = [orjson.loads(one.value or b"") for one in world.out[AUDIT, PARTITION]]
    assert [one["id"] for one in link["messages"]] == [
        f"{health['tickets'][0]['command_id']}:0",
        f"incident:{KEY}/{NUMBER}",
    ]
    assert [one["topic"] for one in link["messages"]] == [TICKETS, EVENTS]


def test_the_window_outlasts_a_restart(world: World) -> None:
    """A new owner counts on where the former one stopped."""
    world.hear(*failing(19))
    world.restart()
    world.hear(*failing(1, MINUTE, first=19))
    assert told(world) == [(EVENTS, "opened")]


def test_the_sequence_outlasts_a_restart(world: World) -> None:
    """A closed incident is remembered for its number."""
    world.hear(*failing(20), healthy(80, MINUTE))
    assert world.fold.next_due(PARTITION) == START + MINUTE + 7 * DAY
    world.restart()
    world.hear(*failing(20, DAY))
    assert told(world) == [(EVENTS, "opened"), (EVENTS, "closed"), (EVENTS, "opened")]
    (*_, health) = world.sent(INSTITUTION_HEALTH)
    assert health["incidents"][0]["sequence"] == to_epoch_ms(START + DAY)


def test_a_poll_again_tells_the_same_again(world: World) -> None:
    """A worker that ends after telling and before its transaction leaves the next one to tell the very same."""
    records = [record(n, one) for n, one in enumerate([*failing(20), healthy(80, MINUTE)])]
    first = world.fold.fold(PARTITION, records)
    again = world.fold.fold(PARTITION, records)
    assert len(first.announced) == 2
    assert again.announced == first.announced


def test_a_tick_closes_an_incident(world: World) -> None:
    """12 hours after the opening a tick is due, and closes it at that time."""
    world.hear(*failing(20))
    assert world.fold.next_due(PARTITION) == START + 12 * HOUR
    world.hear(tick(START + DAY, Source.INSTITUTIONS))
    (_, closing) = [one for _, one in world.announced]
    assert (closing.type, closing.time) == (EventType.INCIDENT_CLOSED, START + 12 * HOUR)
    assert [one["action"] for one in world.sent(TICKETS)] == ["issue", "complete"]
    (*_, health) = world.sent(INSTITUTION_HEALTH)
    assert (health["incidents"], health["tickets"]) == ([], [])
    assert world.fold.next_due(PARTITION) == START + 7 * DAY


def test_a_timer_outlasts_a_restart(world: World) -> None:
    """The end of an open incident is found in its record."""
    world.hear(*failing(20))
    world.restart()
    assert world.fold.next_due(PARTITION) == START + 12 * HOUR


def test_rules_move_the_end_of_an_incident(world: World) -> None:
    """A shorter limit is due as soon as it is in force."""
    world.hear(*failing(20), activated(START + MINUTE, Policy(incident=IncidentPolicy(max_hours=1))))
    assert world.fold.next_due(PARTITION) == START + HOUR


def test_an_incident_closes_before_a_ticket_of_its_code(world: World) -> None:
    """What is due at the same time for one code goes in the order of the rules: R9 before R10."""
    policy = Policy(incident=IncidentPolicy(min_logins=1, max_hours=168))
    world.hear(activated(START, policy, Source.INSTITUTIONS), signal(SignalType.FAILING, "1", START))
    world.hear(signal(SignalType.LEFT, "1", START), tick(START + 8 * DAY, Source.INSTITUTIONS))
    ended = [one["cause"] for one in world.sent(TICKETS) if one["action"] == "complete"]
    assert ended == ["incident", "support"]


def test_a_signal_fires_what_was_due_before_it(world: World) -> None:
    """The incident of 12 hours ago closes before the signal is decided on."""
    world.hear(*failing(20), *failing(20, DAY, first=100))
    assert [what for _, what in told(world)] == ["opened", "closed", "opened"]


def test_counts_alone_change_no_chain_and_no_health(world: World) -> None:
    """Healthy logins move clock and window; nothing is said of that."""
    world.hear(healthy(5, timedelta(0)))
    assert world.out == {}
    assert list(world.state()["windows"]) == [BANK]
    assert world.tallies[0].counts[AGENT_EVENTS, SignalType.HEALTHY, "counted"] == 1


def test_an_empty_window_leaves_no_record(world: World) -> None:
    """A window in which nothing is left, as when its only login turned OTP, goes."""
    world.hear(*failing(1))
    assert list(world.state()["windows"]) == [BANK]
    (one,) = failing(1, MINUTE)
    world.hear(event(one.type, one.time, one.data.model_copy(update={"otp": True}), BANK, Source.AGENT))  # type: ignore[union-attr] # a signal
    assert world.state()["windows"] == {}


def test_unknown_codes_gather_in_a_table(world: World) -> None:
    """Logins at a code that nobody knows are kept until they are a ticket."""
    world.hear(*(signal(SignalType.FAILING, str(n), START, BANK, 106) for n in range(4)))
    assert list(world.state()["gatherings"]) == [f"{BANK}/106"]
    world.hear(signal(SignalType.FAILING, "5", START, BANK, 106))
    assert [(one["cause"], one["logins_affected"]) for one in world.sent(TICKETS)] == [("unknown_code", 5)]
    assert world.state()["gatherings"] == {}


def test_a_ticket_without_a_code_has_a_timer(world: World) -> None:
    """The ticket of logins not found is completed by a tick as others are."""
    world.hear(signal(SignalType.TICKET_WANTED, "1", START))
    gone = signal(SignalType.LEFT, "1", START + HOUR)
    data = gone.data.model_copy(update={"code": None})  # type: ignore[union-attr] # a signal
    world.hear(event(SignalType.LEFT, START + HOUR, data, BANK, Source.AGENT))
    assert world.fold.next_due(PARTITION) == START + HOUR + 7 * DAY
    world.hear(tick(START + 8 * DAY, Source.INSTITUTIONS))
    assert [(one["action"], one["cause"], one["codes"]) for one in world.sent(TICKETS)] == [
        ("issue", "login_unknown", []),
        ("complete", "login_unknown", []),
    ]
    assert orjson.loads(world.state()["institutions"][BANK]).get("codes", []) == []


def test_types_of_later_versions_are_counted(world: World) -> None:
    """A signal that this version does not know is let through and changes nothing."""
    world.hear(event("institution.of.a.later.version", START, {"n": 1}, BANK, Source.AGENT))
    assert world.tallies[0].counts[AGENT_EVENTS, Gathered.OTHER, Outcome.UNHANDLED] == 1
    assert world.out == {}


def test_a_timer_that_fails_holds_up_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket whose timer raises is set aside until its next own signal; the timers of the others fire."""

    def failing_for_one(state: object, key: str, timed: object, at: object, rules: object) -> InstitutionDecision:
        if key == KEY:
            raise ZeroDivisionError
        return fire(state, key, timed, at, rules)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(turn, "fire", failing_for_one)
    world.hear(*failing(20), signal(SignalType.FAILING, "1", START), signal(SignalType.LEFT, "1", START))
    world.hear(tick(START + 8 * DAY, Source.INSTITUTIONS))
    assert [(one["action"], one["cause"]) for one in world.sent(TICKETS)][-1] == ("complete", "support")
    assert [one["reason"] for one in world.sent("aggregation.dead-letter")] == ["decision_failed"]
    assert world.fold.next_due(PARTITION) is None


def test_timers_that_fail_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick whose tickets all fail is as many dead letters: a bad release must not use up every timer."""

    def failing_for_all(*_: object) -> InstitutionDecision:
        raise ZeroDivisionError

    for bank in ids_of(PARTITION, 60):
        world.hear(*(signal(kind, "1", START, bank) for kind in (SignalType.FAILING, SignalType.LEFT)))
    monkeypatch.setattr(turn, "fire", failing_for_all)
    with pytest.raises(PartitionPaused, match="33% of the latest"):
        world.hear(tick(START + 8 * DAY, Source.INSTITUTIONS))


def test_a_gathering_is_given_up_by_a_tick(world: World) -> None:
    """Seven days after the last login of an unknown code has failed, if all have left, the record goes."""
    world.hear(signal(SignalType.FAILING, "1", START, BANK, 106), signal(SignalType.LEFT, "1", START, BANK, 106))
    world.hear(tick(START + 7 * DAY, Source.INSTITUTIONS))
    world.restart()
    assert world.fold.next_due(PARTITION) == START + 7 * DAY + MS
    world.hear(tick(START + 7 * DAY + MS, Source.INSTITUTIONS))
    assert world.state()["gatherings"] == {}
    assert world.fold.next_due(PARTITION) is None
    assert [orjson.loads(one.value or b"")["rules"] for one in world.audits][-1] == ["R11"]


def test_a_window_is_given_up_by_a_tick(world: World) -> None:
    """Seven days after the last signal of an institution no login of it is kept, and no audit record is for that."""
    world.hear(*failing(1), healthy(1, timedelta(0)))
    assert world.fold.next_due(PARTITION) == START + 7 * DAY
    world.hear(*failing(1, HOUR, first=1))
    assert world.fold.next_due(PARTITION) == START + 7 * DAY + HOUR
    world.restart()
    assert world.fold.next_due(PARTITION) == START + 7 * DAY + HOUR
    links = len(world.audits)
    world.hear(tick(START + 7 * DAY + HOUR - MS, Source.INSTITUTIONS))
    assert list(world.state()["windows"]) == [BANK]
    world.hear(tick(START + 7 * DAY + HOUR, Source.INSTITUTIONS))
    assert world.state()["windows"] == {}
    assert (world.fold.next_due(PARTITION), len(world.audits)) == (None, links)


def test_a_signal_that_leaves_the_window_alone_keeps_it_too(world: World) -> None:
    """The time counts from whatever was heard of the institution, in the same poll or another."""
    world.hear(*failing(1))
    world.hear(signal(SignalType.TICKET_WANTED, "1", START + HOUR), tick(START + 7 * DAY, Source.INSTITUTIONS))
    assert world.fold.next_due(PARTITION) == START + 7 * DAY + HOUR
    assert list(world.state()["windows"]) == [BANK]


def test_nothing_fires_before_the_rules_that_made_it_due(world: World) -> None:
    """A shorter limit ends an incident at the time at which the limit came, not before."""
    world.hear(*failing(20), activated(START + 3 * HOUR, Policy(incident=IncidentPolicy(max_hours=1))))
    world.hear(tick(START + 4 * HOUR, Source.INSTITUTIONS))
    (_, closing) = [one for _, one in world.announced]
    assert (closing.type, closing.time) == (EventType.INCIDENT_CLOSED, START + 3 * HOUR)
