"""What the canary reads from Kafka: the records of its own topic."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from schemas.canary import CANARY_TOPIC, CanarySeen
from schemas.problems import UNREADABLE
from streams.canary.meters import CanaryMeters
from streams.canary.rounds import Rounds, customers_of
from streams.kafka.view import ViewRecord
from streams.observe.metrics import Instruments
from tests.fuzz.decoder import HOSTILE, Decoder


async def _unsent(_event: bytes) -> int:
    raise AssertionError("nothing is sent here")


def _seen(data: bytes) -> str:
    """Hear a record; of one that was not sent from here nothing is counted."""
    registry = CollectorRegistry()
    rounds = Rounds(customers_of(1), _unsent, CanaryMeters(Instruments("canary", registry)), lambda: True)
    try:
        rounds.hear(ViewRecord(CANARY_TOPIC, 0, 0, None, data or None, 0))
    except UNREADABLE:
        return "unreadable"
    assert registry.get_sample_value("txpush_canary_round_trip_seconds_count") == 0
    return "not sent from here"


def _seeds() -> Sequence[bytes]:
    seen = CanarySeen(canary_id="8a1f", customer_id="canary-0", event_id="e:0")
    return (seen.model_dump_json().encode(), *HOSTILE)


CANARY = (Decoder("canary", _seen, _seeds, frozenset({"not sent from here"})),)
