"""What is kept in Kafka of the present: the tables of the agents, their changelogs, and `account.health`."""

from typing import Any

import msgspec

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from schemas.state import (
    AccountState,
    ControlState,
    CustomerState,
    GatheringState,
    IncidentState,
    InstitutionState,
    LoginState,
    StandingState,
    Surroundings,
    TicketState,
    WindowState,
    encode,
)
from schemas.times import to_epoch_ms
from streams.domain.around import held_until
from streams.fold.chain import Chain
from streams.fold.effects import PartitionPaused
from streams.fold.inforce import InForce, read_activation
from streams.fold.memory import MemoryTable
from streams.kafka.topics import HEALTH
from streams.kafka.view import ViewRecord
from streams.operate.overrides.known import _found
from streams.operate.overrides.scope import Scope
from streams.subscriptions.book import _hear_health
from streams.subscriptions.held import Account
from streams.sweep.book import Book
from streams.transport.state.restore import Changelogs
from streams.worker.program import _reader
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder
from tests.fuzz.standins import Polled, Stored, done, groups, small_rules
from tests.unit.sweep.double import CUSTOMER, health, known

MS = to_epoch_ms(AT)
RULES = InForce.of(Policy.load(), Catalogue.load()).rules
STATES = (
    AccountState,
    LoginState,
    CustomerState,
    Surroundings,
    ControlState,
    TicketState,
    StandingState,
    GatheringState,
    IncidentState,
    WindowState,
    InstitutionState,
)
POLICIES = MemoryTable("policies", "fuzz-policies-changelog", _reader("policies", read_activation))
ACCOUNTS, CONTROL = (
    MemoryTable(name, f"fuzz-{name}-changelog", _reader(name, msgspec.json.Decoder(kind).decode))
    for name, kind in (("accounts", AccountState), ("control", ControlState))
)
TABLES = (ACCOUNTS, CONTROL, POLICIES)


def _state(data: bytes) -> str:
    """Read a record of a table, by the first byte as one or the other; what was read is written and read the same."""
    kind = STATES[data[0] % len(STATES)] if data else STATES[0]
    read = _reader("fuzzed", msgspec.json.Decoder(kind).decode)
    try:
        state: Any = read(data[1:])
    except PartitionPaused:
        return f"{kind.__name__} pauses"
    written = encode(state)
    assert encode(read(written)) == written
    if isinstance(state, Surroundings):
        for key in state.incidents:
            held_until(state, key.rpartition("/")[0], 185, RULES)
    if isinstance(state, ControlState):
        assert Chain(state.audit_head, state.inputs).inputs == state.inputs
    return kind.__name__


