"""Dead letters without a broker: their names, which are chosen, why one is not put back, and how they are shown."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from schemas.audit import DeadLetter, DeadLetterReason, LetterRetried
from schemas.contract.channels import LETTER_RETRIED, Component
from schemas.times import to_epoch_ms
from streams.kafka.topics import EVENTS, LOOKUP, SIGNALS
from streams.operate.letters import telling
from streams.operate.letters.book import Book
from streams.operate.letters.kept import Chosen, Kept, LetterId, Origin
from streams.operate.letters.originals import Originals, obstacle
from streams.operate.letters.retry import Done, Left, Order, Plan, _put_each
from tests.component.operate.double import NOW
from tests.unit.fold.build import LogRecord

VALUE = b'{"customerId": "7"}'
HOUR = timedelta(hours=1)


def kept(origin: str = f"{EVENTS}/1/42", offset: int = 0, **changed: Any) -> Kept:  # noqa: ANN401 - any field
    """Give a dead letter of partition 1."""
    fields: dict[str, Any] = {
        "reason": DeadLetterReason.DECISION_FAILED,
        "detail": "KeyError: the log of the worker has the trace",
        "origin": origin,
        "received_at": NOW - HOUR,
        "reduced": '{"customerId":"7"}',
        "body_sha256": hashlib.sha256(VALUE).hexdigest(),
        **changed,
    }
    return Kept(LetterId(1, offset), NOW, b"7", DeadLetter(**fields))


def note(letter: str) -> LetterRetried:
    """Give the note of a letter's having been put back."""
    return LetterRetried(letter=letter, origin=f"{EVENTS}/1/42", put_back=f"{EVENTS}/1/99", who="ann", why="mended")


def stored(one: Kept | LetterRetried, offset: int, at: int | None = None) -> Any:  # noqa: ANN401 - as the library gives it
    """Give a letter or a note as a record of its topic."""

    class Stored(LogRecord):
        partition = 1

    data = one.letter if isinstance(one, Kept) else one
    headers = [("ce_type", LETTER_RETRIED.encode())] if isinstance(one, LetterRetried) else []
    timestamp = to_epoch_ms(NOW) if at is None else at
    return Stored(offset, timestamp, b"7", data.model_dump_json().encode(), headers)


# -- names and places


def test_an_id_is_read_as_it_is_written() -> None:
    """Partition and offset; anything else is no id."""
    assert LetterId.read("2/1041") == LetterId(2, 1041)
    assert str(LetterId(2, 1041)) == "2/1041"
    assert [LetterId.read(one) for one in ("", "2", "2/", "a/1", f"{EVENTS}/2/1041", "2/-1", "2/1 ")] == [None] * 7


@pytest.mark.parametrize(
    ("origin", "component", "place"),
    [
        (f"{EVENTS}/1/42", Component.AGENT, Origin(EVENTS, 1, 42)),
        (f"{SIGNALS}/0/7", Component.INSTITUTIONS, Origin(SIGNALS, 0, 7)),
        ("/remediation/bridge/txpush", Component.BRIDGE, None),
        (f"{LOOKUP}/2/9", Component.EXECUTOR, Origin(LOOKUP, 2, 9)),
        ("account.health/1/42", None, None),
        ("", None, None),
    ],
)
def test_an_origin_tells_who_set_it_aside(origin: str, component: Component | None, place: Origin | None) -> None:
    """A place of a log is its agent's; the bridge names itself; anything else is nobody's."""
    letter = kept(origin)
    assert (letter.component, letter.origin) == (component, place)


CHOICES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"ids": frozenset({LetterId(1, 0)})}, True),
    ({"ids": frozenset({LetterId(1, 1)})}, False),
    ({"since": NOW, "until": NOW + HOUR}, True),
    ({"since": NOW + HOUR}, False),
    ({"until": NOW}, False),
    ({"reasons": frozenset({DeadLetterReason.DECISION_FAILED, DeadLetterReason.BAD_DATA})}, True),
    ({"reasons": frozenset({DeadLetterReason.BAD_DATA})}, False),
    ({"topic": EVENTS, "partition": 1, "component": Component.AGENT}, True),
    ({"topic": SIGNALS}, False),
    ({"partition": 0}, False),
    ({"component": Component.BRIDGE}, False),
]


