"""Accounts, customers and subscriptions as the vendor writes them; dates are epoch seconds."""

from datetime import datetime
from typing import Any

from streams.sandbox.books.model import Account, Customer, Login, Subscription

SHOWN_DIGITS = 4
_SIMPLE = frozenset(
    {
        "id",
        "accountNumberDisplay",
        "name",
        "type",
        "aggregationStatusCode",
        "status",
        "customerId",
        "institutionId",
        "aggregationSuccessDate",
        "aggregationAttemptDate",
        "createdDate",
        "currency",
        "institutionLoginId",
        "authorizationStartDate",
        "authorizationEndDate",
        "authorizationExpires",
        "displayPosition",
        "linkedAccountDate",
    }
)


def epoch(at: datetime) -> int:
    """Give whole seconds since 1970."""
    return int(at.timestamp())


def account_record(account: Account, login: Login) -> dict[str, Any]:
    """Write a CustomerAccount; what is not known yet is absent."""
    last4 = account.number[-SHOWN_DIGITS:]
    created = epoch(account.created_at)
    record: dict[str, Any] = {
        "id": account.id,
        "number": account.number,
        "realAccountNumberLast4": last4,
        "accountNumberDisplay": last4,
        "name": account.name,
        "balance": account.balance,
        "type": account.type,
        "aggregationStatusCode": account.code,
        "status": "active",
        "customerId": account.customer_id,
        "institutionId": account.institution_id,
        "balanceDate": _date(account.succeeded_at),
        "aggregationSuccessDate": _date(account.succeeded_at),
        "aggregationAttemptDate": _date(account.attempted_at),
        "createdDate": created,
        "lastUpdatedDate": _date(account.updated_at) or 0,
        "currency": "USD",
        "institutionLoginId": int(account.login_id),
        **_consent(login),
        "displayPosition": account.position,
        "accountNickname": account.name,
        "marketSegment": "personal",
        "linkedAccountDate": created,
    }
    return {name: value for name, value in record.items() if value is not None}


def simple_record(account: Account, login: Login) -> dict[str, Any]:
    """Write a CustomerAccountSimple: no balance, no whole number."""
    return {name: value for name, value in account_record(account, login).items() if name in _SIMPLE}


def added_record(account: Account, login: Login) -> dict[str, Any]:
    """Write an account of an `added` event: no code, and 0 for the date of the last update (domain 4.1)."""
    record = account_record(account, login)
    shown = ("id", "number", "name", "balance", "type", "status", "customerId", "institutionId", "createdDate")
    more = ("currency", "institutionLoginId", "displayPosition")
    return {name: record[name] for name in shown} | {"lastUpdatedDate": 0} | {name: record[name] for name in more}


def customer_record(customer: Customer) -> dict[str, Any]:
    """Write a customer; dates of customers are text."""
    created = str(epoch(customer.created_at))
    known = {"id": customer.id, "username": customer.username, "type": customer.type, "createdDate": created}
    return {**customer.details, **known}


def subscription_record(subscription: Subscription) -> dict[str, Any]:
    """Write a subscription; here the account's id is a number."""
    return {
        "id": subscription.id,
        "accountId": int(subscription.account_id),
        "type": subscription.class_name,
        "callbackUrl": subscription.callback_url,
        "signingKey": subscription.signing_key,
    }


def _consent(login: Login) -> dict[str, Any]:
    if login.consent_from is None:
        return {}
    return {
        "authorizationStartDate": epoch(login.consent_from),
        "authorizationEndDate": _date(login.consent_until),
        "authorizationExpires": login.consent_until is not None,
    }


def _date(at: datetime | None) -> int | None:
    return None if at is None else epoch(at)