def _state_seeds() -> list[bytes]:
    fields = dict.fromkeys(("heard_at", "event_time", "opened_at", "first_seen", "last_seen"), "2026-11-01T03:00:00Z")
    mark = msgspec.json.encode({"counted_by": "a", "command_id": "b", "sequence": 1, **fields})
    control = bytes([STATES.index(ControlState)])
    around = bytes([STATES.index(Surroundings)])
    keys = (b"9/103", b"9/1/103", b"9/x", b"9", b"", b"/", b"9/1_0", b"9/" + b"9" * 5000, "9/\u0661".encode())
    held = [around + b'{"incidents":{"%b":{"sequence":1,"is_open":true}}}' % key for key in keys]
    times = (b"2026-11-01T03:00:00Z", b"2026-11-01T03:00:00", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00Z")
    held += [around + b'{"incidents":{"9/103":{"sequence":1,"is_open":true,"told_at":"%b"}}}' % at for at in times]
    odd = [control + b'{"inputs":"%b"}' % text for text in (b"0" * 64, b"x" * 64, b"0", b" ", b"")]
    every = (b"{}", mark, b'{"version":"\xff"}', *HOSTILE[:3])
    return [*odd, *held, *(bytes([number]) + text for number in range(len(STATES)) for text in every)]


def _changelog(data: bytes) -> str:
    """Bring tables back from their changelogs; a record that no table can have written pauses the partition."""
    topics = {table.topic: table for table in TABLES}
    records = [
        Stored([*topics][place[0] % len(topics)] if place else ACCOUNTS.topic, key or None, value or None)
        for place, key, value in groups(data, 3, 8)
    ]
    consumer = Polled(*records)
    logs = Changelogs(consumer, TABLES, 0)
    logs.starts = dict.fromkeys(topics, 0)
    logs.ends = {topic: sum(one.topic == topic for one in records) for topic in topics}
    try:
        restored = done(logs.read_on(None))
        found = [value for values in restored.values.values() for value in values.values()]
    except PartitionPaused:
        return "pauses"
    assert restored.read_records == len(records)
    return f"{min(len(found), 3)} values"


def _changelog_seeds() -> list[bytes]:
    account = b'{"heard_at":"2026-11-01T03:00:00Z"}'
    policies = BETWEEN.join((b"\2", b"0", small_rules().model_dump_json().encode()))
    good = BETWEEN.join((policies, b"\0", b"7/5", account, b"\1", b"0", b"{}", b"\0", b"7/6", account))
    gone = BETWEEN.join((b"\0", b"7/5", account, b"\0", b"7/5", b""))
    keys = [BETWEEN.join((b"\0", key, account)) for key in (b"", b"\xff", b"\xed\xa0\x80", b"9" * 5000)]
    return [
        good,
        gone,
        *keys,
        *(BETWEEN.join((place, b"7/5", one)) for place in (b"\0", b"\1", b"\2") for one in HOSTILE),
    ]


def _health(data: bytes) -> str:
    """Read `account.health` as the sweep, the subscriptions and an operator's question do."""
    book, subscribed = Book(), set[Account]()
    records = [Stored(HEALTH, key or None, value or None) for key, value in groups(data, 2, 8)]
    for record in records:
        _hear_health(subscribed, ViewRecord(HEALTH, 0, 0, record.key, record.value, MS))
    fields = done(_found(Polled(*records), 1, Scope("7", account_id="5"), {"customer_id": "7", "account_id": "5"}))
    try:
        for record in records:
            book.hear(ViewRecord(HEALTH, 0, 0, record.key, record.value, MS))
    except ValueError:
        return f"ends, {len(fields)} known"
    kept = [one for customer_id in book.customers() for one in book.known(customer_id).values()]
    assert len(kept) == len(book)
    assert all(Account.of(one.key) == one for one in subscribed)
    return f"{min(len(kept), 2)} accounts, {min(len(subscribed), 2)} subscribed, {len(fields)} known"


def _health_seeds() -> list[bytes]:
    one = health(known()).value or b""
    first, second = (one.replace(CUSTOMER.encode(), b"7").replace(b"5900000001", account) for account in (b"5", b"6"))
    good = BETWEEN.join((b"7/5", first, b"7/6", second))
    gone = BETWEEN.join((b"7/5", first, b"7/5", b""))
    keys = [BETWEEN.join((key, one)) for key in (b"", b"7", b"7/", b"/5", b"\xff/5", b"7/5/6")]
    deep = one.removesuffix(b"}") + b',"later":' + b"[" * 3000 + b"]" * 3000 + b"}"
    large = first.replace(b'"code":0', b'"code":' + b"5" * 100)
    odd = (deep, large, one.replace(b"healthy", b"\xff"), one.replace(b"healthy", b"later"), *HOSTILE)
    return [good, gone, *keys, *(BETWEEN.join((b"7/5", value)) for value in odd)]


STATE = (
    Decoder("changelog", _changelog, _changelog_seeds, frozenset({"3 values", "pauses"})),
    Decoder("health", _health, _health_seeds, frozenset({"2 accounts, 2 subscribed, 2 known"})),
    Decoder("state", _state, _state_seeds, frozenset(kind.__name__ for kind in STATES)),
)
