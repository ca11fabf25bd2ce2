"""What the commands of operators read of Kafka's topics, to show it or to move it."""

import re
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import msgspec
from aiokafka import TopicPartition
from rich.console import Console

from schemas.audit import DeadLetter, LetterRetried
from schemas.contract.channels import LETTER_RETRIED
from schemas.events import EventType, OverrideAction
from schemas.state import ControlState, CustomerState, OtpMark, Silence, Surroundings, encode
from schemas.times import to_epoch_ms
from streams.kafka.topics import AGENT, DEAD_LETTER, EVENTS, HEALTH, SUBSCRIPTIONS, VENDOR_AUTH, changelog
from streams.operate.inforce import _activation
from streams.operate.letters import telling
from streams.operate.letters.advice import advised
from streams.operate.letters.book import Book
from streams.operate.letters.kept import Chosen, Kept, LetterId
from streams.operate.letters.retry import Left, Plan
from streams.operate.moving.copying import Copy
from streams.operate.moving.places import copied
from streams.operate.overrides.holding import holdings
from streams.operate.overrides.show import _table
from streams.operate.overrides.snapshot import TABLES, Snapshot, _look_back, _read_state, _read_waiting
from streams.operate.writing import OperateError
from tests.component.operate.test_letters import kept, note
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder
from tests.fuzz.standins import Polled, Stored, done, groups, runner, small_rules, timestamp_in
from tests.unit.fold.build import overridden

MS = b"%d" % to_epoch_ms(AT)
TIMES = (b"-1", b"9" * 30, b"-" + b"9" * 30, b"9" * 15, b"")
"""What a broker takes for a time."""
PLAIN = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f]*")
"""What moves a terminal's cursor is no text."""
CUSTOMER = "7000000042"
MOST = 8
"""Records of an input."""


def _records(data: bytes, topics: Sequence[str], kind: str) -> list[Stored]:
    """Give the records of an input: where each lies, its key, time and value."""
    return [
        Stored(
            topics[place[0] % len(topics)] if place else topics[0],
            key or None,
            value or None,
            timestamp_in(at),
            [("ce_type", place[1:] or kind.encode())],
        )
        for place, key, at, value in groups(data, 4, MOST)
    ]


def _as_input(place: int, key: str, value: bytes, kind: bytes = b"", at: bytes = MS) -> bytes:
    return BETWEEN.join((bytes([place]) + kind, key.encode(), at, value))


def _json(data: Any) -> bytes:  # noqa: ANN401 - any model
    text: str = data.model_dump_json()
    return text.encode()


def _shown(renderable: Any) -> str:  # noqa: ANN401 - whatever rich renders
    text = StringIO()
    Console(file=text, width=200, force_terminal=True, color_system=None).print(renderable)
    return text.getvalue()


# -- dead letters


def _letters(data: bytes) -> str:
    """Read dead letters and the notes beside them: each is counted, few are kept, and what is shown of them is text."""
    book, records = Book(Chosen(), 3), _records(data, [DEAD_LETTER], "")
    for offset, record in enumerate(records):
        record.offset = offset
        book.take(record)
    notes = sum(map(len, book.retried.values()))
    assert book.total + book.unreadable + notes == len(records)
    assert len(book.letters) == min(3, book.total)
    assert all(PLAIN.fullmatch(line) for line in (*telling.counted(book), *telling.as_lines(book), *advised(book)))
    for one in book.letters:
        _show(one, book.retries(one))
    return f"{min(book.total, 4)} letters, {min(notes, 2)} notes"


def _show(one: Kept, notes: list[LetterRetried]) -> None:
    assert telling.as_line(telling.as_object(one, notes))
    whole = telling.as_whole(one, notes, None, "")
    assert telling.as_line(whole)
    plan = Plan([one], [Left(one, "its record is gone")])
    said = [*telling.as_page(whole), *telling.planned(plan)]
    assert all(PLAIN.fullmatch(line) for line in said)
    assert LetterId.read(str(one.id)) == one.id


