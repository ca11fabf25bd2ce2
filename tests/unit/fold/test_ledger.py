"""The books of a poll: dead letters that name nobody, audit records byte for byte, and no way to break them."""

import hashlib
from datetime import timedelta

import orjson
import pytest

from schemas.audit import AuditRecord, DeadLetter, DeadLetterReason
from schemas.cloudevents import UnreadableRecord, to_headers
from schemas.state import ControlState
from streams.fold.chain import first_link
from streams.fold.effects import OutRecord
from streams.fold.inforce import InForce
from streams.fold.ledger import PollLedger, Written
from streams.fold.lines import MAX_TEXT
from streams.kafka.topics import AUDIT, DEAD_LETTER
from streams.observe.parts.deciding import AGENT_DEAD_LETTERS
from tests.unit.fold.build import CATALOGUE, CUSTOMERS, IDENTITY, POLICY, START, LogRecord, looked, record, rolled_on

IN_FORCE = InForce.of(POLICY, CATALOGUE)
MS = timedelta(milliseconds=1)
BAD = UnreadableRecord(DeadLetterReason.BAD_DATA, "data of x: bad")


@pytest.fixture
def ledger() -> PollLedger:
    return PollLedger("log", IDENTITY, 1, ControlState(), IN_FORCE)


def out(ledger: PollLedger, topic: str) -> list[OutRecord]:
    return ledger.effects.outbox.records.get((topic, 1), [])


def letter(ledger: PollLedger) -> DeadLetter:
    (only,) = out(ledger, DEAD_LETTER)
    return DeadLetter.model_validate_json(only.value or b"")


def audit(ledger: PollLedger) -> AuditRecord:
    (only,) = out(ledger, AUDIT)
    return AuditRecord.model_validate_json(only.value or b"")


def test_an_audit_record_is_that_of_the_contract(ledger: PollLedger) -> None:
    """Every field of a decision is there, and a reader that writes it again has the same bytes."""
    one = record(7, looked(CUSTOMERS[0], 185, START + 5 * MS))
    ledger.absorb(one)
    ledger.decided(
        one,
        "e7",
        CUSTOMERS[0],
        phases=(None, "customer_action"),
        rules=("R1", "R3"),
        messages=[Written("remediation.connect-fix", "c:0", b"{}")],
        state=[b"a", b"b"],
    )
    (written,) = out(ledger, AUDIT)
    found = audit(ledger)
    assert found.model_dump_json().encode() == written.value
    assert (written.key, written.timestamp_ms) == (CUSTOMERS[0].encode(), one.timestamp)
    assert (found.event_id, found.topic, found.partition, found.offset) == ("e7", "log", 1, 7)
    assert (found.event_time, found.phase_before, found.phase_after) == (START + 5 * MS, None, "customer_action")
    assert found.rules == ("R1", "R3")
    assert found.messages[0].sha256 == hashlib.sha256(b"{}").hexdigest()
    assert found.state_sha256 == hashlib.sha256(b"ab").hexdigest()
    assert (found.policy_sha256, found.catalogue_sha256) == (POLICY.sha256, CATALOGUE.sha256)
    assert found.previous == first_link(IDENTITY, 1)


def test_the_same_poll_gives_the_same_bytes() -> None:
    """An audit record depends on nothing but the log and what stood before."""
    written = []
    for _ in range(2):
        ledger = PollLedger("log", IDENTITY, 1, ControlState(audit_head="a" * 64), IN_FORCE)
        one = record(7, looked(CUSTOMERS[0], 185, START))
        ledger.absorb(one)
        ledger.decided(one, "e7", CUSTOMERS[0], rules=("R1",))
        written.append(out(ledger, AUDIT)[0].value)
    assert written[0] == written[1]


def test_control_carries_the_chain_on(ledger: PollLedger) -> None:
    """The state after a poll holds the clock, the head of the chain, and what was absorbed since."""
    one, other = (record(n, looked(CUSTOMERS[0], 0, START)) for n in (1, 2))
    ledger.absorb(one)
    ledger.decided(one, "e1", CUSTOMERS[0])
    ledger.absorb(other)
    ledger.ticked_at = START
    control = ledger.control()
    value = out(ledger, AUDIT)[0].value or b""
    assert (control.ticked_at, control.audit_head) == (START, hashlib.sha256(value).hexdigest())
    assert control.inputs == rolled_on(bytes(32), other).hex()


