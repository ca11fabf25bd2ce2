"""A turn of deciding on a customer: one event, or one timer, on its way to a decision; immutable, too."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from schemas.state import LoginState, Record, Surroundings, replace
from streams.domain.customers.customer import Customer
from streams.domain.messages import Outgoing, OutgoingSignal, OutgoingWish
from streams.domain.rules import Rule, Rules

NOWHERE = Surroundings()
"""A partition without incidents and silences."""


class Outcome(StrEnum):
    """What an event came to, for metrics."""

    OBSERVED = "observed"
    DUPLICATE_EVENT = "duplicate_event"
    DUPLICATE = "duplicate"
    STALE = "stale"
    NEVER_AGGREGATED = "never_aggregated"
    AFTER_DELETION = "after_deletion"
    DELETED = "deleted"
    REPEATED_DELETION = "repeated_deletion"
    FIX_STRONG = "fix_strong"
    FIX_OUTDATED = "fix_outdated"
    FIX_WEAK = "fix_weak"
    CONNECT = "connect"
    TICK = "tick"
    CHALLENGED = "challenged"
    INCIDENT = "incident"
    OVERRIDDEN = "overridden"
    FORGOTTEN = "forgotten"
    UNKNOWN_CUSTOMER = "unknown_customer"
    REPORTED = "reported"
    REVIEWED = "reviewed"
    UNHANDLED = "unhandled"


class Turn(Record, frozen=True):
    """One event, or one timer, on its way to a decision.

    `at` is the event time, `event_id` the `ce_id` (empty for a timer); `applied` names rules, each once, in order;
    `touched` names the accounts whose record changed or went, `stirred` the logins whose case changed, `cases` those
    whose needs may have, all perhaps more than once; `erased` names accounts of which nothing may be left. `observed`
    is the account of an observation. `counted` lists logins that were seen to succeed, with their institutions (R9).
    """

    customer: Customer
    rules: Rules
    at: datetime
    around: Surroundings = NOWHERE
    event_id: str = ""
    outcome: Outcome = Outcome.UNHANDLED
    messages: tuple[Outgoing, ...] = ()
    signals: tuple[OutgoingSignal | OutgoingWish, ...] = ()
    counted: tuple[tuple[str, str], ...] = ()
    applied: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    stirred: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    observed: str = ""
    future_dates: int = 0

    def by(self, rule: Rule) -> "Turn":
        """Note that a rule was applied."""
        return self if rule.name in self.applied else replace(self, applied=(*self.applied, rule.name))

    def with_account(self, account_id: str, **changes: Any) -> "Turn":  # noqa: ANN401 - fields of an account
        """Change fields of a known account."""
        account = replace(self.customer.accounts[account_id], **changes)
        customer = self.customer.with_account(account_id, account)
        return replace(self, customer=customer, touched=(*self.touched, account_id))

    def with_case(self, login_id: str, **changes: Any) -> "Turn":  # noqa: ANN401 - fields of a case
        """Change fields of a case; it comes to be, at the institution of its accounts, where it had nothing yet."""
        known = self.customer.logins.get(login_id)
        before = LoginState(institution_id=self._institution(login_id)) if known is None else known
        after: LoginState = replace(before, **changes)
        if after == known:
            return self
        return replace(self, customer=self.customer.with_login(login_id, after), stirred=(*self.stirred, login_id))

    def _institution(self, login_id: str) -> str | None:
        """Give the institution of the account of a login that was heard of last; of two at once the greater id."""
        named = [(account.heard_at, account.institution_id) for _, account in self.customer.live_at(login_id)]
        return max(((at, named_id) for at, named_id in named if named_id is not None), default=(None, None))[1]

    def looking_at(self, *login_ids: str | None) -> "Turn":
        """Have the needs of cases looked at once more."""
        known = tuple(login_id for login_id in login_ids if login_id is not None)
        return replace(self, cases=(*self.cases, *known)) if known else self


Order = tuple[datetime, str, int, str, int]


class Timer(Record, frozen=True):
    """What is to happen at a time, derived from the state: `fire` takes the turn, the case and the account.

    Timers fire in the order due, case, rule, account, step; `case` and `account_id` are empty where there is none. A
    rule that has two timers for the same case tells them apart by `step`.
    """

    due: datetime
    case: str
    rule: Rule
    account_id: str
    fire: Callable[[Turn, str, str], Turn]
    step: int = 0

    @property
    def order(self) -> Order:
        """The key to sort timers by."""
        return self.due, self.case, self.rule, self.account_id, self.step
