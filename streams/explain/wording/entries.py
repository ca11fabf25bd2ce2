"""Steps as entries of the story; like ones in a row that nothing came of are told as one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.events import AccountSnapshot
from schemas.times import rfc3339
from streams.domain import Customer, Outcome, waits
from streams.explain.following.steps import Sort, Step
from streams.explain.following.trail import Evidence, Trail
from streams.explain.names import Names
from streams.explain.reading.kept import Kept, Message
from streams.explain.story import Came, Decided, Entry, Sent, SetAside
from streams.explain.wording.answers import Answers
from streams.explain.wording.events import Events, times_said
from streams.explain.wording.reasons import Reasons
from streams.explain.wording.words import OUTCOMES, held, rules_said, said
from streams.kafka.topics import EVENTS, SIGNALS

NOTHING = Evidence((), (), None)
Alike = tuple[object, ...]
"""What steps in a row have in common that are told as one."""
_REPETITIONS = (Outcome.DUPLICATE_EVENT, Outcome.DUPLICATE, Outcome.STALE)


@dataclass(frozen=True, slots=True)
class Entries:
    """Words for steps; `partition` is the customer's, `is_wanted` chooses among the messages of a step."""

    names: Names
    kept: Kept
    trail: Trail
    answers: Answers
    partition: int
    is_wanted: Callable[[Message], bool]

    def of(self, steps: Iterable[Step]) -> Iterator[Entry]:
        """Give the entries of steps in order."""
        row: list[Step] = []
        for step in steps:
            if row and (alike(step) is None or alike(step) != alike(row[0])):
                yield self._told(row)
                row = []
            row.append(step)
        if row:
            yield self._told(row)

    def _told(self, row: Sequence[Step]) -> Entry:
        entry = self._entry(row[0])
        if len(row) == 1:
            return entry
        says = times_said(len(row), self._of_all(row, entry.says))
        return entry.model_copy(update={"says": says, "times": len(row), "until": row[-1].at})

    def _of_all(self, row: Sequence[Step], says: str) -> str:
        """Name all accounts of a row in the words of its first step."""
        told = [
            step.event.data.account_id for step in row if step.event and isinstance(step.event.data, AccountSnapshot)
        ]
        names = [self.names.account(one) for one in dict.fromkeys(told)]
        return says if len(names) == 1 else says.replace(f"account {names[0]}", f"accounts {', '.join(names)}")

    def _entry(self, step: Step) -> Entry:
        events = Events(self.names, step.scene.rules.catalogue)
        return Entry(
            at=step.at,
            offset=step.offset,
            says=self._headline(step, events),
            came=_came(step, events),
            decided=self._decided(step),
            sent=tuple(self._sent(step)),
            waits=tuple(self._waits(step)),
            set_aside=self._set_aside(step),
            differs=tuple(step.differences),
            is_ahead=step.is_ahead,
        )

    def _headline(self, step: Step, events: Events) -> str:
        if step.event is None:
            return "a record under the customer's key that could not be read"
        if step.sort is Sort.TICK:
            kinds = dict.fromkeys(
                said(one.data.get("action"), one.data.get("kind")) for one in filter(self.is_wanted, step.sent)
            )
            return f"a time has come: {', '.join(kinds) or 'nothing is sent'}"
        return events.headline(step.event)

    def _decided(self, step: Step) -> Decided | None:
        audit, derived = step.audit, step.decision
        outcome = None if derived is None or step.differences or step.is_ahead else OUTCOMES.get(derived.outcome)
        if audit is not None:
            return Decided(
                outcome=outcome,
                phase_before=audit.phase_before,
                phase_after=audit.phase_after,
                rules=rules_said(audit.rules),
                signals=sum(one.topic == SIGNALS for one in audit.messages),
            )
        if derived is None or step.differences or step.is_ahead:
            return None
        return Decided(
            is_derived=not self.kept.knows_of(step.offset),
            outcome=outcome,
            phase_before=derived.phase_before,
            phase_after=derived.phase_after,
            rules=rules_said(derived.rules),
            signals=len(derived.signals),
        )

    def _waits(self, step: Step) -> Iterator[str]:
        for wait in self.trail.waits:
            if wait.offset == step.offset and wait.held_by:
                what = f"{'remind' if wait.is_reminder else 'issue'} of {wait.kind}"
                login, first = self.names.login(wait.login_id), wait.held_by[0]
                yield f"{what} for login {login}: {held(first.hold, first.until)}"

    def _set_aside(self, step: Step) -> SetAside | None:
        if step.aside is None:
            return None
        origin = f"{EVENTS}/{self.partition}/{step.offset}"
        letter = next((one for one in self.kept.letters if one.letter.origin == origin), None)
        if letter is None:
            return SetAside(reason=step.aside)
        place = f"{letter.place.partition}/{letter.offset}"
        detail, put_back = self.names.text(letter.letter.detail), self.kept.put_back.get(place)
        return SetAside(reason=step.aside, detail=detail, letter=place, put_back=put_back)

    # -- messages

    def _sent(self, step: Step) -> Iterator[Sent]:
        for message in filter(self.is_wanted, step.sent):
            yield self.sent(step, message)
        for topic, name in step.missing:
            yield Sent(
                message_id=self.names.message(name), topic=topic, at=step.at, missing=self._missing(topic, step.at)
            )

    def sent(self, step: Step, message: Message) -> Sent:
        """Give a message of a step, with the reasons and what came back."""
        data, names = message.data, self.names
        reasons = Reasons(names, step, message, self.trail.evidence.get(message.id, NOTHING))
        reason = data.get("reason") or {}
        return Sent(
            message_id=names.message(message.id),
            topic=message.topic,
            at=message.at,
            action=data.get("action"),
            kind=data.get("kind"),
            sequence=data.get("sequence"),
            institution_login_id=None if message.login_id is None else names.login(message.login_id),
            account_ids=tuple(map(names.account, message.account_ids)),
            code=reason.get("code"),
            reason=reason.get("text"),
            steps=tuple(map(str, data.get("steps") or ())),
            withdraw_reason=data.get("withdraw_reason"),
            not_after=data.get("not_after"),
            is_contact=message.is_contact,
            rules=rules_said((data.get("evidence") or {}).get("rules") or ()),
            why=tuple(reasons.why()),
            evidence=tuple(reasons.rests_on()),
            came_back=tuple(self.answers.to(message.id)),
            missing=None if message.place else f"{self._missing(message.topic, message.at)}; told as it is derived",
        )

    def _missing(self, topic: str, at: datetime) -> str:
        gone = self.kept.gone.get(topic)
        if topic in self.kept.absent:
            return f"{topic} is not in this history"
        if gone is not None and (gone.first_at is None or gone.first_at > at):
            return "not kept any more" + (
                "" if gone.first_at is None else f": the topic begins at {rfc3339(gone.first_at)}"
            )
        return "decided, but not in its topic: run `txpush audit verify`"


