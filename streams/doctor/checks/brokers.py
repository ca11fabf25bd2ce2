"""The brokers: whether each address lets us in, and what the cluster is."""

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.doctor.scope import Scope
from streams.doctor.wire import Features, features
from streams.kafka.access import Access
from streams.kafka.acls.rights import ALL_TOPICS
from streams.kafka.embedded.properties import is_embedded_cluster
from streams.kafka.identity import TopicDescription, described
from streams.kafka.refusals import addresses_of, causes_of, command_for, knocked, refusal_in
from streams.kafka.topics import Layout

LOOK_AT_LISTENER = "see that a broker listens there, and TXPUSH_BOOTSTRAP; {}"
NAMED = 5
"""Partitions that are named of many in the same trouble."""


async def reachable(scope: Scope) -> Sequence[Finding]:
    """Knock at each address of TXPUSH_BOOTSTRAP; wrong where none lets us in."""
    access = scope.access
    addresses = addresses_of(access)
    failures = await asyncio.gather(*(knocked(access, *address) for address in addresses))
    shut = {f"{host}:{port}": error for (host, port), error in zip(addresses, failures, strict=True) if error}
    tell = wrong if len(shut) == len(addresses) else warning
    findings = [tell(*_in_words(access, address, error)) for address, error in shut.items()]
    opened = len(addresses) - len(shut)
    return findings or [ok(f"{opened} of {len(addresses)} addresses let us in, by {access.protocol}")]


def _in_words(access: Access, address: str, error: Exception) -> tuple[str, str]:
    """Give what is wrong with an address, and what to do."""
    found = refusal_in(access, address, error)
    look_at = LOOK_AT_LISTENER.format(command_for(access) or "look at the network on the way, too")
    if found is not None:
        what, colon, remedy = found.why.rpartition(": ")
        return (what, remedy) if colon else (found.why, look_at)
    causes = causes_of(error)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"{address}: no such name in this network", "mend the name in TXPUSH_BOOTSTRAP, or the resolver"
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return f"{address} takes connections, if any, and says nothing", f"is it Kafka, and alive? {look_at}"
    return f"nobody listens at {address} ({error})", look_at


async def cluster(scope: Scope) -> Sequence[Finding]:
    """Say what the cluster is, whether all its brokers can be reached from here, and whether records can be written."""
    access, layout = scope.access, Layout.of(scope.settings)
    told, known = await asyncio.gather(described(access, ALL_TOPICS), features(access))
    brokers = {f"{host}:{port}": (host, port) for host, port in told.brokers}
    failures = await asyncio.gather(*(knocked(access, *address) for address in brokers.values()))
    problems = [
        *_few(len(brokers), layout),
        *_strangers(access, dict(zip(brokers, failures, strict=True))),
        *_copies(told.topics, layout),
        *_clock(scope, told.cluster_id),
    ]
    return [ok(f"id {told.cluster_id}, {_version(known)}, {len(brokers)} brokers"), *problems]


def _version(known: Features) -> str:
    return f"features of Kafka {known.release} (metadata.version {known.level})"


def _few(brokers: int, layout: Layout) -> Iterator[Finding]:
    if brokers < layout.replication:
        yield warning(
            f"{brokers} brokers for {layout.replication} copies of each record",
            "start the brokers that are down; an embedded set-up has TXPUSH_REPLICATION=1",
        )


def _strangers(access: Access, failures: Mapping[str, Exception | None]) -> Iterator[Finding]:
    """Tell of brokers that the cluster names, and that cannot be reached by that name from here."""
    for address, error in failures.items():
        if error is not None:
            what, remedy = _in_words(access, address, error)
            yield wrong(
                f"the cluster leads its clients to a broker that does not let us in: {what}",
                f"{remedy}; see advertised.listeners of that broker",
            )


def _copies(topics: Sequence[TopicDescription], layout: Layout) -> Iterator[Finding]:
    """Tell of partitions without a leader, of those that take no records, and of those that lack a copy."""
    headless, refusing, lacking = [], [], []
    for name, partition in ((topic.name, one) for topic in topics for one in topic.partitions):
        place = f"{name}/{partition.number}"
        if partition.leader < 0:
            headless.append(place)
        elif len(partition.in_sync) < layout.min_insync_replicas:
            refusing.append(place)
        elif len(partition.in_sync) < len(partition.replicas):
            lacking.append(place)
    start = "start the brokers that are down, or see their logs"
    if headless:
        yield wrong(f"{_names(headless)}: no broker leads them, so nothing is read or written there", start)
    if refusing:
        yield wrong(f"{_names(refusing)}: too few copies in sync, so nothing is written there", start)
    if lacking:
        yield warning(f"{_names(lacking)}: a copy is not in sync", f"wait for it, or {start}")


def _names(places: list[str]) -> str:
    more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
    return ", ".join(places[:NAMED]) + more


def _clock(scope: Scope, cluster_id: str) -> Iterator[Finding]:
    if scope.settings.clock is not None and not is_embedded_cluster(cluster_id):
        yield wrong("TXPUSH_CLOCK is for clusters of `txpush kafka` only, and this is none", "unset TXPUSH_CLOCK")
