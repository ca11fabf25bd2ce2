"""Canaries: signs of life that go all the way, change nothing, and reach nobody who acts on commands."""

from schemas.canary import CANARY_TOPIC, CanarySeen
from schemas.events import CanarySent, Event, Source
from schemas.times import rfc3339
from streams.agent.refusals import refuse_other_key
from streams.fold import SourceRecord
from streams.fold.ledger import Ledger, Written
from streams.fold.lines import FoldOutcome
from streams.fold.messages import headers_of


def answer_canary(ledger: Ledger, record: SourceRecord, event: Event, canary: CanarySent) -> None:
    """Send a canary on, in the transaction of everything else of its poll, audited as everything else.

    Raises:
        UnreadableRecord: its key is not its customer.
    """
    refuse_other_key(event, canary.customer_id)
    seen = CanarySeen(canary_id=canary.canary_id, customer_id=canary.customer_id, event_id=event.id)
    written = Written(CANARY_TOPIC, canary.canary_id, seen.model_dump_json().encode())
    subject = f"canaries/{canary.canary_id}"
    headers = headers_of(written.id, CANARY_TOPIC, Source.AGENT, rfc3339(event.time), subject)
    ledger.send(written, canary.customer_id, headers, event.time)
    ledger.decided(record, event.id, canary.customer_id, messages=[written])
    ledger.heard(event.type, FoldOutcome.CANARY)
