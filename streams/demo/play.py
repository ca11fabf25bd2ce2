"""The run: workers up, the story posted over HTTP, one of them killed on the way, and all read back."""

import asyncio
import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import singledispatchmethod
from pathlib import Path

import httpx

from schemas.times import to_epoch_ms
from streams.clock import WallClock
from streams.demo import bodies
from streams.demo.processes import DemoError, Worker, Workers, unready
from streams.demo.seen import Message, Seen
from streams.demo.story import STORY, Kill, Poison, Post, Redeliver, Step, UseLink
from streams.demo.table import Display, Entry, Posted, Row, SetAside, Told, command_of, decision_of, row_of
from streams.demo.watch import Watch
from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.embedded.machine import HOST, free_ports
from streams.settings import PREFIX

TOKEN = "demo-callback-token-0000"  # noqa: S105 - no secret: it lives as long as the demo and on this machine only
READY_SECONDS = 45.0
DECIDE_SECONDS = 25.0
RESTART_SECONDS = 20.0
POST_SECONDS = 10.0
DRAW_SECONDS = 0.2
BROKER_CHECK_SECONDS = 0.5
PACE_SECONDS = 0.25
"""Between two steps where somebody watches; none before a kill, which is to come in the middle of the work."""
WORKERS = (("bridge", "bridge"), ("agent-0", "agent"), ("agent-1", "agent"), ("institutions", "institutions"))
"""Name and subcommand of each process."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The workers, and where the bridge listens."""

    workers: tuple[Worker, ...]
    bridge: str


def cast(bootstrap: str) -> Cast:
    """Choose ports for the workers and write their settings."""
    ports = iter((*(chosen := free_ports(len(WORKERS))).clients, *chosen.controllers))
    bridge_port = next(ports)
    settings = {
        f"{PREFIX}BOOTSTRAP": bootstrap,
        f"{PREFIX}PARTITIONS": str(topics.EMBEDDED.partitions),
        f"{PREFIX}REPLICATION": str(topics.EMBEDDED.replication),
        f"{PREFIX}CALLBACK_TOKENS": TOKEN,
        f"{PREFIX}SIGNATURES": "log",
        f"{PREFIX}BRIDGE_PORT": str(bridge_port),
        f"{PREFIX}SHUTDOWN_SECONDS": "6",
    }
    return Cast(
        tuple(Worker(name, command, next(ports), {**settings, f"{PREFIX}INSTANCE": name}) for name, command in WORKERS),
        f"http://{HOST}:{bridge_port}/{TOKEN}",
    )


@dataclass(slots=True)
class Board:
    """What happened so far, in order, and since when."""

    began: float = field(default_factory=time.monotonic)
    entries: list[Entry] = field(default_factory=list)
    tickets: int = 0

    def now(self) -> float:
        """Give the seconds since the demo began."""
        return time.monotonic() - self.began

    def rows(self, seen: Seen) -> list[Row]:
        """Give the rows; a ticket has one of its own, as no single notification opens it."""
        tickets = [message for message in seen.messages if message.topic == topics.TICKETS]
        for message in tickets[self.tickets :]:
            self.entries.append(_ticket(message, self.now()))
        self.tickets = len(tickets)
        return [row_of(entry, seen) for entry in self.entries]


def _ticket(message: Message, at: float) -> Told:
    return Told(at, f"signals of institution {message.subject}", decision_of(message), command_of(message))


