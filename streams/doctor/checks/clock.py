"""The clock of this machine, against whoever tells a time: the vendor's answers, and records that others wrote.

A broker tells nobody its time. A record with a time ahead of ours shows that we are behind whoever wrote it, as brokers
refuse what is far ahead of themselves; that we are ahead no record shows. An HTTP answer shows both, to a second.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from aiokafka import TopicPartition

from schemas.contract.channels import MAX_AHEAD
from schemas.times import to_epoch_ms
from streams.clock import WallClock
from streams.doctor.checks.vendor import Answered, answered, is_called_here
from streams.doctor.findings import Finding, ok, warning, wrong
from streams.doctor.scope import Scope
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate.reading import committed_reader

WARNING_SECONDS, WRONG_SECONDS = 5.0, 60.0
"""From one on a clock is told of, from the other on it is wrong: a fifth of what brokers let pass."""
REMEDY = "have this machine's time synchronised (chronyc tracking, timedatectl)"


async def look(scope: Scope) -> Sequence[Finding]:
    """Compare this machine's clock with the vendor's, where it is called from here, and with the latest records."""
    by_vendor = list(_by_vendor(await scope.once(answered), scope)) if is_called_here(scope) else []
    ahead = await _latest_ahead(scope)
    by_records = [] if ahead is None else list(_judged(ahead, 0.0, f"the latest record of {EVENTS} or {SIGNALS}"))
    if by_vendor or by_records:
        return [*by_vendor, *by_records]
    what = f"no record is {WARNING_SECONDS:.0f} s ahead of this machine's clock"
    return [ok(f"{what}; whether that is ahead itself no broker tells")]


def _by_vendor(found: Answered | str, scope: Scope) -> Iterator[Finding]:
    """Judge by the date of an answer, where there is one."""
    if isinstance(found, str) or found.ahead_seconds is None:
        return
    who = urlsplit(scope.settings.vendor_url).netloc
    judged = list(_judged(found.ahead_seconds, found.within_seconds, who))
    yield from judged or [ok(f"within {abs(found.ahead_seconds) + found.within_seconds:.1f} s of the clock of {who}")]


def _judged(ahead: float, within: float, who: str) -> Iterator[Finding]:
    """Tell of a clock that is off for sure; `ahead` is how far `who` is ahead of it."""
    off = abs(ahead) - within
    if off < WARNING_SECONDS:
        return
    what = f"this machine's clock is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} {who}"
    if off < WRONG_SECONDS:
        yield warning(what, REMEDY)
        return
    limit = f"brokers refuse records {MAX_AHEAD.total_seconds():.0f} s ahead of them"
    yield wrong(f"{what}; {limit}" if ahead < 0 else what, REMEDY)


async def _latest_ahead(scope: Scope) -> float | None:
    """Give how many seconds the first record from our future on is ahead of us; None where there is none.

    Needs no right to read. The time is looked at once more when the answer is here, or a slow one would accuse us.
    """
    places = [
        TopicPartition(topic, number) for topic in (EVENTS, SIGNALS) for number in range(scope.settings.partitions)
    ]
    after_ms = _now_ms() + int(WARNING_SECONDS * 1000)
    async with committed_reader(scope.access) as consumer:
        found = await consumer.offsets_for_times(dict.fromkeys(places, after_ms))
    now_ms = _now_ms()
    ahead = max((one.timestamp - now_ms for one in found.values() if one is not None), default=0)
    return ahead / 1000 if ahead > 0 else None


def _now_ms() -> int:
    return to_epoch_ms(WallClock().now())
