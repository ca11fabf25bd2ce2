"""The institution agent on the same fold: tickets, their ticks, signals that are none."""

import pytest

from schemas.audit import DeadLetterReason
from schemas.events import Source
from schemas.signals import SignalType
from streams.kafka.topics import INSTITUTION_HEALTH
from tests.unit.fold.build import (
    BANKS,
    DAY,
    HOUR,
    PARTITION,
    START,
    LogRecord,
    World,
    event,
    institution_world,
    record,
    signal,
    tick,
)
from tests.unit.fold.logfold.build import audited, dead

TICKETS = "remediation.support-ticket"


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