class Play:
    """Runs the story once; `seen` is what came of it."""

    def __init__(self, kafka: EmbeddedKafka, folder: Path, display: Display, board: Board) -> None:
        self._kafka = kafka
        self._display = display
        self._cast = cast(kafka.bootstrap)
        self._workers = Workers(self._cast.workers, folder)
        self._watch = Watch(kafka.bootstrap)
        self._client = httpx.AsyncClient(timeout=POST_SECONDS, trust_env=False)
        self._posted: dict[str, list[bytes]] = {}
        self._folder = folder
        self._restarts: list[asyncio.Task[None]] = []
        self._group = asyncio.TaskGroup()
        self._status = ""
        self._clock = WallClock()
        self.board = board

    @property
    def seen(self) -> Seen:
        """Give what the independent reader has read."""
        return self._watch.seen

    async def run(self) -> None:
        """Go from nothing to everything decided and read back. Raises DemoError, EmbeddedKafkaError, KafkaError."""
        created = await topics.apply(self._kafka.bootstrap, topics.EMBEDDED)
        self._display.say(f"{self.board.now():5.1f} s  Kafka at {self._kafka.bootstrap}, {len(created)} topics")
        names = ", ".join(worker.name for worker in self._cast.workers)
        self._display.say(f"{self.board.now():5.1f} s  starting {names}; logs in {self._folder}")
        try:
            async with self._client, self._watch, asyncio.TaskGroup() as self._group:
                around = (self._workers.supervise(), self._watch.run(), self._draw(), self._check_broker())
                tasks = [self._group.create_task(part) for part in around]
                await self._perform()
                self._display.show(self.board.rows(self.seen), "all is read; ending the workers")
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as group:
            # A dead broker is the cause of whatever its clients complain of.
            self._kafka.check()
            raise _first(group) from None
        finally:
            self._display.show(self.board.rows(self.seen), "")

    async def _perform(self) -> None:
        await self._wait_ready()
        self.seen.secrets = tuple(secret.encode() for secret in secrets_of(STORY))
        self._status = "posting"
        for step in STORY:
            if self._display.is_live and not isinstance(step, Kill):
                await asyncio.sleep(PACE_SECONDS)
            await self._do(step)
        self._status = "waiting until everything is decided and read back"
        await asyncio.gather(*self._restarts)
        await self._watch.settled(DECIDE_SECONDS)

    async def _wait_ready(self) -> None:
        """Wait until every worker says that it is ready."""
        end = time.monotonic() + READY_SECONDS
        while waiting := await self._unready():
            self._status = "starting: " + "; ".join(f"{name}: {why}" for name, why in waiting.items())
            if time.monotonic() > end:
                late = [worker for worker in self._cast.workers if worker.name in waiting]
                logs = "\n".join(map(self._workers.last_lines, late))
                raise DemoError(f"Not ready after {READY_SECONDS:.0f} s: {', '.join(waiting)}.", logs)
            await asyncio.sleep(DRAW_SECONDS)
        self._display.say(f"{self.board.now():5.1f} s  ready: {', '.join(name for name, _ in WORKERS)}")
        first, *others = self._cast.workers
        ports = ", ".join(f"{worker.admin_port} {worker.name}" for worker in others)
        self._display.say(f"metrics: {first.admin}/metrics {first.name}; the same on {ports}", footer=True)

    async def _unready(self) -> dict[str, str]:
        found = [(worker.name, await unready(self._client, worker)) for worker in self._cast.workers]
        return {name: why for name, why in found if why is not None}

    async def _draw(self) -> None:
        while True:
            self._display.show(self.board.rows(self.seen), self._status)
            await asyncio.sleep(DRAW_SECONDS)

    async def _check_broker(self) -> None:
        while True:
            self._kafka.check()
            await asyncio.sleep(BROKER_CHECK_SECONDS)

    # -- the steps of the story

    @singledispatchmethod
    async def _do(self, step: Step) -> None:
        raise TypeError(f"the story has a step that nobody can do: {step!r}")

    @_do.register
    async def _post(self, step: Post) -> None:
        at = int(self._clock.now().timestamp())
        written = [bodies.modified(accounts, at) for accounts in step.bodies]
        ids = [
            _event_id(body, n)
            for body, accounts in zip(written, step.bodies, strict=True)
            for n in range(len(accounts))
        ]
        self._posted[step.title] = written
        self.board.entries.append(Posted(self.board.now(), step.title, tuple(ids)))
        await self._send("txpush", written)

    @_do.register
    async def _redeliver(self, step: Redeliver) -> None:
        written = self._posted[step.earlier]
        ids = tuple(_event_id(body, 0) for body in written)
        for delivery in range(1, step.times + 1):
            self.board.entries.append(Posted(self.board.now(), step.title, ids, delivery))
            await self._send("txpush", written)

    @_do.register
    async def _use_link(self, step: UseLink) -> None:
        await self._watch.until(
            lambda: self.seen.open_command(step.customer) is not None,
            DECIDE_SECONDS,
            f"a command for customer {step.customer}",
        )
        command = self.seen.open_command(step.customer)
        body = bodies.done(step.customer, command.command_id if command else "", to_epoch_ms(self._clock.now()))
        self.board.entries.append(Posted(self.board.now(), step.title, (_event_id(body, 0),)))
        await self._send("connect", [body])

    @_do.register
    async def _poison(self, step: Poison) -> None:
        self.board.entries.append(SetAside(self.board.now(), step.title, hashlib.sha256(step.body).hexdigest()))
        await self._send("txpush", [step.body])

    @_do.register
    async def _kill(self, step: Kill) -> None:
        pid = self._workers.kill(step.worker)
        self.board.entries.append(Told(self.board.now(), f"kill -9 {step.worker}", f"process {pid} is gone"))
        worker = next(worker for worker in self._cast.workers if worker.name == step.worker)
        self._restarts.append(self._group.create_task(self._await_restart(worker)))

    async def _await_restart(self, worker: Worker) -> None:
        """Tell when a killed worker works again."""
        killed = time.monotonic()
        while await unready(self._client, worker) is not None:
            if time.monotonic() > killed + RESTART_SECONDS:
                raise DemoError(
                    f"{worker.name} is not back {RESTART_SECONDS:.0f} s after its kill.",
                    self._workers.last_lines(worker),
                )
            await asyncio.sleep(DRAW_SECONDS)
        took = time.monotonic() - killed
        self.board.entries.append(Told(self.board.now(), f"{worker.name} is back", f"works again after {took:.1f} s"))

    async def _send(self, route: str, written: Sequence[bytes]) -> None:
        """Post bodies side by side; the vendor counts a notification as delivered on 200 only."""
        headers = {"content-type": "application/json"}
        posts = (self._client.post(f"{self._cast.bridge}/{route}", content=body, headers=headers) for body in written)
        for answer in await asyncio.gather(*posts):
            if answer.status_code != httpx.codes.OK:
                raise DemoError(f"The bridge answered {answer.status_code} to a notification.")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the error that brought the others with it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def secrets_of(story: Iterable[Step]) -> set[str]:
    """Give every name, number and balance that the story posts."""
    found: set[str] = set()
    for step in story:
        if isinstance(step, Post):
            found.update(secret for accounts in step.bodies for account in accounts for secret in account.secrets)
        elif isinstance(step, Poison):
            found.update(step.secrets)
    return found


def _event_id(body: bytes, index: int) -> str:
    """Give the id of a record by the contract: `sha256(body):index`."""
    return f"{hashlib.sha256(body).hexdigest()}:{index}"
