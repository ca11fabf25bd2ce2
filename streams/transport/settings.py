"""Settings of a fold worker; every wait of the machinery has its limit here."""

from dataclasses import dataclass
from datetime import timedelta

from streams.clock import Clock
from streams.kafka.access import Bootstrap

TICK_LATE = timedelta(minutes=1)
"""A timer due for so long gets its tick though the partition has lag: under steady traffic it always has some."""


@dataclass(frozen=True, slots=True)
class FoldSettings:
    """How one worker talks to Kafka."""

    bootstrap: Bootstrap
    application: str
    """Consumer group, and first part of transactional ids and changelog names."""
    source_topic: str
    partitions: int
    clock: Clock
    instance: str | None = None
    """Static member name (`group.instance.id`): unique per worker and the same after a restart."""
    session_seconds: float = 10.0
    """Silence after which the group gives its partitions to others."""
    heartbeat_seconds: float = 2.5
    rebalance_seconds: float = 30.0
    """Limit of giving up what it has when the group divides partitions anew; past it the worker is out of the group."""
    step_seconds: float = 20.0
    """Limit of one step of a transaction; past it the worker exits and is started anew.

    A broker that is killed, or hangs, is replaced after 9 s (`broker.session.timeout.ms`), and some until everybody has
    heard of it. Whoever gives up before loses more: a start reads all state.
    """
    decide_seconds: float = 60.0
    """Limit of the agent's answer to a poll."""
    turn_seconds: float = 0.5
    """How long a worker decides until it commits, and until its heartbeats and other partitions have their turn."""
    open_seconds: float = 60.0
    """Limit of fencing the former owner."""
    restore_seconds: float = 900.0
    """Limit of reading the state of one partition."""
    transaction_seconds: float = 30.0
    """After it the broker ends a transaction whose owner is silent; the next owner does so at once."""
    shutdown_seconds: float = 10.0
    """Limit of an orderly end; past it the process ends all the same."""
    poll_wait_ms: int = 500
    """How long a poll waits for records; a quiet partition looks at its timers as often."""
    max_poll_records: int = 4000

    @property
    def join_seconds(self) -> float:
        """Limit of being without a place in the group: two rebalances, and a minute for a coordinator that moves."""
        return 2 * self.rebalance_seconds + 60

    @property
    def opening_seconds(self) -> float:
        """Limit of opening a partition, beyond those of its steps, which end the process themselves."""
        return self.open_seconds + self.restore_seconds + 60

    @property
    def transactional_prefix(self) -> str:
        """Transactional ids are `<application>.<source topic>.<partition>`."""
        return f"{self.application}.{self.source_topic}"
