"""The Faust application and worker of a fold."""

import gc
import logging
from typing import Any

import faust

from streams.exits import bound_shutdown
from streams.observe.logs import INHERITED
from streams.transport.consumer import FoldTransport
from streams.transport.parts import FoldParts
from streams.transport.settings import FoldSettings
from streams.transport.tables import StateTables

log = logging.getLogger(__name__)

COLLECT_OBJECTS = 100_000
"""What a poll may leave behind before cycles are looked for; Python's own 700 are gone after a few events."""


class FoldApp(faust.App):  # type: ignore[misc] # Faust ships no usable types for its application
    """A Faust application that keeps nothing on this machine's disk."""

    logger = INHERITED

    def _create_directories(self) -> None:
        pass


def new_app(settings: FoldSettings) -> faust.App:
    """Give an application whose agent takes whole polls and whose tables change by transaction; `attach` its fold."""
    return FoldApp(
        settings.application,
        broker=[f"kafka://{address}" for address in settings.bootstrap.split(",")],
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        TableManager=StateTables,
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.heartbeat_seconds,
        web_enabled=False,
    )


def attach(app: faust.App, parts: FoldParts) -> None:
    """Give the application its transport, and so its fold."""
    app.transport = FoldTransport(app, parts)


class FoldWorker(faust.Worker):  # type: ignore[misc] # Faust ships no usable types for its worker
    """A Faust worker whose stop is bounded even when no broker answers, and which draws nothing on the terminal."""

    logger = INHERITED

    shutdown_timeout: float = 10.0

    def __init__(self, app: faust.App, **options: Any) -> None:  # noqa: ANN401 - Faust's own options
        super().__init__(app, quiet=True, override_logging=False, redirect_stdouts=False, **options)
        self.spinner = None

    def _on_sigterm(self) -> None:
        self._stop_soon("SIGTERM")
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        self._stop_soon("SIGINT")
        super()._on_sigint()

    def _stop_soon(self, why: str) -> None:
        log.info("%s: stopping within %g s", why, self.shutdown_timeout)
        bound_shutdown(self.shutdown_timeout)


def collect_rarely() -> None:
    """Look for cycles once in many objects: the state is large and has none, and walking it was a sixth of all work."""
    gc.set_threshold(COLLECT_OBJECTS)
