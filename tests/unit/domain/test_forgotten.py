"""Customers who are forgotten on demand: commands withdrawn, nothing kept (R18)."""

from schemas.events import Source
from streams.domain import Outcome
from tests.unit.domain.build import (
    ACCOUNT,
    DAY,
    HOUR,
    SHIPPED,
    START,
    Story,
    answered,
    deleted,
    forgotten,
    line,
    nightly,
    silenced,
)

GONE = START + DAY


def test_forget() -> None:
    """Every open command of a forgotten customer is withdrawn, in order, and nothing is kept."""
    story = Story()
    story.hear(nightly(185, 0), nightly(949, 1, "a2"), nightly(103, 1, "b", "L0"), nightly(931, 1, "c", "L3"))
    decision = story.hear(forgotten(START + 2 * DAY))
    assert (decision.outcome, decision.customer, decision.rules) == (Outcome.FORGOTTEN, None, ("R18", "R12"))
    assert [line(message) for message in decision.messages] == [
        "L0 connect-fix withdraw forgotten 103",
        "L1 connect-fix withdraw forgotten 185",
        "L1 relink withdraw forgotten 949",
        "L3 otp-escalation withdraw forgotten 931",
    ]
    assert (decision.accounts, decision.logins) == (("a1", "a2", "b", "c"), ("L0", "L1", "L3"))


def test_forget_what_waits() -> None:
    """A command that never went out ends without a word."""
    story = Story()
    story.hear(nightly(185, 0), nightly(949, 0, "a2"), forgotten(START + HOUR))
    assert story.lines[1:] == ["L1 connect-fix withdraw forgotten 185"]


def test_forgotten_leaves() -> None:
    """A forgotten customer's logins leave the codes that they stood at, and the wait for a login."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"), nightly(777_777, 0, "b", "L2"), nightly(103, 0, "c", None))
    story.wait(START + 2 * HOUR)
    decision = story.hear(forgotten(START + DAY))
    assert sorted(story.said[-len(decision.signals) :]) == [
        "left 103 c",
        "left 185 L1",
        "left 777777 L2",
        "left None c",
    ]


def test_forgotten_deleted_account() -> None:
    """What was deleted before is dropped as well, and left nothing twice."""
    story = Story()
    story.hear(nightly(185, 0), deleted(GONE))
    decision = story.hear(forgotten(GONE + HOUR))
    assert (decision.messages, decision.signals, decision.accounts) == ((), (), (ACCOUNT,))
    assert decision.customer is None


def test_forget_nobody() -> None:
    """Forgetting a customer who is not known, or was forgotten before, changes nothing and keeps nothing."""
    story = Story()
    event = forgotten(START)
    for _ in range(2):
        decision = story.hear(event)
        assert (decision.customer, decision.changed, decision.accounts) == (None, False, ())


def test_forget_silences() -> None:
    """An operator's silence of the customer is forgotten with it."""
    story = Story()
    story.hear(silenced(START), forgotten(START + HOUR), nightly(185, 1))
    assert story.lines == ["L1 connect-fix issue 185"]


def test_forgotten_comes_back() -> None:
    """A record that comes after it is that of a new customer; its command is another than the old one."""
    story = Story()
    story.hear(nightly(185, 0), forgotten(START + DAY), nightly(185, 2))
    assert len({one.command_id for one in story.commands}) == 2
    assert tuple(story.known.accounts) == (ACCOUNT,)


def test_due_before_it() -> None:
    """What was due before the order fires before it."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0), forgotten(START + 2 * DAY))
    assert story.lines[1:] == ["L1 connect-fix remind 185", "L1 connect-fix withdraw forgotten 185"]


def test_answer_about_the_forgotten() -> None:
    """A look-up that was on its way when its customer was forgotten is answered too late: nobody is known by it."""
    story = Story()
    story.hear(nightly(103, 0, login=None), forgotten(START + DAY))
    said = len(story.told)
    late = answered(103, START + DAY + HOUR)
    decision = story.hear(late)
    assert (decision.outcome, decision.customer, decision.changed) == (Outcome.UNKNOWN_CUSTOMER, None, False)
    assert (decision.accounts, decision.next_due, story.told[said:]) == ((), None, [])


def test_sweep_of_the_forgotten() -> None:
    """A sweep reads who is a customer now: what it says makes one known again."""
    story = Story()
    story.hear(nightly(185, 0), forgotten(START + DAY), answered(185, START + 2 * DAY, source=Source.SWEEP))
    assert tuple(story.known.accounts) == (ACCOUNT,)
