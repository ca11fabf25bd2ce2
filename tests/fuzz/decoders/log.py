"""What the processes read from Kafka: events and signals, state, look-ups, health, records of subscriptions."""

from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from schemas.audit import DeadLetterReason
from schemas.catalogue import Catalogue, Kind
from schemas.cloudevents import NewerRecord, UnreadableRecord, from_record, to_headers, to_value
from schemas.commands import COMMAND_TOPICS, Lookup, LookupAction
from schemas.events import Event, OverrideAction
from schemas.policy import Policy
from schemas.signals import SignalType
from schemas.state import ControlState
from schemas.times import to_epoch_ms
from streams.clock import WallClock
from streams.executor.fixing.standing import Commands
from streams.executor.lookups.letters import Letters
from streams.executor.lookups.work import Work
from streams.fold.inforce import InForce
from streams.fold.intake import EVENT_SOURCES, Intake
from streams.fold.ledger import PollLedger
from streams.fold.lines import Place
from streams.kafka.log import LogRecord as Written
from streams.kafka.topics import DEAD_LETTER, EVENTS, LOOKUP, SIGNALS
from streams.kafka.view import ViewRecord
from streams.operate.letters.book import Book as LetterBook
from streams.operate.letters.kept import Chosen
from streams.operate.letters.telling import as_whole
from streams.subscribe.core.messages import Partition, RawRecord, message_of
from streams.subscribe.errors import UnreadableCommandError
from streams.subscribe.testing import CommandStory, TicketStory
from streams.subscriptions.held import Grant, record_key, renewed
from streams.subscriptions.sealing import Sealing, UnopenedError
from streams.subscriptions.view import SigningKeys
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder, headers_in, parts
from tests.fuzz.standins import Stored, done, small_rules
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
INTAKE = Intake(EVENT_SOURCES, 1)
IN_FORCE = InForce.of(Policy.load(), Catalogue.load())
MAX_LETTER_BYTES = 10_000
SEALING = Sealing([SEALING_KEY])
SIGNAL_PLACE = Place(SIGNALS, 0)
KEY = record_key(CUSTOMER, "5900000001")


def _record(data: bytes) -> str:
    """Read a record as a fold does; what was read, written again, is the same, and the rest is set aside."""
    lines, key, value = parts(data, 3)
    headers = [(name.decode("latin-1"), content) for name, content in headers_in(lines)]
    record = LogRecord(0, MS, key or None, value or None, headers)
    SIGNAL_PLACE.of(record)
    try:
        event = INTAKE.read(record, 0, lambda _: False)
    except UnreadableRecord as error:
        ledger = PollLedger(EVENTS, "fuzz", 0, ControlState(), IN_FORCE)
        ledger.set_aside(record, error)
        ((letter,),) = (sent for (topic, _), sent in ledger.effects.outbox.records.items() if topic == DEAD_LETTER)
        _is_letter(letter.key, letter.value)
        return f"unreadable {error.reason}"
    except NewerRecord:
        return "newer"
    again = from_record(to_headers(event), key or None, to_value(event.data), MS)
    assert to_value(again.data) == to_value(event.data)
    return event.type if event.type in EVENT_SOURCES else "another type"


def _is_letter(key: bytes | None, value: bytes | None) -> None:
    """Hold that operators can read a dead letter, and that its record can be found by it."""
    book = LetterBook(Chosen(), 1)
    book.take(Stored(DEAD_LETTER, key, value))
    (kept,) = book.letters
    assert kept.component is not None
    assert as_whole(kept, (), None, "")
    assert len(value or b"") < MAX_LETTER_BYTES


def _record_seeds() -> list[bytes]:
    events = [
        looked("7", 185, AT),
        deleted("7", AT),
        connected("7", "done", AT),
        overridden(OverrideAction.SILENCE, AT, "7"),
        incident(AT, 103, 1, is_open=True),
        forgotten("7", AT),
        tick(AT),
        replace(activated(AT, Policy.load()), data=small_rules()),
        *(signal(kind, "7", AT) for kind in SignalType),
    ]
    later = replace(events[0], type="account.renamed")
    schemas = [b"ce_dataschema: urn:txpush-remediation:%b:x\n" % text for text in (b"1", b"9", b"9" * 5000, b"\xff")]
    odd = [_as_input(later, value) for value in (b"{}", b"[]", b'{"a":1e999}', *HOSTILE)]
    odd += [schema + _as_input(events[0]) for schema in schemas]
    return [*map(_as_input, events), *odd, *(_as_input(events[0], value) for value in HOSTILE)]


