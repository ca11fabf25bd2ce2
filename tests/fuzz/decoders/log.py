"""What the processes read from Kafka: events and signals, state, records of subscriptions."""

from base64 import b64encode
from typing import Any

import msgspec

from schemas.catalogue import Kind
from schemas.cloudevents import NewerRecord, UnreadableRecord, from_record, to_headers, to_value
from schemas.commands import COMMAND_TOPICS
from schemas.events import Event, OverrideAction
from schemas.policy import Policy
from schemas.signals import SignalType
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
from streams.clock import WallClock
from streams.executor.fixing.standing import Commands
from streams.fold.intake import EVENT_SOURCES, Intake
from streams.kafka.view import ViewRecord
from streams.subscribe.core.messages import Partition, RawRecord, message_of
from streams.subscribe.errors import UnreadableCommandError
from streams.subscribe.testing import CommandStory, TicketStory
from streams.subscriptions.held import Grant, record_key, renewed
from streams.subscriptions.sealing import Sealing
from streams.subscriptions.view import SigningKeys
from tests.fuzz.decoders.decoder import AT, BETWEEN, HOSTILE, Decoder, headers_in, parts
from tests.unit.bridge.signed import CUSTOMER, SEALING_KEY
from tests.unit.fold.build import (
    LogRecord,
    activated,
    connected,
    deleted,
    forgotten,
    incident,
    looked,
    overridden,
    signal,
    tick,
)

MS = to_epoch_ms(AT)
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
INTAKE = Intake(EVENT_SOURCES, 1)
SEALING = Sealing([SEALING_KEY])
KEY = record_key(CUSTOMER, "5900000001")


def _record(data: bytes) -> str:
    """Read a record as a fold does; what was read, written again, is the same."""
    lines, key, value = parts(data, 3)
    headers = [(name.decode("latin-1"), content) for name, content in headers_in(lines)]
    record = LogRecord(0, MS, key or None, value or None, headers)
    try:
        event = INTAKE.read(record, 0, lambda _: False)
    except UnreadableRecord as error:
        return f"unreadable {error.reason}"
    except NewerRecord:
        return "newer"
    again = from_record(to_headers(event), key or None, to_value(event.data), MS)
    assert to_value(again.data) == to_value(event.data)
    return event.type if event.type in EVENT_SOURCES else "another type"


def _record_seeds() -> list[bytes]:
    events = [
        looked("7", 185, AT),
        deleted("7", AT),
        connected("7", "done", AT),
        overridden(OverrideAction.SILENCE, AT, "7"),
        incident(AT, 103, 1, is_open=True),
        forgotten("7", AT),
        tick(AT),
        activated(AT, Policy.load()),
        *(signal(kind, "7", AT) for kind in SignalType),
    ]
    return [*map(_as_input, events), *(_as_input(events[0], value) for value in HOSTILE)]


def _as_input(event: Event, value: bytes | None = None) -> bytes:
    lines = b"\n".join(name.encode() + b": " + content for name, content in to_headers(event))
    key = (event.partition_key or "").encode()
    return BETWEEN.join((lines, key, to_value(event.data) if value is None else value))


def _state(data: bytes) -> str:
    """Read a record of a table, by the first byte as one or the other; what was read is written and read the same."""
    kind = STATES[data[0] % len(STATES)] if data else STATES[0]
    try:
        state: Any = msgspec.json.decode(data[1:], type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return f"{kind.__name__} {type(error).__name__}"
    written = encode(state)
    assert encode(msgspec.json.decode(written, type=kind)) == written
    return kind.__name__


def _state_seeds() -> list[bytes]:
    times = dict.fromkeys(("heard_at", "event_time", "opened_at", "first_seen", "last_seen"), "2026-11-01T03:00:00Z")
    mark = msgspec.json.encode({"counted_by": "a", "command_id": "b", "sequence": 1, **times})
    return [bytes([number]) + text for number in range(len(STATES)) for text in (b"{}", mark, *HOSTILE[:3])]


def _subscription(data: bytes) -> str:
    """Read records of the topic, as they lie there and sealed with our key: none may end the view."""
    keys = SigningKeys(SEALING)
    key, sealed, opened = parts(data, 3)
    held = SEALING._ciphers[0].encrypt(opened or b"{}", [KEY])
    ours = msgspec.json.encode({"version": 1, "sealed": b64encode(held).decode()})
    for one, value in ((key, sealed or None), (KEY, sealed), (KEY, ours)):
        keys.hear(ViewRecord("txpush.subscriptions", 0, 0, one, value, 0))
        keys.problems()
    found = keys.of("5900000001")
    return "no keys" if found is None else f"{len(found.of_class('account'))} keys"


def _subscription_seeds() -> list[bytes]:
    held = renewed(None, [Grant("1", "account", "key-one"), Grant("2", "transaction", "key-two")], "https://x", "t")
    good = SEALING.seal(KEY, held)
    inner = msgspec.json.encode(held)
    deep = (
        b"[" * 3000,
        b'{"version":1,"sealed":"","a":' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"version":' + b"9" * 99,
    )
    return [BETWEEN.join((KEY, good, inner)), *(BETWEEN.join((KEY, one, one)) for one in (*deep, *HOSTILE))]


def _command(data: bytes) -> str:
    """Read a message of a command as the executor and the services' kit do: none may end a view."""
    topic = COMMAND_TOPICS[Kind.SUPPORT_TICKET if data[:1] == b"t" else Kind.CONNECT_FIX]
    known = Commands(WallClock(), lambda: None)
    known.hear(ViewRecord(topic, 0, 0, None, data[1:], to_epoch_ms(WallClock().now())))
    try:
        message = message_of(RawRecord(Partition(topic, 0), 0, data[1:], MS))
    except UnreadableCommandError:
        return f"unreadable, {len(known)} kept"
    return f"{message.command.kind} {message.action}, {len(known)} kept"


def _command_seeds() -> list[bytes]:
    command, ticket = CommandStory(), TicketStory()
    good = [b"c" + one.model_dump_json().encode() for one in (command.issue(), command.withdraw(), command.complete())]
    good += [b"t" + one.model_dump_json().encode() for one in (ticket.issue(), ticket.complete())]
    return [*good, *(b"c" + one for one in HOSTILE), b""]


LOG = (
    Decoder("record", _record, _record_seeds, frozenset({"txpush.account.modified", "operator.override"})),
    Decoder("command", _command, _command_seeds, frozenset({"connect-fix issue, 1 kept"})),
    Decoder("state", _state, _state_seeds, frozenset(kind.__name__ for kind in STATES)),
    Decoder("subscription", _subscription, _subscription_seeds, frozenset({"1 keys"})),
)
