"""A fold as a worker process: its Faust application, its tables, its admin port, and an orderly start and end."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import faust
import msgspec
import uvloop
from aiokafka.errors import KafkaError
from mode import Service
from prometheus_client import CollectorRegistry

from schemas.catalogue import Catalogue
from schemas.events import Source
from schemas.policy import Policy, PolicyError
from schemas.problems import UNREADABLE
from schemas.state import ControlState, encode
from schemas.state.partitions import STATE_VERSION
from streams.exits import EXIT_CRASH, EXIT_NOTHING
from streams.fold.deciding import Decider
from streams.fold.effects import PartitionPaused
from streams.fold.inforce import InForce, read_activation, write_activation
from streams.fold.intake import Allowed, Intake
from streams.fold.logfold import LogFold, LogSettings
from streams.kafka import topics
from streams.kafka.access import Access, ClusterError
from streams.kafka.identity import topic_ids
from streams.kafka.present import clock_of, require_cluster
from streams.kafka.refusals import start_one
from streams.observe.admin import AdminServer
from streams.observe.logs import INHERITED
from streams.observe.metrics import Instruments
from streams.observe.process import process_registry
from streams.ports import PortError, refuse_port
from streams.settings import Settings
from streams.transport.consumer import FoldConsumer
from streams.transport.local.head import Identity
from streams.transport.local.state import LocalState, StateMetrics
from streams.transport.parts import FoldParts
from streams.transport.settings import FoldSettings
from streams.transport.tables import StateTable
from streams.transport.ticks import Ticks
from streams.worker.app import FoldWorker, attach, collect_rarely, new_app
from streams.worker.health import stuck, unready
from streams.worker.notes import Notes
from streams.worker.prometheus import PrometheusMetrics
from streams.worker.readiness import Readiness
from streams.worker.registered import RegistrationError, require_registered
from streams.worker.tending import tending

log = logging.getLogger(__name__)

R = TypeVar("R")
FoundTopics = tuple[str, dict[str, str]]
"""The cluster's id, and the ids of topics by their names."""

START_SECONDS = 60.0
"""How long a start waits for a broker."""
RETRY_SECONDS = 1.0
WAITING = "waiting for a broker at %s, %g s at most: %r; %s"
UNNAMED = (
    "TXPUSH_INSTANCE is not set: each restart of this worker is a rebalance of all, and after a crash its partitions "
    "wait for TXPUSH_SESSION_SECONDS; set it to a name of this worker alone, the same after a restart"
)


