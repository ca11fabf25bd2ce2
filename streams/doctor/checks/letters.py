"""The dead letters of the last hour, by reason where they may be read."""

from collections.abc import Sequence
from datetime import timedelta

from aiokafka import TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from schemas.times import to_epoch_ms
from streams.doctor.findings import Finding, ok, warning
from streams.doctor.scope import Scope
from streams.kafka.access import AccessRefusedError
from streams.kafka.present import clock_of
from streams.kafka.since import offsets_since
from streams.kafka.topics import DEAD_LETTER
from streams.operate.letters.book import read_letters
from streams.operate.letters.kept import Chosen
from streams.operate.reading import committed_reader

SPAN = timedelta(hours=1)
SEE = "see `txpush dead-letter list --since 1h`, which says what helps against each reason"


async def look(scope: Scope) -> Sequence[Finding]:
    """Count them; where they may be seen and not read, give the number of places that they can have taken at most."""
    since = clock_of(scope.settings).now() - SPAN
    try:
        book = await read_letters(scope.access, Chosen(since=since), 0)
    except (AccessRefusedError, TopicAuthorizationFailedError):
        return [_told(await _at_most(scope, to_epoch_ms(since)), "at most ", ", which this user may not read")]
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in book.counts.most_common())
    return [_told(book.total + book.unreadable, "", f": {reasons}" if reasons else "")]


def _told(count: int, at_most: str, more: str) -> Finding:
    if not count:
        return ok("none in the last hour")
    return warning(f"{at_most}{count:,} in the last hour{more}", SEE)


async def _at_most(scope: Scope, since_ms: int) -> int:
    """Give the places between then and now; ends of transactions are among them."""
    places = [TopicPartition(DEAD_LETTER, number) for number in range(scope.settings.partitions)]
    async with committed_reader(scope.access) as consumer:
        starts = await offsets_since(consumer, dict.fromkeys(places, since_ms))
        ends = await consumer.end_offsets(places)
    return sum(ends[place] - starts[place] for place in places)
