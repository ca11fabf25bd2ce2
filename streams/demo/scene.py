"""What the parts of the story are played with: processes, clock, partner, reader and board."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import httpx

from streams.demo.reading.seen import Heard, Seen
from streams.demo.reading.watch import Watch
from streams.demo.stage.cast import Cast, cast
from streams.demo.stage.pace import Pace
from streams.demo.stage.partner import Partner
from streams.demo.stage.processes import DemoError, Worker, Workers, unready
from streams.demo.telling.board import Board
from streams.demo.telling.table import Display, Posted
from streams.kafka.embedded import EmbeddedKafka
from streams.observe.metrics import BRIDGE_KEYS

READY_SECONDS = 150.0
HEAR_SECONDS = 25.0
RESTART_SECONDS = 20.0
POST_SECONDS = 10.0
LOOK_SECONDS = 0.1
_KEYS = re.compile(rf"^{BRIDGE_KEYS.name}(?:{{[^}}]*}})? (\S+)$", re.MULTILINE)


class Scene:
    """One demo; its parts come to words with everybody through this."""

    def __init__(self, kafka: EmbeddedKafka, folder: Path, display: Display, board: Board) -> None:
        self.kafka = kafka
        self.folder = folder
        self.display = display
        self.board = board
        self.pace = Pace(folder / "clock")
        self.cast: Cast = cast(kafka.bootstrap, self.pace.file)
        self.workers = Workers(self.cast.workers, folder)
        self.watch = Watch(kafka.bootstrap)
        self.client = httpx.AsyncClient(timeout=POST_SECONDS, trust_env=False)
        self.partner = Partner(self.client, self.cast.sandbox)

    @property
    def seen(self) -> Seen:
        """Give what the independent reader has read."""
        return self.watch.seen

    def worker(self, name: str) -> Worker:
        """Give a worker by its name."""
        return next(worker for worker in self.cast.workers if worker.name == name)

    def show(self) -> None:
        """Draw the table as it is now."""
        status = f"{self.pace.now():%a %d %b %H:%M}  {self.board.status}"
        self.display.show(self.board.rows(self.seen), status)

    def say(self, text: str) -> None:
        """Print a line with the time."""
        self.display.say(f"{self.board.now():5.1f} s  {text}")

    # -- waiting

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so of what was read. Raises NotComeError when it does not become so."""
        await self.watch.until(is_so, HEAR_SECONDS, what)

    async def hear(
        self, title: str, since: int, belongs: Callable[[Heard], bool], is_whole: Callable[[Sequence[Heard]], bool]
    ) -> Posted:
        """Wait for events that belong to something, heard since a place in `seen.heard`, and give them a row now."""
        at, row = self.board.now(), len(self.board.entries)
        self.board.tell(title, "")

        def found() -> list[Heard]:
            return [one for one in self.seen.heard[since:] if belongs(one)]

        await self.until(lambda: is_whole(found()), f"what belongs to '{title}'")
        posted = Posted(at, title, tuple(one.event_id for one in found()))
        self.board.entries[row] = posted
        return posted

    async def ready(self, workers: Iterable[Worker]) -> None:
        """Wait until workers say that they are ready. Raises DemoError with the ends of their logs."""
        end, waiting = time.monotonic() + READY_SECONDS, tuple(workers)
        while named := {worker.name: why for worker in waiting if (why := await unready(self.client, worker))}:
            self.board.status = "starting: " + "; ".join(f"{name}: {why}" for name, why in named.items())
            if time.monotonic() > end:
                late = [worker for worker in waiting if worker.name in named]
                logs = "\n".join(map(self.workers.last_lines, late))
                raise DemoError(f"Not ready after {READY_SECONDS:.0f} s: {', '.join(named)}.", logs)
            await asyncio.sleep(LOOK_SECONDS)

    # -- acts that both parts have

    async def subscribe(self, accounts: Sequence[tuple[str, str]], known: int) -> None:
        """Run `txpush subscribe`, and wait until the bridge knows the signing keys of `known` accounts."""
        file = self.folder / "accounts.csv"
        file.write_text("".join(f"{customer},{account}\n" for customer, account in accounts), encoding="utf-8")
        await self.workers.run_once(["subscribe", "--file", str(file)], self.cast.settings)
        end, bridge = time.monotonic() + HEAR_SECONDS, self.worker("bridge")
        while keys_in((await self.client.get(f"{bridge.admin}/metrics")).text) < known:
            if time.monotonic() > end:
                raise DemoError(
                    f"The bridge does not know the keys of {known} accounts.", self.workers.last_lines(bridge)
                )
            await asyncio.sleep(LOOK_SECONDS)

    def kill(self, name: str) -> int:
        """End a worker with SIGKILL; gives its process id."""
        return self.workers.kill(name)

    async def back(self, worker: Worker) -> None:
        """Wait until a killed worker works again, and tell how long it took."""
        killed = time.monotonic()
        while await unready(self.client, worker) is not None:
            if time.monotonic() > killed + RESTART_SECONDS:
                logs = self.workers.last_lines(worker)
                raise DemoError(f"{worker.name} is not back {RESTART_SECONDS:.0f} s after its kill.", logs)
            await asyncio.sleep(LOOK_SECONDS)
        self.board.tell(f"{worker.name} is back", f"works again after {time.monotonic() - killed:.1f} s")


def keys_in(metrics: str) -> int:
    """Read from the bridge's metrics of how many accounts it knows the signing keys."""
    found = _KEYS.search(metrics)
    return int(float(found[1])) if found else 0
