"""What the sandbox keeps: customers, institutions, logins, accounts and subscriptions."""

from dataclasses import dataclass, field
from datetime import datetime

from streams.sandbox.books.profiles import Profile


@dataclass(slots=True)
class Customer:
    """A customer of the partner; `testing` ones reach test institutions only."""

    id: str
    username: str
    type: str
    created_at: datetime
    details: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_testing(self) -> bool:
        """Say whether it was made for tests."""
        return self.type == "testing"


@dataclass(slots=True)
class Institution:
    """A bank, and how it treats a device.

    Attributes:
        challenges: asks everybody on a device that it does not know; test profiles are asked at any bank.
        device_days: how long it knows a device after a challenge was answered; 0 asks at every connection (OTP).
        knows_first_device: remembers the device of the first connection, too. FinBank does not: connecting a `tfa_`
            profile and refreshing it gives 185 (vendor page, "How to Test Data Connect Fix").
        consent_days: how long a consent given over OAuth lasts; None without an end.
        trouble: the code that every connection to it gives, while it is set.
    """

    id: str
    name: str
    challenges: bool = False
    device_days: float = 60.0
    knows_first_device: bool = True
    oauth: bool = False
    consent_days: float | None = None
    trouble: int | None = None
    status: str = "online"
    new_id: str | None = None


@dataclass(slots=True)
class Login:
    """One set of credentials of a customer at a bank.

    Attributes:
        password: what the vendor has stored.
        bank_password: what the bank takes; another one gives 103.
        trouble: the code that every connection gives until it is repaired or taken back.
        device_until: until then the bank knows the vendor's device.
        consent_from: start of the OAuth consent.
        consent_until: its end; None without one.
    """

    id: str
    customer_id: str
    institution_id: str
    profile: Profile
    password: str = field(repr=False)
    bank_password: str = field(repr=False)
    trouble: int | None = None
    device_until: datetime | None = None
    consent_from: datetime | None = None
    consent_until: datetime | None = None


@dataclass(slots=True)
class Account:
    """An account as the vendor shows it; `code` is None until the first aggregation.

    Attributes:
        twin_of: id of the account that it repeats; while both are there its code is 169.
        trouble: the code that every connection gives for this account alone.
    """

    id: str
    customer_id: str
    login_id: str
    institution_id: str
    type: str
    position: int
    created_at: datetime
    name: str = field(repr=False)
    number: str = field(repr=False)
    balance: float = field(repr=False)
    code: int | None = None
    attempted_at: datetime | None = None
    succeeded_at: datetime | None = None
    updated_at: datetime | None = None
    twin_of: str | None = None
    trouble: int | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One class of notifications for one account."""

    id: int
    customer_id: str
    account_id: str
    class_name: str
    callback_url: str = field(repr=False)
    signing_key: str = field(repr=False)
    wants_xml: bool