class FoldProgram:
    """One application over one log; declare its tables and its agent, then `run`."""

    def __init__(self, application: str, log_topic: str, settings: Settings) -> None:
        self.settings = settings
        self.fold = FoldSettings(
            bootstrap=Access.of(settings),
            application=application,
            source_topic=log_topic,
            partitions=settings.partitions,
            clock=clock_of(settings),
            instance=settings.instance,
            session_seconds=settings.session_seconds,
            heartbeat_seconds=settings.session_seconds / 4,
            shutdown_seconds=settings.shutdown_seconds,
        )
        self.log_options = settings.log_options(application.removeprefix("txpush-"))
        self.app: faust.App = new_app(self.fold)
        name = f"{application} {settings.instance or ''}".strip()
        self.readiness = Readiness(name, log_topic, self.unready, lambda: self.app.consumer.owned)
        self.source = self.app.topic(log_topic, key_serializer="raw", value_serializer="raw")
        self.control = self.table("control", ControlState, "clock and audit chain head of each partition")
        self.policies = self._add("policies", read_activation, write_activation, "rules in force on each partition")

    def table(self, name: str, record: type[R], help: str) -> StateTable:  # noqa: A002 - Faust's name
        """Declare a table of state records of one type."""
        return self._add(name, msgspec.json.Decoder(record).decode, encode, help)

    def _add(self, name: str, decode: Any, encode_: Any, help_: str) -> StateTable:  # noqa: ANN401 - per record type
        table = StateTable(self.app, name=name, decode=_reader(name, decode), encode=encode_, help=help_)
        self.app.tables.add(table)
        return table

    def run(self, decider: Decider, source: Source, allowed: Allowed) -> NoReturn:
        """Check the cluster, then work until SIGTERM; exits the process. Its log is to be set up by then.

        Exit codes: 0 after an orderly end, 2 when the admin port is taken, or topics, policy, what is declared or what
        we show to the brokers does not fit, 70 when it has to be started again.
        """
        collect_rarely()
        signal.signal(signal.SIGTERM, _end)
        if self.settings.instance is None:
            log.warning(UNNAMED)
        try:
            self._require_declared(decider)
            shipped = InForce.of(Policy.load(self.settings.policy_file), Catalogue.load())
            with _by_our_words():
                found = asyncio.run(self._found_topics())
        except (RegistrationError, PolicyError, ClusterError, LookupError) as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(EXIT_NOTHING)
        except (KafkaError, TimeoutError, OSError) as error:
            sys.stderr.write(f"no broker at {self.fold.bootstrap}: {error!r}; {start_one(self.fold.bootstrap)}\n")
            sys.exit(EXIT_CRASH)
        loop = uvloop.new_event_loop()
        asyncio.set_event_loop(loop)
        notes = Notes(shipped, names_policy=self.settings.policy_file is not None)
        registry = self._assemble(decider, source, allowed, found, shipped, notes=notes)
        self._open_admin_port(loop, registry, notes)
        worker = FoldWorker(self.app, loop=loop)
        worker.shutdown_timeout = self.fold.shutdown_seconds
        worker.execute_from_commandline()
        sys.exit()  # for the type checker: the line above does not come back

    def _require_declared(self, decider: Decider) -> None:
        """Refuse to work with what is not declared at Faust; before any broker is looked for."""
        tables = (*decider.tables, self.policies, self.control)
        require_registered(self.app, self.fold.source_topic, tables, topics.TABLES[self.fold.application])

    async def _found_topics(self) -> FoundTopics:
        """Give the ids of the log and of the changelogs, once a broker tells them."""
        changelogs = [table.topic for table in self.app.tables.values()]
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        told = ""
        while True:
            try:
                await require_cluster(self.settings)
                return await topic_ids(self.fold.bootstrap, [self.fold.source_topic, *changelogs])
            except (KafkaError, TimeoutError, OSError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                if repr(error) != told:
                    told = repr(error)
                    log.warning(WAITING, self.fold.bootstrap, START_SECONDS, error, start_one(self.fold.bootstrap))
                await asyncio.sleep(RETRY_SECONDS)

    def _assemble(
        self,
        decider: Decider,
        source: Source,
        allowed: Allowed,
        found: FoundTopics,
        shipped: InForce,
        *,
        notes: Notes,
    ) -> CollectorRegistry:
        cluster, ids = found
        instruments = Instruments("agent", process_registry())
        metrics = PrometheusMetrics(instruments, self.fold.clock, self.readiness.changed, notes)
        metrics.expect(self.fold.source_topic)
        metrics.watch_tables({name: table.data.data for name, table in self.app.tables.items()})
        log_settings = LogSettings(
            log=self.fold.source_topic,
            identity=f"{cluster}/{ids[self.fold.source_topic]}",
            source=source,
            intake=Intake(allowed, self.fold.partitions),
            shipped=shipped,
            clock=self.fold.clock,
        )
        fold = LogFold(log_settings, decider, self.control, self.policies, metrics.counted)
        metrics.watch_standing(fold, {entry.cause for entry in shipped.rules.catalogue.entries})
        local = self._local_state(found, metrics)
        attach(self.app, FoldParts(self.fold, fold, Ticks(self.fold, source, metrics.ticked), metrics, local))
        notes.watch(fold.in_force, {} if local is None else local.unkept)
        if local is not None:
            self.app.service(tending(local))
        return instruments.registry

    def _local_state(self, found: FoundTopics, metrics: StateMetrics) -> LocalState | None:
        folder, (cluster, ids) = self.settings.state_dir, found
        if folder is None:
            return None
        application = self.fold.application
        changelogs = {name: topic_id for name, topic_id in ids.items() if name != self.fold.source_topic}

        def identity(partition: int) -> Identity:
            return Identity(cluster, application, partition, changelogs)

        return LocalState(folder / application, identity, self.fold.partitions, metrics)

    def _open_admin_port(self, loop: asyncio.AbstractEventLoop, registry: CollectorRegistry, notes: Notes) -> None:
        """Listen before the group is joined; exits where the port is taken."""
        settings = self.settings
        where = (settings.admin_host, settings.admin_port)
        server = AdminServer(*where, registry, self.unready, self.unhealthy, notes=notes.lines)
        try:
            loop.run_until_complete(server.start())
        except PortError as error:
            sys.exit(refuse_port(self.fold.application, error))
        program = self

        class Admin(Service):  # type: ignore[misc] # untyped library
            """The admin port ends with the worker."""

            logger = INHERITED

            async def on_start(self) -> None:
                program.readiness.listening(f"http://{server.endpoint}/metrics")

            async def on_stop(self) -> None:
                program.readiness.stop()
                await server.stop()

        self.app.service(Admin)

    def unready(self) -> list[str]:
        """Give what keeps the worker from doing all of its work."""
        consumer: FoldConsumer = self.app.consumer
        return unready(consumer, self.fold)

    def unhealthy(self) -> list[str]:
        """Give why the worker should be replaced."""
        consumer: FoldConsumer = self.app.consumer
        return stuck(consumer, self.fold)


@contextmanager
def _by_our_words() -> Iterator[None]:
    """Keep aiokafka from telling of each try in vain what a line of ours tells of all of them."""
    library = logging.getLogger("aiokafka")
    level = library.level
    library.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        library.setLevel(level)


def _reader(table: str, decode: Callable[[bytes], R]) -> Callable[[bytes], R]:
    """Read the records of a table; one of another shape, as a later release may leave it, pauses its partition."""

    def read(value: bytes) -> R:
        try:
            return decode(value)
        except UNREADABLE as error:
            raise PartitionPaused(
                f"a record of the table {table} is no state of version {STATE_VERSION} or earlier ({error}): a later "
                "release has worked here; start that one again, or go back as schemas/README.md says under Upgrade "
                "and roll-back"
            ) from error

    return read


def _end(_number: int, _frame: object) -> NoReturn:
    """End a start that still waits: as a container's first process it would not hear SIGTERM without a handler."""
    sys.exit()
