"""The answer on one screen: who was contacted when and why, and who was not."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from schemas.catalogue import Kind, Treatment
from schemas.commands import Action
from schemas.events import AccountSnapshot
from schemas.times import rfc3339
from streams.domain import Outcome
from streams.explain.following.steps import Step
from streams.explain.following.trail import Wait
from streams.explain.names import Names
from streams.explain.story import Contact, HeldBack, HoldSaid, Sent, Summary
from streams.explain.wording.words import counted, held, span
from streams.kafka.topics import LOOKUP

_NOBODY_ASKED = {
    Treatment.INSTITUTION: "the bank's trouble, so nothing is asked of the customer (R2)",
    Treatment.SUPPORT: "support's matter: a ticket for the institution, nothing for the customer (R10)",
    Treatment.UNKNOWN: "a code that nobody knows: never a contact (R11)",
    Treatment.OTP: "a passcode is asked for every time: an escalation, no contact (R7)",
}
_REPEATED = (Outcome.DUPLICATE, Outcome.DUPLICATE_EVENT, Outcome.STALE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the summary is made of: the told messages, the contacts that waited, and all told steps."""

    names: Names
    sent: Sequence[Sent]
    waits: Sequence[Wait]
    steps: Sequence[Step]
    cooldown: timedelta
    since: datetime | None = None
    """From when on it is told."""

    def summary(self, first: Sequence[str] = ()) -> Summary:
        """Give the summary, behind what has to be said first."""
        contacts = tuple(_contact(one) for one in self.sent if one.is_contact)
        held_back = tuple(self._held_back(wait) for wait in self.waits if wait.held_by)
        says = [*self._contacts(contacts), *self._escalated(), *self._not_asked(), *self._held(held_back)]
        if not contacts and len(says) == 1:
            says.append("Nothing that was heard asked for a contact.")
        return Summary(says=(*first, *says), contacts=contacts, held_back=held_back)

    def _held_back(self, wait: Wait) -> HeldBack:
        ended = None if wait.ended_at is None else "not_needed" if wait.message is None else "sent"
        return HeldBack(
            action="remind" if wait.is_reminder else "issue",
            kind=wait.kind,
            institution_login_id=self.names.login(wait.login_id),
            code=wait.code,
            since=wait.since,
            held_by=tuple(
                HoldSaid(hold=one.hold, since=one.since, until=one.until, says=held(one.hold, one.until))
                for one in wait.held_by
            ),
            ended_at=wait.ended_at,
            ended=ended,
            message_id=None if wait.message is None else self.names.message(wait.message.id),
        )

    def _contacts(self, contacts: Sequence[Contact]) -> Iterator[str]:
        by_login = defaultdict[str, list[Contact]](list)
        for one in contacts:
            by_login[one.institution_login_id].append(one)
        lost = sum(one.action is None and one.topic != LOOKUP for one in self.sent)
        if lost:
            yield f"{counted(lost, 'decided message')} cannot be shown: see below."
        if not contacts:
            told_from = "" if self.since is None else f" since {rfc3339(self.since)}"
            yield f"The customer was not contacted{told_from}" + (", as far as is known." if lost else ".")
            return
        about = f"about {counted(len(by_login), 'login')}"
        yield f"{counted(len(contacts), 'contact')} with the customer, {about}."
        for login, row in by_login.items():
            yield from self._of_login(login, row)
        if len(by_login) > 1:
            yield "The limit is for each login: contacts about different ones do not count against each other (R8)."

    def _of_login(self, login: str, row: Sequence[Contact]) -> Iterator[str]:
        issues = [one for one in row if one.action == "issue"]
        reminders = len(row) - len(issues)
        what = " and ".join(
            [
                *([counted(len(issues), "new command")] if issues else []),
                *([counted(reminders, "reminder")] if reminders else []),
            ]
        )
        apart = [later.at - earlier.at for earlier, later in pairwise(row)]
        yield f"Login {login}: {what}{_because(row)}."
        if apart:
            least, limit = min(apart), span(self.cooldown)
            kept = "" if least >= self.cooldown else ", which is LESS than it should be"
            far = span(least) if len(apart) == 1 else f"at least {span(least)}"
            yield f"They lie {far} apart; at most one in {limit} is allowed (R8){kept}."

    def _escalated(self) -> Iterator[str]:
        for one in self.sent:
            if one.kind == Kind.OTP_ESCALATION and one.action == Action.ISSUE:
                when = f"Login {one.institution_login_id} was escalated {rfc3339(one.at)}"
                yield f"{when}: its bank asks for a passcode every time, so nobody is reminded any more (R7)."

    def _not_asked(self) -> Iterator[str]:
        treated, repeated, marked = Counter[Treatment](), 0, 0
        codes = defaultdict[Treatment, set[int]](set)
        for step, data, code in _observations(self.steps):
            outcome = None if step.decision is None else step.decision.outcome
            repeated += outcome in _REPEATED
            treatment = step.scene.rules.treatment(code)
            if outcome is Outcome.OBSERVED and treatment in _NOBODY_ASKED:
                treated[treatment] += 1
                codes[treatment].add(code)
            is_marked = data.institution_login_id and step.case_after(data.institution_login_id).otp is not None
            marked += bool(
                outcome is Outcome.OBSERVED and is_marked and treatment is Treatment.CUSTOMER and not step.sent
            )
        for treatment, number in treated.items():
            told = ", ".join(map(str, sorted(codes[treatment])))
            yield f"{counted(number, 'observation')} of {told}: {_NOBODY_ASKED[treatment]}."
        if marked:
            yield f"{counted(marked, 'failure')} of a login that asks for a passcode every time opened nothing (R7)."
        if repeated:
            yield f"{counted(repeated, 'repetition')} of what was known told nobody anything (R1)."
        if aside := sum(step.aside is not None for step in self.steps):
            yield f"{counted(aside, 'record')} of the customer could not be used: see the dead letters below."

    def _held(self, held_back: Sequence[HeldBack]) -> Iterator[str]:
        ended = Counter(one.ended for one in held_back)
        if held_back:
            parts = [
                (ended["sent"], "went out later"),
                (ended["not_needed"], "came to be needed no more"),
                (ended[None], "still wait" if ended[None] != 1 else "still waits"),
            ]
            told = ", ".join(f"{number} {what}" for number, what in parts if number)
            yield f"{counted(len(held_back), 'contact')} {'was' if len(held_back) == 1 else 'were'} held back: {told}."


def _because(row: Sequence[Contact]) -> str:
    reasons = dict.fromkeys(one.reason if one.code is None else f"{one.code}, {one.reason}" for one in row)
    return f", because of {'; '.join(reasons)}"


def _observations(steps: Iterable[Step]) -> Iterator[tuple[Step, AccountSnapshot, int]]:
    for step in steps:
        data = None if step.event is None else step.event.data
        if isinstance(data, AccountSnapshot) and data.aggregation_status_code is not None:
            yield step, data, data.aggregation_status_code


def _contact(sent: Sent) -> Contact:
    return Contact(
        at=sent.at,
        message_id=sent.message_id,
        action=sent.action or "",
        kind=sent.kind or "",
        institution_login_id=sent.institution_login_id or "",
        code=sent.code,
        reason=sent.reason or "",
        not_after=sent.not_after,
        rules=sent.rules,
        why=sent.why,
        came_back=sent.came_back,
    )