def _letter_seeds() -> list[bytes]:
    def as_input(data: DeadLetter | LetterRetried, at: bytes = MS) -> bytes:
        return _as_input(0, "7", _json(data), LETTER_RETRIED.encode() if isinstance(data, LetterRetried) else b"", at)

    odd: list[dict[str, Any]] = [{"reduced": text} for text in ("", "{", "[" * 3000, '{"a":1e999}', "null", "9" * 400)]
    odd += [{name: "\x1b[2J\x9b2J\n" + "x" * 300} for name in ("origin", "detail", "reduced", "body_sha256")]
    odd += [{"origin": text} for text in ("", "//", "/1/2", f"{EVENTS}/1/x", f"{EVENTS}/\u0661/2", f"{EVENTS}/00/01")]
    odd += [{"origin": text} for text in ("/services/bridge/", f"/{'9' * 5000}", "remediation.lookup/999999999/1")]
    letters = [kept().letter, *(kept(**one).letter for one in odd)]
    notes = [note("0/0"), note("\x1b[2J"), LetterRetried(letter="0/0", origin="", put_back="\x1b[2J", who="a", why="b")]
    good = BETWEEN.join((*map(as_input, letters[:4]), as_input(notes[0])))
    pairs = [as_input(letters[0]) + BETWEEN + as_input(one) for one in notes]
    bodies = [_as_input(0, "", body, kind) for kind in (b"", LETTER_RETRIED.encode()) for body in HOSTILE]
    return [good, *map(as_input, letters), *pairs, *(as_input(letters[0], at) for at in TIMES), *bodies]


# -- overrides


OVERRIDES = (EVENTS, *(changelog(AGENT, table) for table in TABLES))


def _overrides(data: bytes) -> str:
    """Read what is kept of overrides, what waits, and who decided; what is in force of it can be shown."""
    records, found = _records(data, OVERRIDES, EventType.OPERATOR_OVERRIDE), 0
    for customer_id in (CUSTOMER, None):
        snapshot = Snapshot([0])
        try:
            done(_read_state(Polled(*records), snapshot, customer_id))
        except OperateError:
            return "of a later release"
        done(_read_waiting(Polled(*records), snapshot, customer_id, {}))
        ends = {TopicPartition(EVENTS, 0): sum(one.topic == EVENTS for one in records)}
        done(_look_back(Polled(*records), snapshot, customer_id, ends, lambda _: False))
        in_force = holdings(snapshot, customer_id, AT)
        assert all(map(msgspec.json.encode, in_force))
        assert not in_force or _shown(_table(in_force, 1))
        found += len(in_force)
    return "none" if not found else "in force"


def _override_seeds() -> list[bytes]:
    wanted = {
        "customers": (CUSTOMER, CustomerState(event_time=AT, silences={"": Silence(), "logins/7": Silence(AT)})),
        "surroundings": ("0", Surroundings(silences={"/": Silence(), "102105": Silence()})),
    }
    kept_ = [_as_input(1 + [*TABLES].index(table), key, encode(state)) for table, (key, state) in wanted.items()]
    heard = b'{"heard_at":"2026-11-01T03:00:00Z","login_id":"7","closed":true}'
    marked = encode(OtpMark(AT, 185))
    kept_ += [_as_input(2, f"{CUSTOMER}/5", heard), _as_input(3, f"{CUSTOMER}/7", b'{"otp":' + marked + b"}")]
    own, wide = overridden(OverrideAction.SILENCE, AT, CUSTOMER), overridden(OverrideAction.SILENCE, AT, all=True)
    said = [_as_input(0, CUSTOMER, _json(own.data)), _as_input(0, "", _json(wide.data))]
    said += [_as_input(0, "", _json(wide.data), at=at) for at in TIMES]
    keys = [one.replace(CUSTOMER.encode(), key, 1) for one in kept_[:1] for key in (b"", b"\xff", b"7000000042/", b"/")]
    bodies = [
        _as_input(place, CUSTOMER, body) for place in range(len(OVERRIDES)) for body in (*HOSTILE, b'{"a":"\xff"}')
    ]
    nested = b'{"incidents":{"\xff":{"sequence":1}}}', b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}"
    return [
        BETWEEN.join((*kept_, *said[:2])),
        *kept_,
        *said,
        *keys,
        *bodies,
        *(_as_input(4, "0", one) for one in (*nested, b'{"silences":{"/":{"until":"2026-11-01T03:00:20\\u0000Z"}}}')),
    ]