def _came(step: Step, events: Events) -> Came | None:
    return None if step.event is None or step.sort is Sort.TICK else events.came(step.event)


def alike(step: Step) -> Alike | None:
    """Say what a step has in common with others that are told with it as one; None where it stands alone."""
    event, derived = step.event, step.decision
    if event is None or derived is None or step.sort is not Sort.OWN or step.aside or step.differences or step.is_ahead:
        return None
    if step.sent or step.missing or not isinstance(event.data, AccountSnapshot):
        return None
    code = event.data.aggregation_status_code
    if derived.outcome in _REPETITIONS:
        return derived.outcome, event.type, code
    was = None if step.before is None else step.before.accounts.get(event.data.account_id)
    is_same = was is not None and was.code == code and derived.phase_before == derived.phase_after
    is_told = derived.outcome is Outcome.OBSERVED and is_same and _waiting(step.before) == _waiting(step.after)
    return (derived.outcome, event.type, event.source, code) if is_told else None


def _waiting(customer: Customer | None) -> set[tuple[str, str, datetime | None]]:
    """Give the contacts of a customer that wait."""
    logins = {} if customer is None else customer.logins
    found = {(login_id, "", login.remind_since) for login_id, login in logins.items() if waits(login)}
    for login_id, login in logins.items():
        found |= {(login_id, kind, one.waiting_since) for kind, one in login.episodes.items() if one.waiting_since}
    return found
