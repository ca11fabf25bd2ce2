"""What a service says about the commands it wants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.commands import Command, Ticket
from streams.subscribe.core import Message, RawRecord

Expired = Callable[[Message[Command] | Message[Ticket]], None]
Unreadable = Callable[[RawRecord, Exception], None]

_OURS = frozenset({
    "auto_offset_reset", "bootstrap_servers", "enable_auto_commit", "group_id", "group_instance_id", "isolation_level",
    "max_poll_interval_ms", "max_poll_records", "rebalance_timeout_ms",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to read commands; every time has a default that suits a service that takes seconds a command.

    Attributes:
        group: consumer group, one a service; its name is the store's owner.
        bootstrap: Kafka addresses, host:port, comma between.
        instance: name of this process, the same after a restart: it gets its partitions back at once.
        max_per_hour: customer contacts handed out within any hour, over restarts; None for no limit. Per process:
            two readers contact twice as many.
        on_expired: told of each contact that came too late, once; must not block.
        on_unreadable: told of each record that cannot be read, which is then passed by; None ends with
            UnreadableCommandError instead, as every command matters to someone. Must not block.
        handling_seconds: the longest that the caller may keep a command; after it the group goes on without this
            reader.
        revoke_seconds: how long a rebalance waits for the command in hand.
        step_seconds: the longest that one step with Kafka or the store may take.
        outage_seconds: how long Kafka may be away before KafkaUnavailableError.
        poll_seconds: how long one poll waits for records.
        max_waiting: commands kept waiting (for `max_per_hour`, or handed back) before reading pauses.
        kafka: further arguments of AIOKafkaConsumer, such as `security_protocol`, `ssl_context`, `sasl_mechanism`.

    Raises:
        ValueError: a limit is not positive, or `kafka` sets what the guarantees rest on.
    """

    group: str
    bootstrap: str = "127.0.0.1:9092"
    instance: str | None = None
    max_per_hour: int | None = None
    on_expired: Expired | None = None
    on_unreadable: Unreadable | None = None
    handling_seconds: float = 300.0
    revoke_seconds: float = 20.0
    step_seconds: float = 15.0
    outage_seconds: float = 600.0
    poll_seconds: float = 0.5
    max_waiting: int = 20_000
    kafka: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if taken := sorted(self.kafka.keys() & _OURS):
            raise ValueError(f"kafka must not set {', '.join(taken)}: the guarantees rest on them")
        for name in ("handling_seconds", "revoke_seconds", "step_seconds", "outage_seconds", "poll_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        if not self.group or self.max_waiting < 1 or (self.max_per_hour is not None and self.max_per_hour < 1):
            raise ValueError("group needs a name; max_waiting and max_per_hour are at least 1 (None: no limit)")