@pytest.mark.parametrize(("given", "has"), CHOICES)
def test_choosing(given: dict[str, Any], has: bool) -> None:  # noqa: FBT001 - an example
    """Every choice narrows; times are those of writing, the first inclusive."""
    assert Chosen(**given).has(kept()) is has


# -- reading


def test_all_are_counted_and_the_latest_kept() -> None:
    """However many there are, no more are held than were asked for."""
    book = Book(Chosen(), 3)
    for offset in range(10):
        book.take(stored(kept(), offset, to_epoch_ms(NOW) + (offset * 7) % 10))
    assert (book.total, [one.id.offset for one in book.letters]) == (10, [1, 4, 7])


def test_notes_and_strangers_are_no_letters() -> None:
    """A note is kept by the letter's id; a record that is neither is counted, and stops nothing."""
    book = Book(Chosen(), 3)
    book.take(stored(kept(), 0))
    book.take(stored(note("1/0"), 1))
    for value in (b"", b"{}", b"\xff"):
        book.take(strange(value))
    assert (book.total, book.unreadable) == (1, 3)
    assert [one.put_back for one in book.retries(book.letters[0])] == [f"{EVENTS}/1/99"]


def strange(value: bytes) -> Any:  # noqa: ANN401 - as above
    """Give a record of somebody else's."""

    class Stored(LogRecord):
        partition = 1

    return Stored(5, -(2**61), None, value)


# -- what can be put back

RECORD = LogRecord(42, 0, b"7", VALUE)


@pytest.mark.parametrize(
    ("letter", "notes", "original", "told"),
    [
        (kept(), [], RECORD, ""),
        (kept(), [note("1/0")], RECORD, "put back already"),
        (kept("/remediation/bridge/connect"), [], None, "`txpush sweep`"),
        (kept(f"{SIGNALS}/1/42"), [], RECORD, "it is told of again when it fails anew"),
        (kept(f"{LOOKUP}/1/42"), [], RECORD, "the agent opens a ticket (R14)"),
        (kept("elsewhere"), [], RECORD, "another program"),
        (kept(), [], None, "is gone from aggregation.events/1/42"),
        (kept(), [], LogRecord(42, 0, b"7", b"other"), "the log was made anew"),
        (kept(), [], LogRecord(42, 0, None, VALUE), "`txpush override` or `txpush policy activate`"),
    ],
)
def test_why_not(letter: Kept, notes: Sequence[LetterRetried], original: LogRecord | None, told: str) -> None:
    """Only a customer's record that still stands where it was is put back, once; else the words say what helps."""
    why = obstacle(letter, notes, original)
    assert told in why
    assert bool(why) == bool(told)


def test_a_plan_is_told_by_what_hinders() -> None:
    """Counts for what goes, and for each obstacle, with the first few names."""
    many = [Left(kept(offset=n), "it is so") for n in range(7)]
    assert list(telling.planned(Plan([kept()], [*many, Left(kept(), "it is not")], 2, 3))) == [
        "1 can be put back: 1 decision_failed",
        "7 cannot (1/0, 1/1, 1/2, 1/3, 1/4 and 2 more): it is so",
        "1 cannot (1/0): it is not",
        "2 were put back before",
        "3 are left for the next run of the same",
    ]


def test_a_plan_for_nothing_says_where_to_look() -> None:
    """A reason that no letter has is mistyped, or over."""
    assert list(telling.planned(Plan())) == [
        "no dead letter is as chosen: see what there is with `txpush dead-letter list`"
    ]


