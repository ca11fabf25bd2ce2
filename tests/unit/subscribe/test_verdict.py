"""What a command needs from its reader, for every way its messages and the reader's past can meet."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from schemas.catalogue import Kind
from schemas.commands import Action, Command, Ticket
from streams.subscribe.core import Fate, Marks, Message, Partition, Pending, Verdict, judge
from streams.subscribe.testing import START, CommandStory, TicketStory

PLACE = Partition("remediation.connect-fix", 0)
IN_TIME = START + timedelta(hours=24)
TOO_LATE = IN_TIME + timedelta(milliseconds=1)
NEW = Marks()
TOLD = Marks(begun=0, acknowledged=0)
BEGUN = Marks(begun=0)
EXPIRED = Marks(passed=0)


def story(*words: str, kind: Kind = Kind.CONNECT_FIX) -> list[Command]:
    """Give the messages of a command in the given order; `remind` comes a day after the start."""
    command = CommandStory(kind=kind)
    calls: dict[str, Callable[[], Command]] = {
        "issue": command.issue,
        "update": lambda: command.update(103),
        "remind": lambda: command.remind(START + timedelta(hours=24)),
        "withdraw": command.withdraw,
        "complete": command.complete,
    }
    return [calls[word]() for word in words]


def pending(messages: list[Command] | list[Ticket], marks: Marks) -> Pending[Command | Ticket]:
    """Fold messages above the `done` mark as an inbox does."""
    unread = [Message(one, START, PLACE, one.sequence) for one in messages if one.sequence > marks.done]
    folded = Pending.of(unread[0], marks)
    for message in unread[1:]:
        folded = folded.followed_by(message)
    return folded


CONTACT, QUIET = True, False
CASES = [
    ("issue", NEW, (Action.ISSUE, CONTACT, 0)),
    ("issue update", NEW, (Action.ISSUE, CONTACT, 0)),
    ("issue remind", NEW, (Action.ISSUE, CONTACT, 1)),
    ("issue update remind update", NEW, (Action.ISSUE, CONTACT, 2)),
    ("issue withdraw", NEW, Fate.SUPERSEDED),
    ("issue complete", NEW, Fate.SUPERSEDED),
    ("issue update", TOLD, (Action.UPDATE, QUIET, 1)),
    ("issue remind", TOLD, (Action.REMIND, CONTACT, 1)),
    ("issue remind update", TOLD, (Action.REMIND, CONTACT, 1)),
    ("issue withdraw", TOLD, (Action.WITHDRAW, QUIET, 1)),
    ("issue remind complete", TOLD, (Action.COMPLETE, QUIET, 2)),
    ("issue", BEGUN, (Action.ISSUE, CONTACT, 0)),
    ("issue update", BEGUN, (Action.ISSUE, CONTACT, 0)),
    ("issue withdraw", BEGUN, (Action.WITHDRAW, QUIET, 1)),
    ("issue update", EXPIRED, Fate.UNNEEDED),
    ("issue remind", EXPIRED, (Action.ISSUE, CONTACT, 1)),
    ("issue remind", Marks(begun=1, passed=0), (Action.ISSUE, CONTACT, 1)),
    ("issue withdraw", EXPIRED, (Action.WITHDRAW, QUIET, 1)),
]
LATE_CASES = [
    ("issue", NEW, Fate.EXPIRED),
    ("issue", BEGUN, Fate.EXPIRED),
    ("issue update", NEW, Fate.EXPIRED),
    ("issue remind", NEW, (Action.ISSUE, CONTACT, 1)),
    ("issue withdraw", NEW, Fate.SUPERSEDED),
    ("issue withdraw", BEGUN, (Action.WITHDRAW, QUIET, 1)),
    ("issue update", BEGUN, (Action.UPDATE, QUIET, 1)),
]


def said(verdict: Verdict) -> object:
    """Give a verdict as the tables above write it."""
    if verdict.fate is not Fate.HAND_OUT:
        return verdict.fate
    return verdict.action, verdict.contact, verdict.asked_by


@pytest.mark.parametrize(("words", "marks", "wanted"), CASES)
def test_in_time(words: str, marks: Marks, wanted: object) -> None:
    """A reader is told what it has to do, not what the last message was: up to `not_after`, inclusive."""
    assert said(judge(pending(story(*words.split()), marks), IN_TIME)) == wanted


@pytest.mark.parametrize(("words", "marks", "wanted"), LATE_CASES)
def test_past_not_after(words: str, marks: Marks, wanted: object) -> None:
    """Too late to contact, an `issue` is not handed out; what came after it is judged by itself."""
    assert said(judge(pending(story(*words.split()), marks), TOO_LATE)) == wanted


def test_a_late_reminder_leaves_its_update() -> None:
    """What an update said before a reminder that came too late still reaches a reader that knows the command."""
    late = START + timedelta(hours=49)
    verdict = judge(pending(story("issue", "update", "remind"), TOLD), late)
    assert said(verdict) == (Action.UPDATE, QUIET, 2)
    assert verdict.missed


def test_only_kinds_that_reach_a_customer_count_as_contact() -> None:
    """An escalation is the service's own business, and has no `not_after`."""
    escalation = pending(story("issue", kind=Kind.OTP_ESCALATION), NEW)
    assert said(judge(escalation, START + timedelta(days=100))) == (Action.ISSUE, QUIET, 0)


def test_tickets_never_expire() -> None:
    """A ticket is opened however late, with its latest numbers."""
    ticket = TicketStory()
    verdict = judge(pending([ticket.issue(), ticket.update(10)], NEW), START + timedelta(days=100))
    assert said(verdict) == (Action.ISSUE, QUIET, 0)


def test_a_ticket_whose_issue_is_gone_is_opened() -> None:
    """Where the log no longer holds the `issue`, an `update` opens the ticket."""
    ticket = TicketStory()
    ticket.issue()
    assert said(judge(pending([ticket.update(10)], NEW), START)) == (Action.ISSUE, QUIET, 1)


def test_a_customer_command_whose_issue_is_gone_contacts_nobody() -> None:
    """Without its `issue` nothing says until when a customer may be contacted."""
    assert judge(pending(story("issue", "update")[1:], NEW), START).fate is Fate.UNNEEDED


def test_what_an_acknowledgement_does_not_cover_is_an_update() -> None:
    """Done up to the message that asked, the newer content is left as an update."""
    left = pending(story("issue", "update"), BEGUN).done_through(0)
    assert left is not None
    assert said(judge(left, TOO_LATE)) == (Action.UPDATE, QUIET, 1)
    assert left.done_through(1) is None
