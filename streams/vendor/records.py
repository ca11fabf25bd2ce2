"""What the vendor's API gives and takes, reduced to what we need; secrets show in no `repr`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from schemas.events import AccountSnapshot
from schemas.observations import UnreadableAccount, read_account
from schemas.vendor import identifier, plain_text, truth, valid_identifier, vendor_date

SUBSCRIPTION_CLASSES = ("account", "transaction")
_PAGE = re.compile(r"https?://[!-~]{1,8000}")
"""Without spaces and line ends: it goes into a header."""


class UnreadableRecord(ValueError):  # noqa: N818 - named for the record, as the other unreadable things are
    """A record lacks what it must have; the message quotes no value."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One class of notifications of one account; `signing_key` checks their signatures (domain 1.2)."""

    id: str
    account_id: str
    class_name: str
    callback_url: str = field(repr=False)
    signing_key: SecretStr


@dataclass(frozen=True, slots=True)
class Institution:
    """A bank as the vendor has it; `status` is online, offline, maintenance, testing, beta, validated or migrating."""

    institution_id: str
    status: str | None
    oauth_enabled: bool
    new_institution_id: str | None = None
    oauth_institution_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """The consent window of a login at an OAuth institution; times aware UTC."""

    institution_login_id: str
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class FixRequest:
    """What a Data Connect Fix link is made for; the vendor calls `webhook` with a ping before it answers (domain 3.2).

    Attributes:
        webhook: where the vendor posts the session's events; has a secret token in its path.
        webhook_data: comes back in each of them.
        redirect_uri: where the customer is led afterwards; needed unless the page is embedded.
        language: `es` or `fr`; English without.
        institution_id: counts the call with those of its institution; not sent.
    """

    customer_id: str
    institution_login_id: str
    webhook: str | None = field(default=None, repr=False)
    webhook_data: Mapping[str, str] | None = None
    redirect_uri: str | None = field(default=None, repr=False)
    language: str | None = None
    experience: str | None = None
    single_use: bool = True
    institution_id: str | None = None

    def body(self, partner_id: str) -> dict[str, Any]:
        """Give the fields of `FixConnectParameters`; what is not said is left out."""
        fields = {
            "partnerId": partner_id,
            "customerId": self.customer_id,
            "institutionLoginId": self.institution_login_id,
            "language": self.language,
            "redirectUri": self.redirect_uri,
            "webhook": self.webhook,
            "webhookContentType": None if self.webhook is None else "application/json",
            "webhookData": None if self.webhook_data is None else dict(self.webhook_data),
            "experience": self.experience,
            "singleUseUrl": self.single_use,
        }
        return {name: value for name, value in fields.items() if value is not None}


def read_accounts(body: Mapping[str, Any]) -> tuple[list[AccountSnapshot], int]:
    """Give the accounts of `CustomerAccounts`, and how many of them cannot be read.

    Raises:
        UnreadableRecord: there is no list.
    """
    records = body.get("accounts")
    if not isinstance(records, list):
        raise UnreadableRecord("accounts: not a list")
    accounts = []
    for record in records:
        try:
            accounts.append(read_account(record if isinstance(record, dict) else {}))
        except UnreadableAccount:
            continue
    return accounts, len(records) - len(accounts)


def read_link(body: Mapping[str, Any]) -> SecretStr:
    """Give the link of `ConnectUrl`: a bearer secret for two hours.

    Raises:
        UnreadableRecord: it is no address of a page, as a browser could be led to.
    """
    link = _text(body, "link")
    if not _PAGE.fullmatch(link):
        raise UnreadableRecord("link: not an address of a page")
    return SecretStr(link)


def read_subscriptions(body: Mapping[str, Any]) -> tuple[Subscription, ...]:
    """Give the records of `TxPushSubscriptions`, one a class.

    Raises:
        UnreadableRecord: a record lacks its id, account, class or key: what it would send could never be checked.
    """
    records = body.get("subscriptions")
    if not isinstance(records, list) or not records:
        raise UnreadableRecord("subscriptions: not a list of records")
    return tuple(_subscription(record if isinstance(record, dict) else {}) for record in records)


def _subscription(record: Mapping[str, Any]) -> Subscription:
    class_name = _text(record, "type")
    if class_name not in SUBSCRIPTION_CLASSES:
        raise UnreadableRecord("type: neither account nor transaction")
    return Subscription(
        id=_id(record, "id"),
        account_id=_id(record, "accountId"),
        class_name=class_name,
        callback_url=_text(record, "callbackUrl"),
        signing_key=SecretStr(_text(record, "signingKey")),
    )


def read_institution(body: Mapping[str, Any]) -> Institution:
    """Give the institution of `InstitutionWrapper`.

    Raises:
        UnreadableRecord: it has no id.
    """
    record = body.get("institution")
    fields: Mapping[str, Any] = record if isinstance(record, dict) else {}
    name = fields.get("name")
    return Institution(
        institution_id=_id(fields, "id"),
        status=plain_text(fields.get("status")),
        oauth_enabled=truth(fields.get("oauthEnabled")) is True,
        new_institution_id=identifier(fields.get("newInstitutionId")),
        oauth_institution_id=identifier(fields.get("oauthInstitutionId")),
        name=name if isinstance(name, str) else None,
    )


def read_authorization(body: Mapping[str, Any]) -> Authorization:
    """Give `CustomerAuthorizationDetails`.

    Raises:
        UnreadableRecord: it has no login id.
    """
    starts_at, ends_at = (vendor_date(body.get(f"authorization{name}Date")) for name in ("Start", "End"))
    return Authorization(_id(body, "institutionLoginId"), starts_at, ends_at)


def _id(record: Mapping[str, Any], name: str) -> str:
    if (found := valid_identifier(record.get(name))) is None:
        raise UnreadableRecord(f"{name}: absent or not an id")
    return found


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableRecord(f"{name}: absent or no text")
    return value
