"""The run: workers up, both parts of the story, the week after it, and all read back."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from streams.demo.expected import EXPECTED
from streams.demo.finbank import FinBankCustomer
from streams.demo.morning import Morning, secrets_of
from streams.demo.reading.seen import Seen
from streams.demo.reading.watch import NotComeError
from streams.demo.scene import Scene
from streams.demo.stage.cast import LINK_KEY, SEALING_KEY, TOKEN
from streams.demo.stage.partner import SECRET
from streams.demo.story import PEOPLE, STORY
from streams.demo.telling.board import Board
from streams.demo.telling.table import Display
from streams.demo.telling.verdict import differences
from streams.kafka import applied, topics
from streams.kafka.embedded import EmbeddedKafka

DECIDE_SECONDS = 25.0
COME_SECONDS = 10.0
"""How long to wait for what the rules demand before it counts as missing."""
DRAW_SECONDS = 0.2
BROKER_CHECK_SECONDS = 0.5
STORY_LASTS = timedelta(days=8, hours=3)
"""From the morning on: the last reminder goes out after 7 days (R8)."""


class Play:
    """Runs the story once; `seen` is what came of it, `missed` what the story could not go on without."""

    def __init__(self, kafka: EmbeddedKafka, folder: Path, display: Display, board: Board) -> None:
        self.scene = Scene(kafka, folder, display, board)
        self.missed: list[str] = []

    @property
    def seen(self) -> Seen:
        """Give what the independent reader has read."""
        return self.scene.seen

    async def run(self, after: Callable[[Scene], Awaitable[None]] | None = None) -> None:
        """Go from nothing to everything decided and read back, then wait for `after` with all still running.

        Raises:
            DemoError, EmbeddedKafkaError, KafkaError: it could not be played to its end.
        """
        scene = self.scene
        created = await applied.apply(scene.kafka.bootstrap, topics.EMBEDDED)
        scene.say(f"Kafka at {scene.kafka.bootstrap}, {len(created)} topics")
        scene.say(f"starting {', '.join(worker.name for worker in scene.cast.workers)}")
        scene.say(f"their logs, until the demo ends: {scene.folder}")
        try:
            async with scene.client, scene.watch, asyncio.TaskGroup() as group:
                around = (scene.workers.supervise(), scene.watch.run(), self._draw(), self._check_broker())
                tasks = [group.create_task(part) for part in around]
                await self._perform()
                if after is not None:
                    await after(scene)
                scene.board.status = "all is read; ending the workers"
                scene.show()
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as group_error:
            # A dead broker is the cause of whatever its clients complain of.
            scene.kafka.check()
            raise _first(group_error) from None
        finally:
            scene.board.status = ""
            scene.show()

    async def _perform(self) -> None:
        scene = self.scene
        await scene.ready(scene.cast.workers)
        scene.say(f"ready: {', '.join(worker.name for worker in scene.cast.workers)}")
        scene.display.say(f"metrics: {metrics_of(scene)}", footer=True)
        try:
            await self._play()
            scene.board.status = "waiting until everything is decided and read back"
            with contextlib.suppress(NotComeError):  # the verdict says what is missing
                await scene.watch.until(lambda: not differences(EXPECTED, self.seen), COME_SECONDS, "all of it")
            await scene.watch.settled(DECIDE_SECONDS)
        except NotComeError as error:
            self.missed.append(str(error))

    async def _play(self) -> None:
        scene, morning = self.scene, Morning(self.scene)
        known = {TOKEN, SECRET, SEALING_KEY, LINK_KEY, *secrets_of(PEOPLE, STORY)}
        self.seen.secrets = tuple(secret.encode() for secret in known)
        begins = scene.pace.now()
        scene.board.status = "enrolling customers"
        await morning.prepare()
        scene.board.status = ""
        await morning.play()
        await FinBankCustomer(scene).play()
        scene.board.status = "the rest of the week, a day in two seconds"
        await scene.pace.pass_until(begins + STORY_LASTS)

    async def _draw(self) -> None:
        while True:
            self.scene.show()
            await asyncio.sleep(DRAW_SECONDS)

    async def _check_broker(self) -> None:
        while True:
            self.scene.kafka.check()
            await asyncio.sleep(BROKER_CHECK_SECONDS)


def metrics_of(scene: Scene) -> str:
    """Say where the metrics are."""
    first, *others = [worker for worker in scene.cast.workers if worker.has_metrics]
    ports = ", ".join(f"{worker.admin_port} {worker.name}" for worker in others)
    return f"{first.admin}/metrics {first.name}; the same on {ports}"


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the error that brought the others with it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
