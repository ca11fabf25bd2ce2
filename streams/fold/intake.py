"""What a fold lets in: events of its log whose source may send them and whose key belongs to the partition."""

from collections.abc import Callable, Mapping

from aiokafka.partitioner import murmur2

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord, from_record
from schemas.events import CONNECT_PREFIX, Event, EventType, Source
from schemas.signals import SignalType
from schemas.vendor import plain_text
from streams.fold.effects import SourceRecord

Allowed = Mapping[str, frozenset[str]]
"""Sources by event type; a type that is not listed may come from any component of ours."""

BRIDGE_ONLY = frozenset({Source.BRIDGE})
ANY_OF_OURS = frozenset(Source)
SNAPSHOT_SOURCES: Allowed = {
    kind: frozenset({Source.OPERATOR}) for kind in (EventType.SNAPSHOT_MARKED, EventType.SNAPSHOT_TAKEN)
}
"""Of a source that earlier releases know: they pass over a type that they do not know, and not over such a source."""

EVENT_SOURCES: Allowed = {
    EventType.ACCOUNT_MODIFIED: BRIDGE_ONLY,
    EventType.ACCOUNT_DELETED: frozenset({Source.BRIDGE, Source.SWEEP}),
    EventType.ACCOUNT_OBSERVED: frozenset({Source.EXECUTOR, Source.SWEEP}),
    EventType.POLICY_ACTIVATED: frozenset({Source.OPERATOR, Source.AGENT}),
    EventType.CLOCK_TICK: frozenset({Source.AGENT}),
    "account.challenged": BRIDGE_ONLY,
    "command.reported": BRIDGE_ONLY,
    EventType.CANARY_SENT: BRIDGE_ONLY,
    "institution.incident.opened": frozenset({Source.INSTITUTIONS}),
    "institution.incident.closed": frozenset({Source.INSTITUTIONS}),
    "operator.override": frozenset({Source.OPERATOR}),
    "customer.forgotten": frozenset({Source.OPERATOR}),
    **SNAPSHOT_SOURCES,
}

SIGNAL_SOURCES: Allowed = {
    **{signal: frozenset({Source.AGENT}) for signal in SignalType},
    EventType.POLICY_ACTIVATED: frozenset({Source.OPERATOR, Source.INSTITUTIONS}),
    EventType.OPERATOR_OVERRIDE: frozenset({Source.OPERATOR}),
    EventType.CLOCK_TICK: frozenset({Source.INSTITUTIONS}),
    **SNAPSHOT_SOURCES,
}


def partition_of(key: str | bytes, partitions: int) -> int:
    """Place a key as Kafka's default partitioner does (murmur2)."""
    written = key.encode() if isinstance(key, str) else key
    return int((murmur2(written) & 0x7FFFFFFF) % partitions)


def _strange(event: Event, allowed: frozenset[str]) -> str:
    """Say what came from whom; words of a writer who is none of ours may be anything, a name as well."""
    source = event.source if event.source in ANY_OF_OURS else "an unknown source"
    kind = plain_text(event.type) or "this type"
    return f"{source} may not send {kind}: {', '.join(sorted(allowed))} may"


class Intake:
    """Reads the records of one log."""

    def __init__(self, allowed: Allowed, partitions: int) -> None:
        self._allowed = allowed
        self._partitions = partitions

    def read(self, record: SourceRecord, partition: int, is_known: Callable[[str], bool]) -> Event:
        """Read a record; `is_known` tells of a key that has been placed before, which saves the hash.

        Raises:
            UnreadableRecord: with the reason for the dead letter.
        """
        event = from_record(record.headers, record.key, record.value, record.timestamp)
        self._check_source(event)
        self._check_place(event, partition, is_known)
        return event

    def _check_source(self, event: Event) -> None:
        allowed = self._allowed.get(event.type, ANY_OF_OURS)
        if event.type.startswith(CONNECT_PREFIX):
            allowed = BRIDGE_ONLY
        if event.source not in allowed:
            raise UnreadableRecord(DeadLetterReason.SOURCE_NOT_ALLOWED, _strange(event, allowed))

    def _check_place(self, event: Event, partition: int, is_known: Callable[[str], bool]) -> None:
        key = event.partition_key
        if key is None or is_known(key):
            return
        place = partition_of(key, self._partitions)
        if place != partition:
            raise UnreadableRecord(
                DeadLetterReason.WRONG_PARTITION, f"key {key} belongs to partition {place}, not {partition}"
            )
