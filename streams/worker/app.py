"""The Faust application and worker of a fold."""

import asyncio
import gc
import logging
import sys
from collections.abc import Collection
from typing import Any, NoReturn

import faust
from faust.auth import SASLCredentials, SSLCredentials
from faust.transport.drivers import aiokafka as driver

from streams.exits import EXIT_CRASH, EXIT_NOTHING, EXIT_OK, in_order, stop_soon
from streams.kafka.access import Access, access_to
from streams.observe.logs import INHERITED
from streams.transport.consumer import FoldTransport
from streams.transport.parts import FoldParts
from streams.transport.settings import FoldSettings
from streams.transport.tables import StateTables

log = logging.getLogger(__name__)

COLLECT_OBJECTS = 100_000
"""What a poll may leave behind before cycles are looked for; Python's own 700 are gone after a few events."""

LEFT_SECONDS = 1.0
"""What tasks that nobody has ended by then have to end."""


class UnattachedError(RuntimeError):
    """The application was about to talk to Kafka by Faust's own transport; the message says how to start it."""

    def __init__(self, application: str) -> None:
        """Name the command, which applications are named after."""
        super().__init__(
            f"{application} does not run on Faust's own transport, which loses events: start it with "
            f"`{application.replace('-', ' ', 1)}`"
        )


class UnattachedTransport(driver.Transport):  # type: ignore[misc] # Faust ships no usable types for its transport
    """What an application has until a fold is attached: enough to declare and show agents and tables."""

    def create_consumer(self, *_: object, **__: object) -> NoReturn:
        """Refuse to join the group."""
        raise UnattachedError(self.app.conf.id)

    def create_producer(self, *_: object, **__: object) -> NoReturn:
        """Refuse to write."""
        raise UnattachedError(self.app.conf.id)


class FoldApp(faust.App):  # type: ignore[misc] # the same for its application
    """A Faust application that keeps nothing on this machine's disk, and works with an attached fold only."""

    logger = INHERITED

    def _create_directories(self) -> None:
        pass

    def _new_transport(self) -> UnattachedTransport:
        return UnattachedTransport(self.conf.broker_consumer, self)


def new_app(settings: FoldSettings) -> faust.App:
    """Give an application whose agent takes whole polls and whose tables change by transaction; `attach` its fold."""
    access = access_to(settings.bootstrap)
    return FoldApp(
        settings.application,
        broker=[f"kafka://{address}" for address in access.bootstrap.split(",")],
        broker_credentials=_credentials(access),
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        TableManager=StateTables,
        Worker=FoldWorker,
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.heartbeat_seconds,
        web_enabled=False,
    )


def _credentials(access: Access) -> SASLCredentials | SSLCredentials | None:
    """Give Faust's own clients what ours are told."""
    told = access.security()
    if "sasl_mechanism" in told:
        return SASLCredentials(
            username=access.username,
            password=told["sasl_plain_password"],
            mechanism=access.mechanism,
            ssl_context=access.tls,
        )
    return None if access.tls is None else SSLCredentials(access.tls)


def attach(app: faust.App, parts: FoldParts) -> None:
    """Give the application its transport, and so its fold."""
    app.transport = FoldTransport(app, parts)


async def _ended(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancel what is left behind, and let it end."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LEFT_SECONDS)


class FoldWorker(faust.Worker):  # type: ignore[misc] # Faust ships no usable types for its worker
    """A Faust worker whose stop is bounded even when no broker answers, and which draws nothing on the terminal.

    `faust worker` gets as far as this one.
    """

    logger = INHERITED

    shutdown_timeout: float = 10.0

    def __init__(self, app: faust.App, *services: Any, **settings: Any) -> None:  # noqa: ANN401 - Faust's own arguments
        if not isinstance(app.transport, FoldTransport):
            sys.stderr.write(f"{UnattachedError(app.conf.id)}\n")
            sys.exit(EXIT_NOTHING)  # of an exception Faust would show the trace
        ours = {"quiet": True, "override_logging": False, "redirect_stdouts": False}
        super().__init__(app, *services, **(settings | ours))
        self.spinner = None

    def execute_from_commandline(self) -> NoReturn:
        """Work until SIGTERM, and exit the process.

        A service that cannot start, or crashes, has it end with 70, to be started again; mode (0.7.1) would have it end
        with 1.
        """
        try:
            super().execute_from_commandline()
        except SystemExit as end:
            if end.code in {EXIT_OK, None}:
                in_order()
                raise
        log.critical("the worker has failed; exiting with %d, to be started again", EXIT_CRASH)
        sys.exit(EXIT_CRASH)

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        """Leave the process the words it was started with: Faust (0.15) names a port and folder that are not there."""

    def _shutdown_loop(self) -> None:
        """Close the loop: all services have stopped, and mode (0.7.1) sleeps two seconds here in any case."""
        self.loop.run_until_complete(_ended(asyncio.all_tasks(self.loop)))
        self.loop.close()
        if self.crash_reason is not None:
            log.critical("a service crashed", exc_info=self.crash_reason)
            raise self.crash_reason

    def _on_sigterm(self) -> None:
        stop_soon("SIGTERM", self.shutdown_timeout)
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        stop_soon("SIGINT", self.shutdown_timeout)
        super()._on_sigint()


def collect_rarely() -> None:
    """Look for cycles once in many objects: the state is large and has none, and walking it was a sixth of all work."""
    gc.set_threshold(COLLECT_OBJECTS)
