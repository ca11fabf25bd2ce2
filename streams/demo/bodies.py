"""Bodies as the vendor sends them: whole records with names, numbers and balances that must never reach Kafka."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

DAY_SECONDS = 86_400
MAX_SECRETS_APART = 90_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One account of a notification; its last attempt was `attempted_ago` seconds before the notification."""

    customer: str
    account: str
    login: str
    code: int
    institution: str = "102105"
    attempted_ago: int = 3600

    @property
    def number(self) -> str:
        """Give the number that the bank knows the account by."""
        return f"4000{int(self.account) % 1_000_000:06d}77"

    @property
    def name(self) -> str:
        """Give the name that the account's owner reads."""
        return f"Rosalind's Household Checking {self.account[-4:]}"

    @property
    def balance(self) -> float:
        """Give the balance in dollars."""
        return 1_000_000.25 + int(self.account) % MAX_SECRETS_APART

    @property
    def secrets(self) -> tuple[str, ...]:
        """Give what must not be found in any record: whoever reads a topic learns no name, number or balance."""
        return (self.name, self.number, f"{self.balance:.2f}")


def modified(snapshots: Iterable[Snapshot], at: int) -> bytes:
    """Write a TxPUSH notification of changed accounts at epoch second `at`."""
    records = [_record(snapshot, at) for snapshot in snapshots]
    return orjson.dumps({"event": {"class": "account", "type": "modified", "records": records}})


def done(customer: str, command_id: str, at_ms: int) -> bytes:
    """Write the Data Connect event that ends a Fix session; `webhookData` comes back as our Fix link carried it."""
    return orjson.dumps(
        {
            "customerId": customer,
            "eventType": "done",
            "eventId": f"{at_ms}-0123456789abcdef01234567",
            "payload": {"code": 200, "reason": "success"},
            "webhookData": {"command_id": command_id},
        }
    )


def _record(snapshot: Snapshot, at: int) -> dict[str, Any]:
    attempted = at - snapshot.attempted_ago
    succeeded = attempted if snapshot.code == 0 else attempted - DAY_SECONDS
    return {
        "id": snapshot.account,
        "number": snapshot.number,
        "realAccountNumberLast4": snapshot.number[-4:],
        "accountNumberDisplay": snapshot.number[-4:],
        "name": snapshot.name,
        "balance": snapshot.balance,
        "type": "checking",
        "aggregationStatusCode": snapshot.code,
        "status": "active",
        "customerId": snapshot.customer,
        "institutionId": snapshot.institution,
        "balanceDate": succeeded,
        "aggregationSuccessDate": succeeded,
        "aggregationAttemptDate": attempted,
        "createdDate": at - 300 * DAY_SECONDS,
        "lastUpdatedDate": attempted + 5,
        "currency": "USD",
        "lastTransactionDate": succeeded - 9000,
        "oldestTransactionDate": at - 200 * DAY_SECONDS,
        "institutionLoginId": int(snapshot.login),
        "detail": {"availableBalanceAmount": snapshot.balance, "openDate": 1_265_000_000},
        "displayPosition": 1,
        "accountNickname": snapshot.name,
        "marketSegment": "personal",
        "linkedAccountDate": at - 300 * DAY_SECONDS,
    }
