"""Accounts that need a command while their login is not known: one look-up, then support (R14)."""

from schemas.commands import TicketCause
from streams.domain import OutgoingSignal, OutgoingWish, next_due
from streams.domain.customers.location import timers
from tests.unit.domain.build import (
    BANK,
    CUSTOMER,
    DAY,
    HOUR,
    MINUTE,
    MS,
    RULES,
    START,
    Story,
    deleted,
    looked,
    nightly,
)

FIRST = START + 2 * MINUTE
LOCATED = "None locate a1"


def lost(code: int = 185, night: int = 0) -> Story:
    """Give an account that fails while its login is not known."""
    story = Story()
    story.hear(nightly(code, night, login=None))
    return story


def wishes(story: Story) -> list[OutgoingWish]:
    """Give what support was asked for."""
    return [one for one in story.signals if isinstance(one, OutgoingWish)]


def test_located() -> None:
    """A needed command has the login asked for; it names the account, and no login."""
    story = lost()
    assert story.dated == [(FIRST, LOCATED)]
    assert (story.told[0].topic, story.told[0].key) == ("remediation.lookup", CUSTOMER)


def test_once_a_stretch() -> None:
    """However long the account fails, and with whatever codes, it is asked for once."""
    story = lost()
    story.hear(*(nightly(code, 1 + n, login=None) for n, code in enumerate((185, 103, 102, 777_777, 949, 931))))
    assert story.lines == [LOCATED]


def test_again_in_the_next_stretch() -> None:
    """After a code 0 the next failure has it asked for again."""
    story = lost()
    story.hear(nightly(0, 1, login=None), nightly(185, 2, login=None))
    assert story.lines == [LOCATED, LOCATED]
    assert story.told[0].id != story.told[1].id


def test_each_account() -> None:
    """Each account is asked for by itself."""
    story = lost()
    story.hear(nightly(103, 0, "a2", None))
    assert story.lines == [LOCATED, "None locate a2"]


def test_nothing_needed() -> None:
    """An account that needs no command is not asked for."""
    story = Story()
    story.hear(*(nightly(code, n, login=None) for n, code in enumerate((0, 102, 900, 777_777))))
    story.wait(START + DAY)
    assert story.told == []


def test_answered() -> None:
    """A later answer opens the command from the first failing attempt on, before the hour or after it."""
    for after in (MINUTE, 2 * HOUR, 30 * DAY):
        story = lost()
        story.hear(looked(None, FIRST + after, None))
        assert story.lines == [LOCATED, "L1 connect-fix issue 185"]
        assert story.episode().opened_at == START


def test_given_up() -> None:
    """After an hour, on the hour, support is asked for the institution, once."""
    story = lost()
    assert next_due(story.known, RULES) == FIRST + HOUR
    story.wait(FIRST + HOUR - MS)
    assert wishes(story) == []
    story.wait(FIRST + 30 * DAY)
    (one,) = wishes(story)
    assert (one.cause, one.code, one.institution_id) == (TicketCause.LOGIN_UNKNOWN, None, BANK)
    assert (one.account_id, one.institution_login_id, one.time) == ("a1", None, FIRST + HOUR)


def test_nobody_to_ask() -> None:
    """An account that named no institution is given up without a word to support."""
    story = Story()
    story.hear(looked(185, FIRST, START, login=None, bank=None))
    story.wait(FIRST + 30 * DAY)
    assert (story.lines, wishes(story)) == ([LOCATED], [])


def test_answered_in_time() -> None:
    """An answer within the hour, also at its end, needs no support."""
    story = lost()
    story.hear(looked(None, FIRST + HOUR, None))
    story.wait(FIRST + DAY)
    assert wishes(story) == []


def test_healed_in_time() -> None:
    """Code 0 or a deletion within the hour ends the wait."""
    for event in (looked(0, FIRST + HOUR, FIRST + HOUR, login=None), deleted(FIRST + HOUR, login=None)):
        story = lost()
        story.hear(event)
        story.wait(FIRST + DAY)
        assert wishes(story) == []
        assert story.lines == [LOCATED]


