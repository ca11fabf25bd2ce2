"""Why a message was sent: what of the state before it made the rules send it, and what it rests on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.catalogue import Kind
from schemas.commands import Action, LookupAction
from schemas.state import LoginState
from schemas.times import rfc3339
from streams.domain.rules import CHALLENGE
from streams.explain.following.steps import Step
from streams.explain.following.trail import Attempt, Evidence, Spell, Wait
from streams.explain.names import Names
from streams.explain.reading.kept import Message
from streams.explain.wording.words import WITHDRAWN, counted, held, span
from streams.kafka.topics import LOOKUP

SHOWN = 4
"""Attempts that are listed as evidence: the first, and the latest."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Words for one message of a step."""

    names: Names
    step: Step
    message: Message
    evidence: Evidence

    def why(self) -> Iterator[str]:
        """Say why it was sent; nothing where the derived state is another than the recorded one."""
        if self.step.differences:
            yield "as recorded; this release derives otherwise, so no reasons are derived"
            return
        data = self.message.data
        if self.message.topic == LOOKUP:
            yield from self._lookup()
        elif self.message.is_contact:
            yield from self._contact()
        elif data.get("action") == Action.WITHDRAW:
            reason = str(data.get("withdraw_reason"))
            yield WITHDRAWN.get(reason, reason)
        elif data.get("action") == Action.COMPLETE:
            yield from self._complete()
        elif data.get("action") == Action.UPDATE:
            yield "reason or steps of the open command have changed: no second contact"
        elif data.get("kind") == Kind.OTP_ESCALATION:
            yield from self._escalation()

    @property
    def _before(self) -> LoginState:
        return self.step.case_before(self.message.login_id or "")

    @property
    def _after(self) -> LoginState:
        return self.step.case_after(self.message.login_id or "")

    # -- contacts

    def _contact(self) -> Iterator[str]:
        if self.message.data.get("action") == Action.REMIND:
            yield from self._reminder()
        else:
            yield "no command of this kind was open for the login: a new episode began"
            if relapses := self._relapses_in_a_row:
                needed = self.step.scene.rules.policy.otp.relapses
                yield f"it failed again soon after its repair: relapse {relapses}, and {needed} are an escalation (R7)"
        yield self._cooldown()
        if self.evidence.wait is not None and self.evidence.wait.held_by:
            yield waited(self.evidence.wait)

    def _reminder(self) -> Iterator[str]:
        before, after, policy = self._before, self._after, self.step.scene.rules.policy
        reminders, used = policy.contact.reminders, after.reminders_used
        begun = after.schedule_at or before.schedule_at
        if before.is_pending and not after.is_pending and before.fix_at is not None:
            late = f"the fix of {rfc3339(before.fix_at)} did not show within {span(policy.verify.deadline)}"
            yield f"{late}: the next reminder goes out at once (R6)"
        if begun is not None and 0 < used <= len(reminders):
            due = f"{span(reminders[used - 1])} after the first contact of {rfc3339(begun)}"
            yield f"reminder {used} of {len(reminders)}, due {due}; the command is still open"

    def _cooldown(self) -> str:
        last, cooldown = self._before.contacted_at, self.step.scene.rules.policy.contact.cooldown
        if last is None:
            return "nobody was contacted about this login before"
        ago = span(self.message.at - last)
        return f"the last contact about this login was {ago} before; at most one in {span(cooldown)} (R8)"

    # -- other messages

    def _complete(self) -> Iterator[str]:
        episode = self._before.episodes.get(str(self.message.data.get("kind")))
        if episode is not None and episode.fixed_at is not None:
            yield f"all its accounts work again, after the fix of {rfc3339(episode.fixed_at)}"

    def _lookup(self) -> Iterator[str]:
        before, policy = self._before, self.step.scene.rules.policy
        if self.message.data.get("action") == LookupAction.LOCATE:
            yield "a command is needed, and the login of the account is not known: it waits"
        elif before.fix_at is not None:
            yield f"the fix of {rfc3339(before.fix_at)} had not shown in the data within {span(policy.verify.after)}"

    def _escalation(self) -> Iterator[str]:
        """Say what has confirmed that a passcode is asked for every time (R7)."""
        policy, mark = self.step.scene.rules.policy.otp, self._after.otp
        relapses = self._relapses_in_a_row
        if mark is not None and mark.code != CHALLENGE:
            yield f"code {mark.code} says by itself that the bank asks for a passcode every time"
        elif relapses >= policy.relapses:
            yield f"{counted(relapses, 'relapse')} in a row, each within {span(policy.window)} of the repair before it"
        elif any(one.first_fixed_at is not None for one in self._before.episodes.values()):
            yield f"{policy.attempts_after_fix} attempts met a challenge again although the customer had repaired it"
        else:
            yield "an operator said so (R16)"
        yield "from here on nobody is reminded of challenges of this login"

    @property
    def _relapses_in_a_row(self) -> int:
        return int((self.message.data.get("episode") or {}).get("relapses") or 0)

    # -- what it rests on

    def rests_on(self) -> Iterator[str]:
        """List attempts and earlier episodes."""
        data = self.message.data
        if data.get("kind") == Kind.OTP_ESCALATION and data.get("action") == Action.ISSUE:
            relapses = self._relapses_in_a_row
            is_by_relapses = relapses >= self.step.scene.rules.policy.otp.relapses
            yield from self._relapses(relapses) if is_by_relapses else self._attempts()
        elif self.message.is_contact and data.get("kind") == Kind.CONSENT_RENEWAL:
            yield from self._consents()
        elif self.message.is_contact:
            yield from self._attempts()

    def _attempts(self) -> Iterator[str]:
        yield from map(self._attempt, _first_and_last([one for one in self.evidence.attempts if one.code]))

    def _attempt(self, one: Attempt) -> str:
        when = rfc3339(one.attempted_at)
        account, event = self.names.account(one.account_id), self.names.event(one.event_id)
        return f"account {account} at {one.code}, attempted {when}, event {event}"

    def _consents(self) -> Iterator[str]:
        customer = self.step.after
        for account_id in self.message.account_ids:
            account = None if customer is None else customer.accounts.get(account_id)
            if account is not None and account.authorization_end is not None:
                end = rfc3339(account.authorization_end)
                yield f"the authorisation of account {self.names.account(account_id)} ends at {end}"

    def _relapses(self, relapses: int) -> Iterator[str]:
        past = [one for one in self.evidence.spells if one.by_challenge and one.ended_at is not None]
        for number, spell in enumerate(past[-relapses:]):
            yield self._spell(spell, "first" if not number else f"relapse {number}")
        event = self.step.event
        if past and event is not None:
            ended_at = past[-1].ended_at or self.step.decided_at
            later = span(self.step.decided_at - ended_at)
            yield f"relapse {relapses}: 185 again {later} later, event {self.names.event(event.id)}"

    def _spell(self, spell: Spell, what: str) -> str:
        opened = f"185 attempted {rfc3339(spell.opened_at)}"
        ended = "" if spell.ended_at is None else f", repaired {rfc3339(spell.ended_at)}"
        how = f" ({spell.ended_as})" if spell.ended_as else ""
        by = f", event {self.names.event(spell.opened_by)}" if spell.opened_by else ""
        return f"{what}: {opened}{ended}{how}{by}"


def _first_and_last(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    return attempts if len(attempts) <= SHOWN else [attempts[0], *attempts[-SHOWN + 1 :]]


def waited(wait: Wait) -> str:
    """Say how long a contact waited, and for what."""
    return f"it waited since {rfc3339(wait.since)}: {'; then '.join(held(one.hold, one.until) for one in wait.held_by)}"
