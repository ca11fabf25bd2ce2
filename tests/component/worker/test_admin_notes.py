"""The admin port's readiness: reasons are a 503, notes are lines of whichever answer, and both are bounded."""

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry

from streams.observe.admin import MAX_LINES, AdminServer


class Told:
    """What a process has to say; the test fills it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def client(told: Told) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an admin port that says it."""
    server = AdminServer("127.0.0.1", 0, CollectorRegistry(), lambda: told.problems, notes=lambda: told.notes)
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as made:
        yield made
    await server.stop()


async def answer(client: httpx.AsyncClient, path: str = "/readyz") -> tuple[int, list[str]]:
    found = await client.get(path)
    return found.status_code, found.text.splitlines()


async def test_a_note_takes_nobody_out_of_service(client: httpx.AsyncClient, told: Told) -> None:
    """A full disk or a lag is told beside the word that the process is ready, and not to who asks for its health."""
    assert await answer(client) == (200, ["ready"])
    told.notes = ["partition 3 is behind by 7 records and 90 s; wait"]
    assert await answer(client) == (200, ["ready", "note: partition 3 is behind by 7 records and 90 s; wait"])
    assert await answer(client, "/healthz") == (200, ["ok"])
    told.problems = ["no partitions assigned yet; wait"]
    assert await answer(client) == (503, ["no partitions assigned yet; wait", f"note: {told.notes[0]}"])


async def test_an_answer_is_bounded(client: httpx.AsyncClient, told: Told) -> None:
    """A thousand partitions that are restored are twenty lines and a number."""
    told.problems = [f"partition {number} is being restored" for number in range(1000)]
    told.notes = [f"partition {number} is late" for number in range(21)]
    status, lines = await answer(client)
    assert (status, len(lines)) == (503, 2 * (MAX_LINES + 1))
    assert (lines[MAX_LINES], lines[-1]) == ("and 980 more", "note: and 1 more")
