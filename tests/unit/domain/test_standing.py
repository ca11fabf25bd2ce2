"""Phases, health, and what the institution agent is told."""

import pytest

from schemas.health import Phase
from schemas.signals import SignalType
from streams.domain import Decision, account_health
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    CUSTOMER,
    DAY,
    LOGIN,
    MINUTE,
    RULES,
    START,
    Story,
    deleted,
    looked,
    nightly,
)


def told(decision: Decision) -> list[tuple[str, int | None, str | None, bool]]:
    """Give the signals of a decision in a few words."""
    words = {SignalType.FAILING: "failing", SignalType.LEFT: "left"}
    return [(words[one.type], one.code, one.institution_login_id, one.entered) for one in decision.signals]


@pytest.mark.parametrize(
    ("code", "phase"),
    [
        (None, Phase.NEVER_AGGREGATED),
        (0, Phase.HEALTHY),
        (185, Phase.CUSTOMER_ACTION),
        (949, Phase.CUSTOMER_ACTION),
        (931, Phase.OTP),
        (900, Phase.SUPPORT),
        (102, Phase.INSTITUTION_TROUBLE),
        (777_777, Phase.UNKNOWN),
    ],
)
def test_phase(code: int | None, phase: Phase) -> None:
    """An account stands where the treatment of its last code puts it."""
    decision = Story().hear(looked(code))
    assert (decision.phase_before, decision.phase_after) == (None, phase)


def test_health() -> None:
    """The health of an account says where it stands and which commands are open for its login."""
    story = Story()
    story.hear(nightly(0, 0), nightly(103, 1), nightly(949, 1, "a2"))
    health = account_health(story.known, ACCOUNT, RULES)
    assert (health.customer_id, health.account_id, health.institution_id) == (CUSTOMER, ACCOUNT, BANK)
    assert (health.institution_login_id, health.phase, health.code) == (LOGIN, Phase.CUSTOMER_ACTION, 103)
    assert (health.attempted_at, health.heard_at) == (START + DAY, START + DAY + 2 * MINUTE)
    assert health.healthy_at == START + 2 * MINUTE
    assert [(one.kind, one.sequence) for one in health.commands] == [("connect-fix", 0), ("relink", 0)]
    assert health.commands[0].command_id == story.episode().command_id


def test_health_of_deleted() -> None:
    """A deleted account has no commands, even while its login has."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"), deleted(START + DAY))
    health = account_health(story.known, ACCOUNT, RULES)
    assert (health.phase, health.commands) == (Phase.DELETED, ())
    assert len(account_health(story.known, "a2", RULES).commands) == 1


def test_failing_and_left() -> None:
    """A login enters a code with its first failing account and leaves it with its last."""
    story = Story()
    assert told(story.hear(nightly(185, 0))) == [("failing", 185, LOGIN, True)]
    assert told(story.hear(nightly(185, 0, "a2"))) == [("failing", 185, LOGIN, False)]
    assert told(story.hear(nightly(0, 1))) == []
    assert told(story.hear(nightly(0, 1, "a2"))) == [("left", 185, LOGIN, False)]


def test_signal_fields() -> None:
    """A signal names customer, account, event and event time."""
    event = nightly(900, 0)
    (one,) = Story().hear(event).signals
    assert (one.customer_id, one.account_id, one.institution_id) == (CUSTOMER, ACCOUNT, BANK)
    assert (one.event_id, one.time) == (event.id, event.time)


def test_each_failing_observation() -> None:
    """Every failing observation is told, entered or not; a duplicate is not."""
    story = Story()
    story.hear(nightly(102, 0))
    assert told(story.hear(nightly(102, 1))) == [("failing", 102, LOGIN, False)]
    assert told(story.hear(nightly(102, 1))) == []


def test_another_code() -> None:
    """A login that changes codes leaves the one and enters the other, in that order."""
    story = Story()
    story.hear(nightly(185, 0))
    assert told(story.hear(nightly(103, 1))) == [("left", 185, LOGIN, False), ("failing", 103, LOGIN, True)]


def test_second_code_at_a_login() -> None:
    """A code that another account of the login still stands at is not left."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"))
    assert told(story.hear(nightly(103, 1))) == [("failing", 103, LOGIN, True)]


def test_deleted_leaves() -> None:
    """A deletion leaves the code when no live account stands at it."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"))
    assert told(story.hear(deleted(START + DAY))) == []
    assert told(story.hear(deleted(START + DAY, "a2"))) == [("left", 185, LOGIN, False)]


def test_moved_leaves() -> None:
    """An account that moves, without an observation, takes its standing along."""
    story = Story()
    story.hear(nightly(185, 0))
    moved = told(story.hear(nightly(185, 0, login="L2")))
    assert moved == [("left", 185, LOGIN, False), ("failing", 185, "L2", True)]


def test_moved_to_a_failing_login() -> None:
    """A move to a login that stands at the code already is no news of that login."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2", "L2"))
    assert told(story.hear(nightly(185, 0, login="L2"))) == [("left", 185, LOGIN, False)]


def test_login_unknown() -> None:
    """Accounts whose login is not known stand for themselves; once it is known, the login does."""
    story = Story()
    story.hear(nightly(185, 0, login=None))
    assert told(story.hear(nightly(185, 0, "a2", None))) == [("failing", 185, None, True)]
    assert told(story.hear(nightly(185, 0))) == [("left", 185, None, False), ("failing", 185, LOGIN, True)]


def test_institution_unknown() -> None:
    """Without an institution there is nobody to tell."""
    assert told(Story().hear(looked(185, bank=None))) == []


def test_migration() -> None:
    """An account whose institution changes leaves its code at the old one and enters it at the new one."""
    story = Story()
    story.hear(nightly(948, 0))
    left, entered = story.hear(looked(948, bank="5")).signals
    assert (left.institution_id, entered.institution_id) == (BANK, "5")
