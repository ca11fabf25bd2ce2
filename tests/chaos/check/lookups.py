"""Accounts for every look-up: answered, passed by as documented, or about accounts that the vendor does not know.

And for every call of the vendor: a look-up is read once, and once more for each disturbance that may have cut it off.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from tests.chaos.actors.vendor import Call
from tests.chaos.check.books import EXECUTOR
from tests.chaos.check.compare import Findings
from tests.chaos.check.export import Place, Record
from tests.chaos.faults.plan import Done, Kind
from tests.chaos.load.sent import is_direct
from tests.chaos.load.traffic import Login

PASSED_BY = re.compile(r"(remediation\.lookup/\d+/\d+)(?: cannot be answered| is too old| failed)")
AFTER_SECONDS = 60.0
"""How long after its end a disturbance shows: pauses before the next try, partitions that move."""
WHILE_IT_LASTS = 12
"""Tries while the vendor or a broker fails: pauses of 1, 2, 4 ... s, and two repetitions of a call in each."""
FOR_EACH_MOVE = 3
"""An executor that ends or sleeps: its look-ups move to another, and some back again."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A look-up as it was asked."""

    place: str
    action: str
    customer_id: str
    login_id: str | None
    account_ids: tuple[str, ...]


def lookups_of(records: Mapping[Place, Sequence[Record]]) -> list[Lookup]:
    """Read look-ups from their topic."""
    found = []
    for (topic, number), lies in records.items():
        for record in lies:
            asked = orjson.loads(record.value or b"{}")
            found.append(
                Lookup(
                    f"{topic}/{number}/{record.offset}",
                    asked["action"],
                    asked["customer_id"],
                    asked["institution_login_id"],
                    tuple(asked["account_ids"]),
                )
            )
    return found


def passed_by(logs: Iterable[Path]) -> set[str]:
    """Give the look-ups that executors said they would not answer."""
    written = (log.read_text(errors="replace") for log in logs if log.exists())
    return {place for text in written for place in PASSED_BY.findall(text)}


def check_lookups(
    findings: Findings, lookups: Sequence[Lookup], observed: Iterable[Record], known: Sequence[Login], passed: set[str]
) -> None:
    """Count what is missing of an observation for each look-up and account of the vendor's, of those not passed by."""
    accounts = {(login.customer_id, account.account_id) for login in known for account in login.accounts}
    answers: Counter[tuple[str, str]] = Counter(filter(None, map(_answered, observed)))
    asked: Counter[tuple[str, str]] = Counter()
    for lookup in lookups:
        about = {(lookup.customer_id, account) for account in lookup.account_ids} & accounts
        findings.compared["lookups"] += 1
        findings.compared["lookups_at_vendor"] += bool(about)
        findings.compared["lookups_passed_by"] += lookup.place in passed
        if lookup.place not in passed:
            asked.update(about)
    for account, missing in (asked - answers).items():
        findings.found("lookups_unanswered", missing, f"{account}: {asked[account]} asked, {answers[account]} answered")


def _answered(record: Record) -> tuple[str, str] | None:
    """Give customer and account of an answer of the executor's; the feed writes observations in its name as well."""
    if record.header("ce_source") != EXECUTOR or is_direct(record.header("ce_id")) or record.key is None:
        return None
    return record.key.decode(), str(orjson.loads(record.value or b"{}").get("accountId"))


def check_calls(findings: Findings, lookups: Sequence[Lookup], reads: Iterable[Call], done: Sequence[Done]) -> None:
    """Count the reads beyond one a look-up that no disturbance between the first and the last explains."""
    asked: Counter[str] = Counter()
    for lookup in lookups:
        asked.update(_paths(lookup))
    by_path: dict[str, list[float]] = defaultdict(list)
    for call in reads:
        by_path[call.path].append(call.at)
    for path, times in by_path.items():
        findings.compared["vendor_reads"] += len(times)
        more = max(0, len(times) - asked[path])
        findings.compared["vendor_read_again"] += more
        explained = sum(_tries(one) for one in done if one.at <= max(times) and min(times) <= one.until + AFTER_SECONDS)
        findings.found("vendor_asked_again", max(0, more - explained), f"{path}: {len(times)} for {asked[path]}")


def _tries(done: Done) -> int:
    """How often a look-up may be tried again for a disturbance."""
    if done.kind.is_of_brokers or done.kind is Kind.VENDOR:
        return WHILE_IT_LASTS
    return FOR_EACH_MOVE if done.victim.startswith("executor") else 0


def _paths(lookup: Lookup) -> Iterable[str]:
    """Give every address that the answer may read, once."""
    customer = f"/aggregation/v1/customers/{lookup.customer_id}"
    for account in lookup.account_ids:
        yield f"{customer}/accounts/{account}/simple"
        if lookup.action == "locate":
            yield f"/aggregation/v2/customers/{lookup.customer_id}/accounts/{account}"
    if lookup.action == "verify" and lookup.login_id is not None:
        yield f"{customer}/institutionLogins/{lookup.login_id}/accounts"
