"""Records of the inbound log and of the signals, written as short as the examples need them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.oracle.reading import Record, rfc3339

START = datetime(2026, 11, 1, 3, tzinfo=UTC)
"""The first night of every example."""


def record(
    event_type: str,
    at: datetime,
    data: dict[str, Any],
    event_id: str,
    key: str | None = None,
    *,
    source: str = "/remediation/bridge",
) -> Record:
    """Section 3: one CloudEvent in structured mode."""
    event: Record = {
        "specversion": "1.0",
        "id": event_id,
        "type": event_type,
        "source": source,
        "time": rfc3339(at),
        "datacontenttype": "application/json",
        "data": data,
    }
    return event if key is None else event | {"partitionkey": key}


class Log:
    """A log that grows, with times in hours since `START`; every record has an id of its own."""

    def __init__(self, customer: str = "70") -> None:
        self.customer = customer
        self.records: list[Record] = []

    def add(self, event_type: str, hours: float, data: dict[str, Any], event_id: str | None = None) -> "Log":
        """Append a record of this customer, or one for all where the data name none."""
        name = event_id or f"event-{len(self.records)}"
        at = START + timedelta(hours=hours)
        self.records.append(record(event_type, at, data, name, data.get("customerId")))
        return self

    def shows(
        self, code: int | None, hours: float, *, account: str = "a", login: str | None = "L", **more: object
    ) -> "Log":
        """Append a snapshot that shows `code` at an attempt at the same time; `more` overrides its fields."""
        at = rfc3339(START + timedelta(hours=hours))
        data: dict[str, Any] = {
            "customerId": self.customer,
            "accountId": account,
            "institutionId": "bank",
            "institutionLoginId": login,
        }
        data |= {"aggregationStatusCode": code, "aggregationAttemptDate": at} | more
        kept = {name: value for name, value in data.items() if value is not None}
        return self.add("txpush.account.modified", hours, kept)

    def connect(self, hours: float, event_type: str = "done", **more: object) -> "Log":
        """Append a Data Connect event, matched by login unless `more` says otherwise."""
        data = {"customerId": self.customer, "institutionId": "bank", "institutionLoginIds": ["L"], "accountIds": []}
        return self.add(f"connect.{event_type}", hours, data | {"eventType": event_type} | more)

    def tick(self, hours: float) -> "Log":
        """Append a tick of the partition."""
        return self.add("clock.tick", hours, {})

    def incident(self, what: str, hours: float, code: int, sequence: int) -> "Log":
        """Append an incident fact of the bank."""
        data = {"institution_id": "bank", "code": code, "sequence": sequence}
        return self.add(f"institution.incident.{what}", hours, data)

    def override(self, action: str, hours: float, **more: object) -> "Log":
        """Append an operator's override."""
        return self.add("operator.override", hours, {"action": action, "who": "op", "why": "example"} | more)
