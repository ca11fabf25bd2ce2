"""Settings of the bridge; every size, wait and number of waiters has its limit here."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from streams.bridge.checks import Signing
from streams.bridge.services.callers import Callers
from streams.bridge.sources.address import Sources
from streams.kafka.access import Bootstrap
from streams.kafka.topics import DEAD_LETTER, EVENTS, SUBSCRIPTIONS, Layout
from streams.observe.logs import LogOptions
from streams.ports import ADMIN, BRIDGE, MAX_PORT, Endpoint, clash
from streams.serving import HEADER_SECONDS
from streams.settings.parts import TOKEN

MAX_TOKENS = 2
_ACK = "TXPUSH_ACK_SECONDS"
_BODY = "TXPUSH_MAX_BODY_BYTES"
_HELD = "TXPUSH_MAX_HELD_BYTES"
_TOKENS = "TXPUSH_CALLBACK_TOKENS"
_WORKERS = "TXPUSH_BRIDGE_WORKERS"
_OF_THE_CODE = ("read_seconds", "header_seconds", "max_connections")
_POSITIVE = {
    "max_body_bytes": _BODY,
    "failures_per_minute": "TXPUSH_FAILURES_PER_MINUTE",
    "ack_deadline_seconds": _ACK,
    "max_in_flight": "TXPUSH_MAX_IN_FLIGHT",
    "workers": _WORKERS,
    **{name: name for name in _OF_THE_CODE},
}
"""What has to be above 0, and what it is set by; what has no setting goes by its own name."""


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """What one bridge needs to know; times in seconds.

    Attributes:
        bootstrap: Kafka, and what we show there.
        tokens: the secret first part of every callback path; a second one while they are being exchanged.
        port: where the proxy in front sends requests; several workers share it.
        admin_port: metrics and readiness of the first worker; each further worker takes the next port, 0 any free one.
        read_seconds: how long a client may take for its body.
        header_seconds: the same for the head, and for the wait between two requests of a connection.
        ack_deadline_seconds: how long Kafka may take before the answer is 503.
        retry_after_seconds: what a 503 asks for; the vendor itself comes back after 30 min.
        max_in_flight: requests that may wait for Kafka at once, per worker; past it the answer is 503 at once.
        max_held_bytes: bytes of large bodies held at once, per worker; past it the answer is 503.
        max_connections: connections held at once, per worker; further ones wait in the backlog.
        shutdown_seconds: from SIGTERM to the end of the process, whatever happens.
        sources: from where notifications may come, and how clients are told apart.
        failures_per_minute: refused requests of one source, past which it is refused unseen.
        signing: how notifications are checked.
        callers: the services that may post to `/v1/events`; without any it is not there.
        layout: how the cluster has to carry the topics before anything is written; None for any.
        log: how workers of their own process write theirs.
    """

    bootstrap: Bootstrap
    tokens: tuple[str, ...] = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8080
    admin_host: str = "127.0.0.1"
    admin_port: int = 9100
    events_topic: str = EVENTS
    dead_letter_topic: str = DEAD_LETTER
    subscriptions_topic: str = SUBSCRIPTIONS
    max_body_bytes: int = 1024 * 1024
    read_seconds: float = 10.0
    header_seconds: float = HEADER_SECONDS
    ack_deadline_seconds: float = 5.0
    retry_after_seconds: int = 30
    rebuild_after_seconds: float = 60.0
    max_in_flight: int = 4096
    max_held_bytes: int = 64 * 1024 * 1024
    max_connections: int = 8192
    shutdown_seconds: float = 10.0
    workers: int = 1
    sources: Sources = field(default_factory=Sources)
    failures_per_minute: int = 60
    signing: Signing = field(default_factory=Signing)
    callers: Callers = field(default_factory=Callers)
    layout: Layout | None = None
    log: LogOptions = field(default_factory=LogOptions)

    def problems(self) -> list[str]:
        """List everything that is wrong, by the name of its setting; nothing when they hold."""
        found = []
        if not 1 <= len(self.tokens) <= MAX_TOKENS:
            found.append(f"{_TOKENS}: {len(self.tokens)} given, write one, or two while they are being exchanged")
        if not all(TOKEN.fullmatch(token) for token in self.tokens):
            found.append(f"{_TOKENS}: write 16 to 256 characters of A-Z a-z 0-9 . _ ~ - each, drawn at random")
        if self.ack_deadline_seconds >= self.shutdown_seconds:
            found.append(f"{_ACK}: must be below TXPUSH_SHUTDOWN_SECONDS, or SIGTERM cuts off answers")
        if self.max_held_bytes < self.max_body_bytes:
            found.append(f"{_HELD}: must not be below {_BODY}, or the largest body finds no room")
        found += self._of_ports()
        found += self.signing.problems()
        found += [f"{setting}: must be above 0" for name, setting in _POSITIVE.items() if getattr(self, name) <= 0]
        return found

    def _of_ports(self) -> Iterator[str]:
        """Say of which worker the admin port is none, or that of the world."""
        if not self.admin_port:
            return
        last = self.admin_port + self.workers - 1
        if last > MAX_PORT:
            yield (
                f"{ADMIN.port}: worker {self.workers} of {_WORKERS} would listen on {last}, and {MAX_PORT} "
                f"is the last port: set it to {MAX_PORT + 1 - self.workers} at most"
            )
        yield from clash(Endpoint(self.host, self.port), BRIDGE, Endpoint(self.admin_host, self.admin_port), last)

    def of_worker(self, index: int) -> "BridgeSettings":
        """Give the settings of one worker of several: its own admin port."""
        return replace(self, admin_port=self.admin_port + index if self.admin_port else 0)

    def at(self, endpoint: Endpoint) -> "BridgeSettings":
        """Give the same settings for an endpoint that was found to be free."""
        return replace(self, host=endpoint.host, port=endpoint.port)

    def with_workers(self, workers: int) -> "BridgeSettings":
        """Give the same settings for another number of processes."""
        return replace(self, workers=workers)
