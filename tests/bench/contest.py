"""The contestants, and the cluster that they run on one at a time."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS
from streams.kafka.embedded import FULL_SPEED, ClusterSpec, EmbeddedKafka
from tests.bench.measure import Clocks, Contestant, running
from tests.bench.outside import Outside

AGENT_WORKER = "agent"
UNOBSERVED = "unobserved"
CONTESTANTS: dict[str, tuple[str, ...]] = {
    AGENT_WORKER: ("-m", "streams.agent.app"),
    UNOBSERVED: ("-m", "tests.bench.contestants.unobserved"),
    "reference_loop": ("-m", "tests.bench.contestants.reference_loop"),
    "reference_tx": ("-m", "tests.bench.contestants.reference_tx"),
    "stock_faust": (
        "-m", "tests.bench.contestants.stock_faust", "--datadir", "{folder}/faust", "-L", "uvloop",
        "worker", "-l", "warn", "--without-web",
    ),
}  # fmt: skip
"""Arguments to Python."""

COMMANDS = tuple(topic for kind, topic in COMMAND_TOPICS.items() if kind is not Kind.SUPPORT_TICKET)
HEAP_MB = 1024
POLL_SECONDS = 0.02
STALL_SECONDS = 120.0
"""How long a contestant may commit nothing."""


@dataclass(frozen=True, slots=True)
class Contest:
    """One cluster with a seeded log, and a folder for what contestants leave behind."""

    kafka: Outside
    broker_pid: int
    folder: Path

    def running(self, name: str, **settings: str) -> AbstractContextManager[Contestant]:
        """Run a contestant for as long as the block lasts; `settings` go to its environment."""
        arguments = [argument.format(folder=self.folder) for argument in CONTESTANTS[name]]
        environment = {
            "TXPUSH_BOOTSTRAP": self.kafka.bootstrap,
            "TXPUSH_PARTITIONS": str(self.kafka.partitions),
            "TXPUSH_REPLICATION": "1",
            "TXPUSH_INSTANCE": "bench-0",
            **settings,
        }
        return running(arguments, environment, self.folder / f"{name}.log")

    def clocks(self, contestant: Contestant) -> Clocks:
        """Read all clocks for a contestant."""
        return Clocks.read(contestant.pid, self.broker_pid)

    def wait_committed(self, contestant: Contestant, enough: Callable[[int], bool]) -> int:
        """Wait until the group's offsets are enough and give their sum.

        Raises:
            EndedError: the contestant ended.
            TimeoutError: it commits nothing any more.
        """
        committed, moved_at = -1, time.monotonic()
        while True:
            before, committed = committed, self.kafka.committed()
            moved_at = moved_at if committed == before else time.monotonic()
            if enough(committed):
                return committed
            if time.monotonic() - moved_at > STALL_SECONDS:
                raise TimeoutError(f"stuck at {committed} events for {STALL_SECONDS:.0f} s: see {contestant.log}")
            time.sleep(POLL_SECONDS)
            _ = contestant.pid


@contextmanager
def contest(partitions: int) -> Iterator[Contest]:
    """Start a broker as for measurements; what contestants leave behind is kept only where something failed."""
    folder = Path(tempfile.mkdtemp(prefix="txpush-bench-"))
    with EmbeddedKafka(ClusterSpec(jvm_flags=FULL_SPEED, heap_mb=HEAP_MB)) as kafka:
        broker_pid = kafka.pid(1)
        if broker_pid is None:
            raise RuntimeError("the broker does not run")
        yield Contest(Outside(kafka.bootstrap, partitions), broker_pid, folder)
    shutil.rmtree(folder)
