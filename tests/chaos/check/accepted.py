"""Holds what was accepted against the inbound log: each 200 is there, none more often than it was sent, in order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.kafka.topics import EVENTS
from tests.chaos.check.compare import Findings
from tests.chaos.check.export import Record, export_partition
from tests.chaos.load.sent import Claim, Sent, is_direct


@dataclass(slots=True)
class Found:
    """Where an event lies: how often, and the first time."""

    partition: int
    offset: int
    key: bytes | None
    times: int = 1


@dataclass(slots=True)
class Logged:
    """The events of the inbound log by id; `take` the records of each partition in order."""

    events: dict[str, Found] = field(default_factory=dict)

    def take(self, partition: int, records: Iterable[Record]) -> None:
        """Add records."""
        for record in records:
            event_id = record.header("ce_id")
            if (found := self.events.get(event_id)) is None:
                self.events[event_id] = Found(partition, record.offset, record.key)
            else:
                found.times += 1


def ids_of(name: str, claim: Claim) -> list[str]:
    """Give the ids of a claim's events."""
    return [name] if is_direct(name) else [f"{name}:{index}" for index in claim.indexes]


def check_accepted(findings: Findings, claims: Mapping[str, Claim], logged: Logged) -> None:
    """Account for every try of every notification."""
    for name, claim in claims.items():
        for event_id in ids_of(name, claim):
            found = logged.events.get(event_id)
            times = 0 if found is None else found.times
            findings.compared["events_behind_200"] += claim.accepted > 0
            findings.compared["sent_again"] += claim.tries > claim.accepted
            findings.found("http_200_missing", max(0, claim.accepted - times), event_id)
            more = 0 if is_direct(name) else max(0, times - claim.tries)
            findings.found("accepted_doubled", more, f"{event_id}: {times} for {claim.tries}")
    _check_order(findings, claims, logged)


def check_set_aside(findings: Findings, sent: Sent, letters: Counter[str]) -> None:
    """Account for the bridge's dead letters, counted by body: at least one for each 200, and one a try at most."""
    for name in sent.refused | letters.keys():
        claim, there = sent.claims.get(name), letters[name]
        least = claim.accepted if claim is not None and name in sent.refused else 0
        most = 0 if claim is None else claim.tries
        wrong = max(0, least - there) + max(0, there - most)
        findings.found("dead_letters_unexplained", wrong, f"of the bridge: {there} of {name}, {least} to {most} tries")


def check_accepted_alone(findings: Findings, bootstrap: str, partitions: int, claims: Mapping[str, Claim]) -> None:
    """Account for what was sent without holding the whole log: where it is too long to be folded again."""
    logged = Logged()
    for number in range(partitions):
        logged.take(number, export_partition(bootstrap, EVENTS, number))
    check_accepted(findings, claims, logged)


def _check_order(findings: Findings, claims: Mapping[str, Claim], logged: Logged) -> None:
    """Of one customer: what was accepted before another was sent at all lies before it.

    Within a partition: some records of the feed are in a wrong one on purpose.
    """
    by_customer: dict[tuple[bytes, int], list[tuple[float, float, int]]] = defaultdict(list)
    for name, claim in claims.items():
        for event_id in ids_of(name, claim):
            found = logged.events.get(event_id)
            if found is not None and claim.first_accepted is not None and found.key is not None:
                by_customer[found.key, found.partition].append((claim.first_try, claim.first_accepted, found.offset))
    for key, events in by_customer.items():
        findings.compared["customers_in_order"] += 1
        findings.found("accepted_out_of_order", _overtaken(events), key)


def _overtaken(events: list[tuple[float, float, int]]) -> int:
    """Count the events that lie before one accepted earlier; each is first try, acceptance, offset."""
    accepted = sorted((at, offset) for _, at, offset in events)
    overtaken, last, read = 0, -1, 0
    for first_try, _, offset in sorted(events):
        while read < len(accepted) and accepted[read][0] < first_try:
            last = max(last, accepted[read][1])
            read += 1
        overtaken += offset < last
    return overtaken