# -- rules, and what is moved


def _rules(data: bytes) -> str:
    """Read the rules that a partition goes by, kept or in its log; what is read is the rules of a fold."""
    (record,) = _records(data, [changelog(AGENT, "policies")], EventType.POLICY_ACTIVATED)[:1]
    try:
        activation = _activation(record)
    except OperateError:
        return "of a later release"
    assert _activation(Stored(record.topic, None, _json(activation))) == activation
    assert activation.policy.sha256
    assert activation.catalogue.sha256
    return "rules"


def _rule_seeds() -> list[bytes]:
    good = _json(small_rules())
    return [_as_input(0, "0", body) for body in (good, good.replace(b"true", b"1"), good[:-2], *HOSTILE)]


class _Acknowledged:
    """What a producer gives for a record, done already; one that nobody waits for is no fault."""

    def __await__(self) -> Iterator[None]:
        yield from ()


class _Target:
    """A cluster that takes everything."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None]] = []

    async def send(self, topic: str, value: bytes | None, **placed: Any) -> Any:  # noqa: ANN401 - as the library takes it
        assert 0 <= placed["partition"] < NEW
        self.sent.append((topic, value))
        return _Acknowledged()


NEW = 3
MOVED = (
    *(changelog(AGENT, table) for table in ("policies", "control", "surroundings", "accounts")),
    *(HEALTH, SUBSCRIPTIONS, VENDOR_AUTH),
)


def _moved(data: bytes) -> str:
    """Move what is kept to a cluster of three partitions: each record is in one, or it is said which is not."""
    records, target = _records(data, MOVED, ""), _Target()
    copy = Copy.__new__(Copy)
    copy._old, copy._new, copy._producer, copy._waiting = 1, NEW, target, []

    async def moved() -> None:
        await copy._merge(Polled(*records), AGENT)
        for topic in MOVED[3:]:
            place = copied()[topic]
            assert await copy._copy(Polled(*records), topic, place) == sum(one.topic == topic for one in records)

    try:
        runner().run(moved())
    except OperateError as error:
        return "belongs nowhere" if "belongs nowhere" in str(error) else "refused"
    assert [one for one in target.sent if one[0] in MOVED[3:]] == [
        (one.topic, one.value) for topic in MOVED[3:] for one in records if one.topic == topic
    ]
    return "moved"


def _moved_seeds() -> list[bytes]:
    merged = (
        _as_input(0, "0", _json(small_rules())),
        _as_input(1, "0", encode(ControlState(ticked_at=AT, version=1))),
        _as_input(2, "0", encode(Surroundings(silences={"/": Silence()}))),
    )
    plain = [_as_input(place, "7000000042/5900000001", b"{}") for place in (3, 4, 5)] + [_as_input(6, "ff/x", b"{}")]
    keys = [
        _as_input(place, key, b"{}") for place in (3, 4, 5, 6) for key in ("", "/", "x", "-1/x", "f" * 5000, "1_0/x")
    ]
    bodies = [_as_input(place, "0", body) for place in range(3) for body in (*HOSTILE, b'{"audit_head":"\xff"}', b"[]")]
    later = _as_input(1, "0", b'{"version":99}'), _as_input(1, "0", b'{"inputs":"zz"}')
    deep = [_as_input(place, "0", b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}") for place in range(3)]
    return [BETWEEN.join((*merged, *plain)), *merged, *plain, *keys, *bodies, *later, *deep]


OPERATORS = (
    Decoder("letters", _letters, _letter_seeds, frozenset({"4 letters, 1 notes", "0 letters, 0 notes"})),
    Decoder("overrides", _overrides, _override_seeds, frozenset({"in force", "none", "of a later release"})),
    Decoder("rules", _rules, _rule_seeds, frozenset({"rules", "of a later release"})),
    Decoder("moved", _moved, _moved_seeds, frozenset({"moved", "refused", "belongs nowhere"})),
)
