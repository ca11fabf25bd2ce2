"""Where an account stands: its phase, and its health as others read it."""

import pytest

from schemas.health import Otp, Phase
from streams.domain import account_health
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    CUSTOMER,
    DAY,
    LOGIN,
    MINUTE,
    RULES,
    SHIPPED,
    START,
    Story,
    challenged,
    deleted,
    looked,
    nightly,
)


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
    story.hear(nightly(0, 0), nightly(103, 1), nightly(949, 2, "a2"))
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


def test_health_of_a_waiting_command() -> None:
    """A command that has not gone out yet is not shown as open."""
    story = Story()
    story.hear(nightly(185, 0), nightly(949, 0, "a2"))
    assert [one.kind for one in account_health(story.known, ACCOUNT, RULES).commands] == ["connect-fix"]


def test_health_without_login() -> None:
    """An account whose login is not known has no commands, and nobody suspects it."""
    story = Story()
    story.hear(nightly(185, 0, login=None))
    health = account_health(story.known, ACCOUNT, RULES)
    assert (health.commands, health.otp, health.is_unresponsive) == ((), Otp.NO, False)


def test_suspected_by_a_challenge() -> None:
    """A live call's challenge shows at every account of its login, and at no other."""
    story = Story()
    story.hear(nightly(0, 0), nightly(0, 0, "a2"), nightly(0, 0, "a3", "L2"), challenged(START + DAY))
    assert [account_health(story.known, one, RULES).otp for one in ("a1", "a2", "a3")] == [
        Otp.SUSPECTED,
        Otp.SUSPECTED,
        Otp.NO,
    ]


def test_confirmed() -> None:
    """A marked login shows at its healthy accounts, too."""
    story = Story()
    story.hear(nightly(0, 0), nightly(931, 0, "a2"))
    assert account_health(story.known, ACCOUNT, RULES).otp is Otp.CONFIRMED


def test_unresponsive() -> None:
    """A case is unresponsive once its last reminder went out, until the command is closed."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    story.wait(START + 7 * DAY + MINUTE)
    assert not account_health(story.known, ACCOUNT, SHIPPED).is_unresponsive
    story.wait(START + 7 * DAY + 2 * MINUTE)
    assert account_health(story.known, ACCOUNT, SHIPPED).is_unresponsive
    story.hear(nightly(0, 8))
    assert not account_health(story.known, ACCOUNT, SHIPPED).is_unresponsive