def test_what_was_done_is_told() -> None:
    """Each place, how many of how many, and where it stopped."""
    assert list(telling.told(Done(2, [note("1/0")], "1/1: put back, not noted"), 3)) == [
        f"1/0 put back to {EVENTS}/1/99",
        "2 of 3 records put back, to be decided on anew",
        "stopped at 1/1: put back, not noted; run the same again: what was put back is left out then",
    ]


# -- showing


def test_a_list_shows_words_of_others_as_they_are() -> None:
    """No escape of a terminal works in what a record has brought along."""
    book = Book(Chosen(), 5)
    book.take(stored(kept(detail="[red]\x1b[2Jbad\x9b"), 3))
    book.take(stored(kept(origin="\x1b[2J"), 4))
    book.take(stored(note("1/3").model_copy(update={"put_back": "\x1b[2J"}), 5))
    text = "\n".join(telling.as_lines(book))
    assert "[red]\N{REPLACEMENT CHARACTER}[2Jbad\N{REPLACEMENT CHARACTER}" in text
    assert text.startswith("1/3  ")
    assert text.replace("\n", "").isprintable()


def test_a_page_shows_all_that_is_kept() -> None:
    """A line a field: the reduced record, the hash, the attributes of the record and its size; never its value."""
    record = LogRecord(42, 5, b"7", VALUE, [("ce_id", b"abc:0"), ("x", b"\x1b[2J")])
    lines = list(telling.as_page(telling.as_whole(kept(), [], record, "")))
    page = dict(line.split(None, 1) for line in lines)
    assert page["id"] == "1/0"
    assert page["reduced"] == '{"customerId":"7"}'
    assert page["put_back"] == "-"
    assert page["retry"] == "can be put back"
    assert '"ce_id":"abc:0"' in page["record"]
    assert f'"bytes":{len(VALUE)}' in page["record"]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("reduced", ["", "{", "[" * 3000, "\x1b[2J"])
def test_a_page_shows_what_is_no_json_as_text(reduced: str) -> None:
    """A letter of another program can be looked at, too."""
    whole = telling.as_whole(kept(reduced=reduced), [], None, "")
    assert whole["reduced"] == reduced
    assert telling.as_line(whole)
    assert "\x1b" not in "".join(telling.as_page(whole))


def test_counts_are_told() -> None:
    """By reason, the most first; what was left out, and what could not be read."""
    book = Book(Chosen(), 2)
    assert list(telling.counted(book)) == ["no dead letter like that"]
    for offset in range(3):
        reason = DeadLetterReason.BAD_DATA if offset else DeadLetterReason.DECISION_FAILED
        book.take(stored(kept(reason=reason), offset))
    book.take(strange(b"{}"))
    assert list(telling.counted(book)) == [
        "3 dead letters: 2 bad_data, 1 decision_failed",
        "shown are the latest 2: --limit shows more",
        "1 records of the topic are no dead letters that this release can read",
    ]


class Stored(NamedTuple):
    """Where a producer says that a record is."""

    partition: int
    offset: int


class Sent:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    async def send_and_wait(self, topic: str, **_: object) -> Any:  # noqa: ANN401 - as the library gives it
        self.topics.append(topic)
        return Stored(1, 99)


class Changed(Originals):
    """A log with other records than those that were looked at."""

    def __init__(self, *records: LogRecord | None) -> None:
        super().__init__(None, {})
        self._records = list(records)

    async def read(self, _origin: Origin) -> Any:  # noqa: ANN401 - as the library gives it
        return self._records.pop(0)


@pytest.mark.parametrize("now", [None, LogRecord(42, 0, b"7", b'{"customerId": "8"}', [])])
async def test_what_is_another_record_by_now_is_not_put_back(now: LogRecord | None) -> None:
    """The log may be made anew while the operator is asked: it is looked at once more, and nothing is written."""
    producer, done = Sent(), Done()
    await _put_each(producer, Changed(now), Plan([kept()]), Order("ann", "mended", NOW), done)
    assert (producer.topics, done.written) == ([], 0)
    assert done.stopped == f"1/0: its record has just gone from {EVENTS}/1/42"
