"""Running processes asked over real sockets: ready, not ready, with notes, gone, and one that says too much."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from streams.doctor.checks import processes
from streams.doctor.findings import Finding, Status
from streams.doctor.scope import Scope
from streams.observe.admin import AdminServer
from streams.settings import Settings


class Process:
    """A process with an admin port that says what the test wants."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.server = AdminServer("127.0.0.1", 0, CollectorRegistry(), lambda: self.problems, notes=lambda: self.notes)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    """One that runs."""
    made = Process()
    await made.server.start()
    yield made
    await made.server.stop()


async def found(*urls: str) -> list[Finding]:
    return list(await processes.look(Scope(Settings(), admin=urls)))


async def test_a_process_that_is_ready(process: Process) -> None:
    """One line; its notes are warnings, with what to do."""
    assert [(one.status, one.what) for one in await found(f"{process.url}/")] == [(Status.OK, f"{process.url}: ready")]
    process.notes = ["partition 0 is behind by 9 records and 90 s; wait"]
    ready, note = await found(process.url)
    assert ready.status is Status.OK
    what = f"{process.url}: partition 0 is behind by 9 records and 90 s"
    assert (note.status, note.what, note.remedy) == (Status.WARNING, what, "wait")


async def test_a_process_that_is_not(process: Process) -> None:
    """Each of its reasons is one, with its next step."""
    process.problems = ["no broker of x has answered for 11 s; run `txpush doctor`", "something is odd"]
    first, second = await found(process.url)
    assert (first.status, first.remedy) == (Status.WRONG, "run `txpush doctor`")
    assert (second.status, second.remedy) == (Status.WRONG, "see the log of that process")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no address"])
async def test_nobody_there(process: Process, url: str) -> None:
    """It is told, and the others are asked all the same."""
    ready, gone = await found(process.url, url)
    assert (ready.status, gone.status, gone.what.startswith(f"{url}: nobody answers")) == (
        Status.OK,
        Status.WRONG,
        True,
    )


async def test_a_page_without_end_is_cut(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stands there instead of ours costs no memory."""
    monkeypatch.setattr(processes, "MAX_BYTES", 100)
    process.problems = ["x" * 5000]
    (finding,) = await found(process.url)
    assert len(finding.what) < 200


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://[::1", "127.0.0.1"])
async def test_an_address_that_there_cannot_be(url: str) -> None:
    """What was typed wrong is told like a process that is not there."""
    (finding,) = await found(url)
    assert (finding.status, finding.what.startswith(f"{url}: nobody answers")) == (Status.WRONG, True)
