"""Look-ups and calls of the vendor are accounted for."""

import json
from pathlib import Path

import pytest

from tests.chaos.actors.vendor import Call
from tests.chaos.check.compare import Findings
from tests.chaos.check.export import Record
from tests.chaos.check.lookups import Lookup, check_calls, check_lookups, passed_by
from tests.chaos.faults.plan import Done, Kind
from tests.chaos.load.traffic import Account, Login

ASKED = Lookup("remediation.lookup/0/5", "locate", "7", None, ("1", "2"))
KNOWN = [Login("7", "3", "4", [Account("1")], at_vendor=True)]


def observed(source: str = "/remediation/executor", event_id: str = "a:0") -> Record:
    """Give an observation of account 1."""
    headers = (("ce_source", source.encode()), ("ce_id", event_id.encode()))
    return Record(0, b"7", json.dumps({"accountId": "1"}).encode(), headers, 0)


@pytest.mark.parametrize(
    ("records", "passed", "unanswered"),
    [
        ([observed()], set(), 0),
        ([observed(), observed()], set(), 0),
        ([observed("/remediation/sweep")], set(), 1),
        ([observed(event_id="direct:4")], set(), 1),
        ([], set(), 1),
        ([], {ASKED.place}, 0),
    ],
)
def test_a_look_up_is_answered_or_passed_by(records: list[Record], passed: set[str], unanswered: int) -> None:
    """Each look-up has an observation of the executor's own, for the account that the vendor knows."""
    findings = Findings()
    check_lookups(findings, [ASKED], records, KNOWN, passed)
    assert findings.faults["lookups_unanswered"] == unanswered


@pytest.mark.parametrize(("reads", "disturbed", "again"), [(1, False, 0), (2, False, 1), (4, True, 0), (5, True, 1)])
def test_the_vendor_is_asked_once(reads: int, disturbed: bool, again: int) -> None:  # noqa: FBT001 - a column
    """What was disturbed between the first and the last read explains some more; nothing else does."""
    findings, path = Findings(), "/aggregation/v1/customers/7/accounts/1/simple"
    done = [Done(Kind.KILL, "executor-0", "", 1.5)] if disturbed else []
    check_calls(findings, [ASKED], [Call(path, 200, 1.0 + number) for number in range(reads)], done)
    assert findings.faults["vendor_asked_again"] == again


def test_what_was_passed_by_is_read_from_the_log(tmp_path: Path) -> None:
    """The executor says what it does not answer, and why."""
    log = tmp_path / "executor-0.log"
    log.write_text(
        "E remediation.lookup/0/5 cannot be answered: the vendor says 185\n"
        "W remediation.lookup/1/7 is too old: asked 1.2 days ago, passed by\n"
        "W remediation.lookup/1/9 has to wait, others do not: 403\n"
    )
    assert passed_by([log]) == {"remediation.lookup/0/5", "remediation.lookup/1/7"}
