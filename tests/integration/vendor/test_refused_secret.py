"""Three executors and a sweep with a wrong secret, as processes, started again and again: what the vendor counts."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from streams.clock import WallClock
from streams.kafka import applied
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED
from streams.links import FixLinks
from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.server import serving
from streams.vendor import KafkaGate
from tests.integration.whole.between import FIX, Between
from tests.integration.whole.reading import write
from tests.integration.whole.stack import APP_KEY, END_SECONDS, LINK_KEY, PARTNER_SECRET, part_of, settings_of
from tests.processes import CLI, Program, free_port, run, started
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(1200)]

STARTS = 20
NAMES = ("executor-0", "executor-1", "executor-2")
AUTHENTICATION = "/aggregation/v2/partners/authentication"
WRONG = "wrong-partner-secret-1"
STOPPED = 3
"""How a sweep ends that the vendor refuses."""
SECONDS = 90.0


@dataclass
class Place:
    """A broker with an open command, a sandbox, and what processes are told."""

    sandbox: Sandbox
    vendor: Between
    settings: dict[str, str]
    folder: Path
    command_id: str
    parts: list[Program] = field(default_factory=list)

    def told(self, secret: str) -> dict[str, str]:
        """Give the settings with a secret of the partner."""
        return {**self.settings, "TXPUSH_PARTNER_SECRETS": secret}

    def executor(self, name: str, secret: str) -> Program:
        """Give an executor on a port of its own."""
        settings = self.told(secret) | {"TXPUSH_EXECUTOR_PORT": str(free_port())}
        part = part_of(name, "executor", settings, self.folder)
        self.parts.append(part)
        return part

    async def press(self, part: Program) -> int:
        """Press the button of the command's link; 0 where nobody answers."""
        url = f"http://127.0.0.1:{part.settings['TXPUSH_EXECUTOR_PORT']}"
        link = FixLinks([bytes.fromhex(LINK_KEY)], url).url(self.command_id, WallClock().now())
        try:
            async with httpx.AsyncClient(timeout=SECONDS) as client:
                return (await client.post(link)).status_code
        except httpx.HTTPError:
            return 0

    async def refused(self, part: Program, *, presses: bool) -> None:
        """Wait until an executor says that it is refused; it stays up with that, its button pressed or not."""
        async with asyncio.timeout(SECONDS):
            while "refuse" not in await asyncio.to_thread(part.page, "readyz"):
                assert part.alive, part.said()
                assert not presses or await self.press(part) in {0, 429, 503}
                await asyncio.sleep(0.05)

    async def live(self, names: Sequence[str], *, presses: bool) -> None:
        """Have executors live with the wrong secret until all say so: those who did not try it read that in the log."""
        parts = [self.executor(name, WRONG) for name in names]
        with started(*parts):
            await asyncio.gather(*(self.refused(part, presses=presses) for part in parts))

    async def sweep(self) -> None:
        """Have a sweep try with the wrong secret; it ends, and says why."""
        customers = self.folder / "customers.txt"
        customers.write_text("7000000001\n")
        words = (*CLI, "sweep", "--customers", str(customers))
        done = await asyncio.to_thread(run, words, self.told(WRONG), SECONDS)
        said = done.stdout + done.stderr
        assert (done.returncode, "refuse" in said, WRONG in said) == (STOPPED, True, False), said

    async def left_open(self) -> Counter[str]:
        """Count by process the attempts whose end nobody knows, as they stand on `vendor.auth`."""
        async with KafkaGate(self.settings["TXPUSH_BOOTSTRAP"], "test") as gate:
            await gate.caught_up()
            return Counter(told.entry.who for pair in gate.pairs().values() for told in pair.claims.values())

    def logs(self) -> str:
        """Give all that executors said."""
        return "".join((self.folder / f"{name}.log").read_text() for name in NAMES)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    sandbox = Sandbox(SandboxSettings(partner_secret=PARTNER_SECRET, app_key=APP_KEY), WallClock())
    vendor = Between(sandbox.app)
    sandbox.app = vendor  # type: ignore[assignment]  # served as it is
    command = {"command_id": str(uuid.uuid4()), "sequence": 0, "action": "issue", "customer_id": "7000000001"}
    with EmbeddedKafka() as kafka:
        await applied.apply(kafka.bootstrap, EMBEDDED)
        message = json.dumps({**command, "institution_login_id": "7100000001"}).encode()
        await write(kafka.bootstrap, "remediation.connect-fix", [("7000000001", message, ())])
        async with serving(sandbox) as url:
            settings = settings_of(kafka.bootstrap, url, free_port(), free_port(), tmp_path)
            place = Place(sandbox, vendor, settings, tmp_path, str(command["command_id"]))
            yield place
            for part in place.parts:
                part.kill()


async def test_a_wrong_secret_in_processes_that_start_again(place: Place) -> None:
    """Of eighty starts one attempt in all reaches the vendor, links opened or not; then the right secret is let in."""
    for number in range(STARTS):
        await asyncio.gather(place.live(NAMES, presses=number % 2 == 0), place.sweep())
    assert place.sandbox.partner.attempts == place.vendor.asked[AUTHENTICATION] == 1
    assert not place.sandbox.partner.is_locked
    right = place.executor(NAMES[0], PARTNER_SECRET)
    right.start()
    async with asyncio.timeout(SECONDS):
        while not place.vendor.asked[FIX]:
            await place.press(right)
            await asyncio.sleep(0.05)
    assert await asyncio.to_thread(right.stop, END_SECONDS) == 0
    assert place.sandbox.partner.failures == 0
    assert not {WRONG, PARTNER_SECRET} & set(place.logs().split())


async def test_killed_in_the_middle_of_every_attempt(place: Place) -> None:
    """What was under way when its process was killed may have been refused: one each and two in all, then none."""
    place.sandbox.set_fault("slow", seconds=60.0, path=AUTHENTICATION)
    killed: list[str] = []
    for attempt in (1, 2):
        parts = [place.executor(f"{name}-{attempt}", WRONG) for name in NAMES]
        for part in parts:
            part.start()
        pressing = [asyncio.create_task(_press_on(place, part)) for part in parts]
        await until(lambda attempt=attempt: place.vendor.asked[AUTHENTICATION] == attempt, SECONDS)  # type: ignore[misc]
        for task, part in zip(pressing, parts, strict=True):
            part.kill()
            killed.append(part.settings["TXPUSH_INSTANCE"])
            task.cancel()
    place.sandbox.clear_faults()
    await asyncio.gather(place.live(NAMES, presses=True), place.sweep())
    assert place.vendor.asked[AUTHENTICATION] == 2
    left_open = await place.left_open()
    assert (sorted(left_open.values()), set(left_open) <= set(killed)) == ([1, 1], True), left_open


async def _press_on(place: Place, part: Program) -> None:
    while True:
        await place.press(part)
        await asyncio.sleep(0.1)