def test_end_of_the_wait_is_told() -> None:
    """An account that support was asked for leaves the wait with its answer, code 0 or deletion."""
    ends = [
        looked(None, FIRST + DAY, None),
        looked(0, FIRST + DAY, FIRST + DAY, login=None),
        deleted(FIRST + DAY, login=None),
    ]
    for event in ends:
        story = lost()
        story.wait(FIRST + HOUR)
        decision = story.hear(event)
        left = [one for one in decision.signals if one.code is None]
        assert [(type(one), one.account_id, one.time) for one in left] == [(OutgoingSignal, "a1", FIRST + DAY)]
        assert story.said[-1] == "left None a1"


def test_still_waits() -> None:
    """Codes that say nothing about the login do not end the wait."""
    story = lost()
    story.wait(FIRST + HOUR)
    decision = story.hear(nightly(102, 1, login=None))
    assert [one for one in decision.signals if one.code is None] == []


def test_institution_unknown() -> None:
    """Where no institution is known there is nobody to ask, and nothing to end."""
    story = Story()
    story.hear(looked(185, login=None, bank=None))
    story.wait(START + DAY)
    story.hear(looked(0, START + 2 * DAY, START + 2 * DAY, login=None, bank=None))
    assert story.signals == []


def test_deletions_of_a_session() -> None:
    """Accounts that one event deletes leave their waits together."""
    story = lost()
    story.wait(FIRST + HOUR)
    story.hear(deleted(FIRST + 2 * HOUR, login=None))
    assert story.account().located_at is None
    assert next_due(story.known, RULES) == FIRST + 2 * HOUR + 30 * DAY


def test_revived() -> None:
    """An account that comes back without a login is asked for again."""
    story = lost()
    story.hear(deleted(FIRST + HOUR, login=None), nightly(185, 2, login=None))
    assert story.lines == [LOCATED, LOCATED]


def test_forgotten_beside_it() -> None:
    """An account that is forgotten just before a record waits for nothing any more."""
    story = lost()
    story.hear(deleted(START + DAY, "a2", None), nightly(103, 32, login=None))
    assert tuple(story.known.accounts) == ("a1",)
    assert story.lines == [LOCATED]


def test_migrates_while_it_waits() -> None:
    """An account that changes its institution while support looks for its login leaves the wait at the old one."""
    story = lost()
    story.wait(FIRST + HOUR)
    story.hear(looked(185, FIRST + DAY, START, login=None, bank="5"), looked(None, FIRST + 2 * DAY, None, bank="5"))
    assert (BANK, None) in [(one.institution_id, one.code) for one in story.signals if isinstance(one, OutgoingSignal)]


def test_institution_learned_late() -> None:
    """An account whose institution is learned after the hour has support asked then, or is not said to have left."""
    story = Story()
    story.hear(looked(185, login=None, bank=None))
    story.wait(START + 2 * HOUR)
    story.hear(looked(None, START + 3 * HOUR, None, login=None))
    story.hear(looked(None, START + 4 * HOUR, None))
    asked = [one for one in wishes(story) if one.code is None]
    left = [line for line in story.said if line == "left None a1"]
    assert len(asked) == len(left)


def test_support_is_asked_in_each_stretch() -> None:
    """Support that heard that a wait is over hears of the next one, and of its end, too."""
    story = lost()
    story.wait(FIRST + 2 * HOUR)
    story.hear(nightly(0, 1, login=None), nightly(185, 2, login=None))
    story.wait(FIRST + 2 * DAY + 2 * HOUR)
    story.hear(nightly(0, 3, login=None))
    assert [said for said in story.said if "None" in said] == ["wanted None a1", "left None a1"] * 2


def test_timer_of_the_wait() -> None:
    """The timer that ends the wait names no case, its rule and the account, which is the order of those due at once."""
    story = lost()
    account = story.account()
    assert [one.order for one in timers("a1", account, RULES)] == [(FIRST + HOUR, "", 14, "a1", 0)]