def _as_input(event: Event, value: bytes | None = None) -> bytes:
    lines = b"\n".join(name.encode() + b": " + content for name, content in to_headers(event))
    key = (event.partition_key or "").encode()
    return BETWEEN.join((lines, key, to_value(event.data) if value is None else value))


class _Written:
    """A log that takes everything."""

    def __init__(self) -> None:
        self.records: list[Written] = []

    async def send_all(self, records: Sequence[Written], deadline_seconds: float) -> None:
        del deadline_seconds
        self.records += records

    def problems(self) -> list[str]:
        return []


def _lookup(data: bytes) -> str:
    """Read a look-up as the executor does; what is none becomes a dead letter that shows nothing but ids."""
    record, written = RawRecord(Partition(LOOKUP, 0), 0, data or None, MS), _Written()
    lookup = Work.of(record).lookup
    if lookup is not None:
        assert Work.of(record._replace(value=lookup.model_dump_json().encode())).lookup == lookup
        return lookup.action
    done(Letters(written, 1.0).write(record, DeadLetterReason.BAD_DATA, "no look-up"))
    (letter,) = written.records
    _is_letter(letter.key, letter.value)
    return "letter" if letter.key is None else "letter of a customer"


def _lookup_seeds() -> list[bytes]:
    good = Lookup(action=LookupAction.VERIFY, customer_id="7", institution_login_id="8", account_ids=("5", "6"))
    text = good.model_dump_json().encode()
    odd = [text.replace(b'"verify"', action) for action in (b"{}", b'"later"', b'["verify"]', b'"locate"')]
    odd += [text.replace(b'"5"', account) for account in (b"5", b'{"a":1}', b'"' + b"9" * 5000 + b'"', b'"\\ud800"')]
    return [text, *odd, *HOSTILE]


def _subscription(data: bytes) -> str:
    """Read records of the topic, as they lie there and sealed with our key: none may end the view."""
    keys = SigningKeys(SEALING)
    key, sealed, opened = parts(data, 3)
    held = SEALING._ciphers[0].encrypt(opened or b"{}", [KEY])
    ours = msgspec.json.encode({"version": 1, "sealed": b64encode(held).decode()})
    for one, value in ((key, sealed or None), (KEY, sealed), (KEY, ours)):
        keys.hear(ViewRecord("txpush.subscriptions", 0, 0, one, value, 0))
        keys.problems()
        with suppress(UnopenedError):  # nothing else, whatever it is
            SEALING.open(KEY, value or b"")
    found = keys.of("5900000001")
    return "no keys" if found is None else f"{len(found.of_class('account'))} keys"


def _subscription_seeds() -> list[bytes]:
    held = renewed(None, [Grant("1", "account", "key-one"), Grant("2", "transaction", "key-two")], "https://x", "t")
    good = SEALING.seal(KEY, held)
    inner = msgspec.json.encode(held)
    odd = (b'{"version":1,"sealed":"\xff"}', b'{"version":1,"sealed":"AAAA"}', inner.replace(b"key-one", b"\xff"))
    deep = (
        b"[" * 3000,
        b'{"version":1,"sealed":"","a":' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"version":' + b"9" * 99,
    )
    return [BETWEEN.join((KEY, good, inner)), *(BETWEEN.join((KEY, one, one)) for one in (*odd, *deep, *HOSTILE))]


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
    Decoder("lookup", _lookup, _lookup_seeds, frozenset({"verify", "locate", "letter", "letter of a customer"})),
    Decoder("record", _record, _record_seeds, frozenset({"txpush.account.modified", "operator.override"})),
    Decoder("command", _command, _command_seeds, frozenset({"connect-fix issue, 1 kept"})),
    Decoder("subscription", _subscription, _subscription_seeds, frozenset({"1 keys"})),
)
