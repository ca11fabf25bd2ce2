"""How things stand at the end: accounts, what is open, what waits and until when; all of it derived."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.times import rfc3339
from streams.domain import Customer, phase
from streams.domain.around import ALL
from streams.domain.cases.silence import NEVER
from streams.domain.customers.turn import Timer
from streams.domain.rules import Rule
from streams.domain.timers import timers
from streams.explain.following.steps import Scene, all_held, turn_of
from streams.explain.names import Names
from streams.explain.story import AccountNow, Ahead, OpenNow, Standing
from streams.explain.wording.words import HOLDS, means, span


@dataclass(frozen=True, slots=True)
class Present:
    """A customer as of a time; with `logins` only these, and `account_id` alone of the accounts."""

    names: Names
    customer: Customer
    scene: Scene
    at: datetime
    account_id: str | None = None
    logins: frozenset[str] | None = None

    def standing(self) -> Standing:
        """Say how all of it stands."""
        ahead = [*self._silences(), *self._waiting(), *self._timers()]
        marked = [key for key, login in self.customer.logins.items() if login.otp is not None and self._is_of(key)]
        return Standing(
            accounts=tuple(self._accounts()),
            open=tuple(self._open()),
            marked=tuple(map(self.names.login, marked)),
            ahead=tuple(sorted(ahead, key=lambda one: (one.at is None, one.at or self.at, one.says))),
        )

    def _is_of(self, login_id: str) -> bool:
        return self.logins is None or login_id in self.logins

    def _accounts(self) -> Iterator[AccountNow]:
        rules = self.scene.rules
        for account_id, account in self.customer.accounts.items():
            if self.account_id in (None, account_id):
                yield AccountNow(
                    account_id=self.names.account(account_id),
                    institution_login_id=None if account.login_id is None else self.names.login(account.login_id),
                    institution_id=account.institution_id,
                    phase=phase(account, rules),
                    code=account.code,
                    means=means(account.code, rules.catalogue),
                    attempted_at=account.attempted_at,
                    healthy_at=account.healthy_at,
                )

    def _open(self) -> Iterator[OpenNow]:
        for login_id, login in self.customer.logins.items():
            for kind, episode in login.episodes.items() if self._is_of(login_id) else ():
                name = f"{episode.command_id}:{episode.sequence}"
                yield OpenNow(
                    institution_login_id=self.names.login(login_id),
                    kind=kind,
                    code=episode.reason_code,
                    opened_at=episode.opened_at,
                    ordinal=episode.ordinal,
                    relapses=episode.relapses,
                    message_id=self.names.message(name) if episode.sequence >= 0 else None,
                    contacted_at=episode.contacted_at,
                )

    def _silences(self) -> Iterator[Ahead]:
        """Say whose contact is silenced, though nothing of it may wait yet."""
        own = self.customer.state.silences
        named = {"": "with the customer"}
        named |= {f"logins/{key}": f"about login {self.names.login(key)}" for key in self.customer.logins}
        named |= {f"accounts/{key}": f"about account {self.names.account(key)}" for key in self.customer.accounts}
        institutions = {one.institution_id for one in self.customer.accounts.values() if one.institution_id}
        wide = {ALL: "with all customers"} | {key: f"about institution {key}" for key in sorted(institutions)}
        held = [(own.get(key), what) for key, what in named.items()]
        held += [(self.scene.around.silences.get(key), what) for key, what in wide.items()]
        for silence, what in held:
            if silence is not None and (silence.until is None or silence.until > self.at):
                is_open = silence.until is None
                says = f"contact {what} is silenced (R16)" if is_open else f"the silence of contact {what} ends (R16)"
                yield Ahead(at=silence.until, says=says)

    def _waiting(self) -> Iterator[Ahead]:
        for login_id, held in all_held(self.customer, self.scene, self.at):
            if not self._is_of(login_id):
                continue
            what = f"{'remind' if held.is_reminder else 'issue'} of {held.kind} for login {self.names.login(login_id)}"
            hold, end = max(held.holds, key=lambda one: one[1], default=(None, None))
            why = "it is due" if hold is None else HOLDS[hold]
            yield Ahead(at=None if end is None or end >= NEVER else end, says=f"{what} waits: {why}")

    def _timers(self) -> Iterator[Ahead]:
        for timer in timers(turn_of(self.customer, self.scene, self.at)):
            says = self._timer(timer) if not timer.case or self._is_of(timer.case) else ""
            if says and self.account_id in (None, timer.account_id or self.account_id):
                late = "" if timer.due > self.at else f"; it was due {rfc3339(timer.due)} and is not done yet"
                yield Ahead(at=timer.due, says=f"{says}{late}")

    def _timer(self, timer: Timer) -> str:
        """Say what a timer is for; nothing of those that only have a wait looked at."""
        login = f"login {self.names.login(timer.case)}" if timer.case else ""
        account = f"account {self.names.account(timer.account_id)}" if timer.account_id else "the customer"
        if timer.rule is Rule.R8:
            return "" if timer.step else self._reminder(timer.case, login)
        if timer.rule is Rule.R6:
            deadline = span(self.scene.rules.policy.verify.deadline)
            late = f"the fix of {login} counts as not having worked after {deadline}: its next reminder goes out"
            return late if timer.step else f"the fix of {login} is looked up, unless it has shown by then"
        return {
            Rule.R7: f"{login} counts no longer as one that asks for a passcode, if it works until then",
            Rule.R11: f"support is asked about the unknown code of {account}",
            Rule.R12: f"what is known of {account} is dropped",
            Rule.R14: f"the login of {account} is given up: support is asked",
            Rule.R15: f"the authorisation of {account} is to be renewed, or has ended",
        }.get(timer.rule, f"rule {timer.rule.name}")

    def _reminder(self, login_id: str, login: str) -> str:
        number = self.customer.case(login_id).reminders_used + 1
        return f"reminder {number} of {len(self.scene.rules.policy.contact.reminders)} for {login} falls due"
