"""Short words for the tests of simulations: lines of files, and runs over them."""

import gzip
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner, Result

from schemas.times import rfc3339
from streams.simulate.command import simulate as command
from tests.unit.domain.build import ACCOUNT, BANK, CUSTOMER, DAY, LOGIN, MINUTE, START

_ids = count(1)


def at(days: float = 0, hours: float = 0, minutes: float = 0) -> datetime:
    """Give a time after the start."""
    return START + timedelta(days=days, hours=hours, minutes=minutes)


def event(event_type: str, when: datetime, data: Mapping[str, Any], **members: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the line
    """Give an event in structured mode."""
    return {
        "specversion": "1.0",
        "id": f"e{next(_ids)}",
        "type": event_type,
        "source": "/remediation/bridge",
        "time": rfc3339(when),
        "data": data,
    } | members


def seen(
    code: object,
    when: datetime = START,
    *,
    customer: str = CUSTOMER,
    account: str = ACCOUNT,
    login: str = LOGIN,
    **members: Any,  # noqa: ANN401 - members of the line
) -> dict[str, Any]:
    """Give a snapshot that was attempted two minutes before."""
    data = {
        "customerId": customer,
        "accountId": account,
        "institutionId": BANK,
        "institutionLoginId": login,
        "aggregationStatusCode": code,
        "aggregationAttemptDate": rfc3339(when - 2 * MINUTE),
    }
    return event("txpush.account.modified", when, data, **members)


def captured(source: str, when: datetime, body: object) -> dict[str, Any]:
    """Give a capture."""
    return {"received_at": rfc3339(when), "source": source, "body": body}


def notified(*records: Mapping[str, Any], kind: str = "modified", name: str = "account") -> dict[str, Any]:
    """Give a notification of the vendor's."""
    return {"event": {"class": name, "type": kind, "records": list(records)}}


def account(code: object, attempt: datetime = START, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an account
    """Give a CustomerAccount as the vendor writes it."""
    return {
        "id": ACCOUNT,
        "customerId": CUSTOMER,
        "institutionId": BANK,
        "institutionLoginId": LOGIN,
        "name": "Everyday Checking",
        "aggregationStatusCode": code,
        "aggregationAttemptDate": int(attempt.timestamp()),
    } | fields


def text_of(lines: Iterable[object]) -> bytes:
    """Write lines as a file has them; bytes stand for themselves."""
    return b"".join(line if isinstance(line, bytes) else orjson.dumps(line) + b"\n" for line in lines)


def run(folder: Path, lines: Iterable[object], *options: str, name: str = "events.jsonl") -> Result:
    """Run the command on a file of lines, gzipped where its name says so."""
    file = folder / name
    content = text_of(lines)
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return CliRunner().invoke(command, [str(file), *options], catch_exceptions=False)


def told(result: Result) -> list[str]:
    """Say what came out, a message in a few words: its time, kind, action and code."""
    assert result.exit_code == 0, result.output
    return [in_words(orjson.loads(line)) for line in result.stdout.splitlines()]


def in_words(message: Mapping[str, Any]) -> str:
    """Say a message in a few words."""
    data, passed = message["data"], datetime.fromisoformat(message["time"]) - START
    hours = f"{passed / DAY * 24:g}h"
    reason = data.get("reason", {}).get("code", "-")
    return f"{hours} {data['kind']} {data['action']} {reason}"
