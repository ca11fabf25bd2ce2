"""What every part of the sandbox shares: books, clock, agenda, and the client that calls listeners."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from streams.clock import Clock
from streams.sandbox.books.aggregation import Aggregator
from streams.sandbox.books.partner import Partner
from streams.sandbox.books.world import World
from streams.sandbox.delivery.agenda import Agenda
from streams.sandbox.delivery.faults import Faults
from streams.sandbox.delivery.outbox import Outbox
from streams.sandbox.seed import Seed
from streams.sandbox.settings import SandboxSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one sandbox."""

    settings: SandboxSettings
    clock: Clock
    seed: Seed
    partner: Partner
    world: World
    aggregator: Aggregator
    faults: Faults
    agenda: Agenda
    outbox: Outbox
    client: Callable[[], httpx.AsyncClient]
