"""Dead letters for people and for programs: lines of words or of JSON, and everything that is kept of one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from schemas.audit import DeadLetterReason, LetterRetried
from schemas.times import rfc3339
from streams.fold.effects import SourceRecord
from streams.operate.letters.book import Book
from streams.operate.letters.kept import Kept
from streams.operate.letters.retry import Done, Plan
from streams.plain import plain

MAX_SHOWN, MAX_LINE = 256, 8192
"""Characters of a word of others', which could be anything, and of a field of a page."""
NAMED = 5
"""Letters that are named of many with the same fate."""


def plainly(value: bytes | str | None, limit: int = MAX_SHOWN) -> str:
    """Give text of others for a terminal: what could move its cursor is replaced."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else value or ""
    return plain(text)[:limit]


def as_object(kept: Kept, retries: Sequence[LetterRetried]) -> dict[str, Any]:
    """Give a dead letter for a line of a list."""
    letter = kept.letter
    return {
        "id": str(kept.id),
        "written_at": rfc3339(kept.written_at),
        "reason": letter.reason,
        "component": kept.component,
        "origin": letter.origin,
        "key": None if kept.key is None else kept.key.decode(errors="replace"),
        "detail": letter.detail,
        "received_at": rfc3339(letter.received_at),
        "put_back": [note.put_back for note in retries],
    }


def as_line(one: object) -> str:
    """Write a value as a line of JSON."""
    return orjson.dumps(one).decode()


def as_lines(book: Book) -> Iterator[str]:
    """Give a list for a terminal: of each its id first, and then all of what it is, whole, however narrow it is."""
    width = max((len(str(kept.id)) for kept in book.letters), default=0)
    for kept in book.letters:
        letter, written = kept.letter, rfc3339(kept.written_at.replace(microsecond=0))
        yield f"{str(kept.id).ljust(width)}  {written}  {letter.reason} by {kept.component or '?'}"
        key = f", key {plainly(kept.key)}" if kept.key is not None else ""
        yield f"{' ' * width}  {plainly(letter.origin)}{key}: {plainly(letter.detail)}"
        for note in book.retries(kept):
            yield f"{' ' * width}  put back to {plainly(note.put_back)}"


def counted(book: Book) -> Iterator[str]:
    """Say how many there are of each reason, and what was left out."""
    if not book.total:
        yield "no dead letter like that"
    else:
        yield f"{book.total:,} dead letters: {_counts(book.counts)}"
    if book.total > book.limit:
        yield f"shown are the latest {book.limit:,}: --limit shows more"
    if book.unreadable:
        yield f"{book.unreadable:,} records of the topic are no dead letters that this release can read"


def _counts(counts: Counter[DeadLetterReason]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common())


def as_whole(kept: Kept, retries: Sequence[LetterRetried], original: SourceRecord | None, why: str) -> dict[str, Any]:
    """Give everything that is kept of a dead letter; of its record the attributes, never the value."""
    letter = kept.letter
    return {
        **as_object(kept, ()),
        "put_back": [note.model_dump(mode="json", include={"put_back", "who", "why"}) for note in retries],
        "body_sha256": letter.body_sha256,
        "reduced": None if letter.reduced is None else _reduced(letter.reduced),
        "record": None if original is None else _attributes(original),
        "retry": why or "can be put back",
    }


def _reduced(text: str) -> object:
    """Give what is shown of a record as what it is; what another program has written, no JSON, as text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _attributes(record: SourceRecord) -> dict[str, Any]:
    return {
        "bytes": len(record.value or b""),
        "timestamp": record.timestamp,
        "headers": {name: plainly(value) for name, value in record.headers},
    }


def as_page(whole: Mapping[str, Any]) -> Iterator[str]:
    """Write everything that is kept of one for a terminal: a line a field."""
    width = max(map(len, whole))
    for name, value in whole.items():
        shown = value if isinstance(value, str) else as_line(value) if value else "-"
        yield f"{name.ljust(width)}  {plainly(shown, MAX_LINE)}"


def planned(plan: Plan) -> Iterator[str]:
    """Say what would be done: how many records are put back, and why the others are not."""
    if not (plan.ready or plan.left or plan.before or plan.later):
        yield "no dead letter is as chosen: see what there is with `txpush dead-letter list`"
        return
    reasons = Counter(kept.letter.reason for kept in plan.ready)
    yield f"{len(plan.ready):,} can be put back{': ' if reasons else ''}{_counts(reasons)}"
    ids: dict[str, list[str]] = {}
    for kept, why in plan.left:
        ids.setdefault(why, []).append(str(kept.id))
    for why, names in ids.items():
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        yield f"{len(names):,} cannot ({', '.join(names[:NAMED])}{more}): {why}"
    if plan.before:
        yield f"{plan.before:,} were put back before"
    if plan.later:
        yield f"{plan.later:,} are left for the next run of the same"


def told(done: Done, ready: int) -> Iterator[str]:
    """Say what was done."""
    for note in done.notes:
        yield f"{note.letter} put back to {note.put_back}"
    yield f"{done.written:,} of {ready:,} records put back, to be decided on anew"
    if done.stopped:
        yield f"stopped at {done.stopped}; run the same again: what was put back is left out then"
