"""Whom an override is about, and what it comes to, in words."""

from datetime import datetime
from typing import NamedTuple, Self

from schemas.events import Override, OverrideAction
from schemas.times import rfc3339
from streams.domain.around import ALL


class Scope(NamedTuple):
    """One customer, a login or an account of theirs, an institution's customers; all of none: everybody."""

    customer_id: str | None = None
    institution_login_id: str | None = None
    account_id: str | None = None
    institution_id: str | None = None

    @classmethod
    def of(cls, override: Override) -> Self:
        """Give whom an override is about; of an account and a login, the one that its action goes by."""
        login_id, account_id = override.institution_login_id, override.account_id
        if override.action is OverrideAction.SILENCE:
            login_id = login_id if account_id is None else None
        else:
            account_id = account_id if login_id is None else None
        return cls(override.customer_id, login_id, account_id, override.institution_id)

    @classmethod
    def of_silence(cls, customer_id: str, key: str) -> Self:
        """Give whom a silence among a customer's is about (`CustomerState.silences`)."""
        kind, _, one = key.partition("/")
        return cls(customer_id, one if kind == "logins" else None, one if kind == "accounts" else None)

    @classmethod
    def of_wide_silence(cls, key: str) -> Self:
        """Give whom a silence of many is about (`Surroundings.silences`)."""
        return cls() if key == ALL else cls(institution_id=key)

    def __str__(self) -> str:
        """Name them."""
        if self.customer_id is None:
            return "every customer" + ("" if self.institution_id is None else f" of institution {self.institution_id}")
        customer = f"customer {self.customer_id}"
        if self.institution_login_id is not None:
            return f"login {self.institution_login_id} of {customer}"
        return customer if self.account_id is None else f"account {self.account_id} of {customer}"

    @property
    def options(self) -> str:
        """Give the options of `txpush override show` that show what holds for them."""
        named = {"--customer": self.customer_id, "--login": self.institution_login_id, "--account": self.account_id}
        return "".join(f" {option} {one}" for option, one in named.items() if one is not None)


def told(override: Override, now: datetime) -> str:
    """Say what an override comes to."""
    scope = Scope.of(override)
    if override.action is OverrideAction.SILENCE:
        return _silence(scope, override.until, now)
    if override.action is OverrideAction.RELEASE_BASELINE:
        rate = override.rate_per_hour
        pace = "" if rate is None else f", at most {rate:,} an hour and partition"
        return f"cases of {scope} that a first sweep kept without contact are let out{pace}"
    return {
        OverrideAction.MARK_OTP: f"the {scope} counts as one that asks for a passcode at every connection",
        OverrideAction.UNMARK_OTP: f"the {scope} counts no longer as one that asks for a passcode at every connection",
        OverrideAction.CLOSE_CASE: f"what is open for the {scope} is withdrawn; only a new attempt opens it again",
    }[override.action]


def _silence(scope: Scope, until: datetime | None, now: datetime) -> str:
    if until is not None and until <= now:
        return f"contact with {scope} is no longer held; what still waits goes out if it is needed"
    end = "until you end it with --until now" if until is None else f"until {rfc3339(until)}"
    return f"contact with {scope} is held {end}"