def test_a_dead_letter_names_nobody(ledger: PollLedger) -> None:
    """Names, numbers and balances stay out, even where they stand in a field that is kept otherwise."""
    body = {
        "customerId": "70",
        "accountId": {"owner": "Jane Doe"},
        "institutionId": "Jane Doe",
        "institutionLoginId": ["4111111111111111"],
        "lastUpdatedDate": "jane@example.com",
        "aggregationStatusCode": 185,
        "aggregationAttemptDate": "2026-11-01T03:00:00Z",
        "authorizationExpires": True,
        "name": "Jane Doe",
        "number": "4111111111111111",
        "balance": 12.5,
        "accountType": "checking",
    }
    value = orjson.dumps(body)
    ledger.set_aside(LogRecord(3, 1000, b"70", value, [("ce_id", b"e3")]), BAD)
    found = letter(ledger)
    assert orjson.loads(found.reduced or "") == {
        "customerId": "70",
        "aggregationStatusCode": 185,
        "aggregationAttemptDate": "2026-11-01T03:00:00Z",
        "authorizationExpires": True,
    }
    assert (found.reason, found.detail, found.origin) == (DeadLetterReason.BAD_DATA, "data of x: bad", "log/1/3")
    assert found.body_sha256 == hashlib.sha256(value).hexdigest()
    assert out(ledger, DEAD_LETTER)[0].key == b"70"


@pytest.mark.parametrize("value", [None, b"", b"{", b"[1]", b'"Jane Doe"', b"\xff\xfe"])
def test_a_body_that_is_no_object_is_not_shown(ledger: PollLedger, value: bytes | None) -> None:
    """Of what cannot be read nothing is kept but its hash."""
    ledger.set_aside(LogRecord(3, 1000, b"70", value), BAD)
    assert letter(ledger).reduced is None
    assert letter(ledger).body_sha256 == hashlib.sha256(value or b"").hexdigest()


def test_a_dead_letter_is_a_link_of_the_chain(ledger: PollLedger) -> None:
    """That a record was set aside is a decision, with its reason."""
    ledger.set_aside(LogRecord(3, 1000, b"70", b"{", [("ce_id", b"e3")]), BAD)
    found = audit(ledger)
    assert (found.event_id, found.offset, found.dead_letter) == ("e3", 3, DeadLetterReason.BAD_DATA)
    assert found.messages == ()
    assert ledger.tally.counts[AGENT_DEAD_LETTERS, DeadLetterReason.BAD_DATA] == 1


@pytest.mark.parametrize("timestamp", [-(2**62), 2**62, -1, 0])
def test_a_record_without_a_time_can_be_set_aside(ledger: PollLedger, timestamp: int) -> None:
    """A timestamp that is no time, which a broker may take, does not stop the partition."""
    ledger.set_aside(LogRecord(3, timestamp, b"70", b"{"), BAD)
    assert audit(ledger).event_time == letter(ledger).received_at
    (written,) = out(ledger, AUDIT)
    assert AuditRecord.model_validate_json(written.value or b"").model_dump_json().encode() == written.value


def test_a_null_header_can_be_set_aside(ledger: PollLedger) -> None:
    """A header may be there and have no value."""
    headers: list[tuple[str, bytes]] = [("ce_id", None)]  # type: ignore[list-item] # as aiokafka gives it
    ledger.set_aside(LogRecord(3, 0, b"70", b"{", headers), BAD)
    assert audit(ledger).event_id == ""


def test_a_huge_record_makes_a_small_dead_letter(ledger: PollLedger) -> None:
    """Key, id and detail of an unreadable record are cut: a record that Kafka refuses would stop the partition."""
    headers = [*to_headers(looked(CUSTOMERS[0], 0, START))[:1], ("ce_id", b"i" * 500_000)]
    error = UnreadableRecord(DeadLetterReason.WRONG_PARTITION, "k" * 500_000)
    ledger.set_aside(LogRecord(3, 0, b"k" * 500_000, b'{"customerId": "' + b"7" * 500_000 + b'"}', headers), error)
    for topic in (AUDIT, DEAD_LETTER):
        (written,) = out(ledger, topic)
        assert len(written.key or b"") + len(written.value or b"") < 10 * MAX_TEXT
