"""Attempts without a known end: the next one waits for a vendor that answers at all, and none is ever the fifth."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streams.vendor import MemoryGate, RefusedError, TryAgainError
from streams.vendor.gate import MemoryLog
from streams.vendor.token import CLOSE_SECONDS
from tests.component.vendor.double import Client, Reply, Upstream, client_of
from tests.component.vendor.gates import Later
from tests.waiting import until

PROBE = "/institution/v2/institutions/101732"
SILENT = Reply(hang=True)
NO_TOKEN = Reply(401, {"code": "10024", "message": "Missing parameter (Finicity-App-Token)"})


@pytest.fixture
async def client(upstream: Upstream) -> AsyncIterator[Client]:
    """A client whose credentials worked, and whose token is too old by now."""
    async with client_of(upstream, answer_seconds=0.25) as made:
        await made.vendor.authenticate()
        made.clock.forward(hours=3)
        yield made


async def fails(client: Client, times: int) -> None:
    """Want a token in vain, as often as every few seconds."""
    for _ in range(times):
        with pytest.raises(TryAgainError, match="did not answer to the credentials"):
            await client.vendor.authenticate()
        client.hand.at += 5


async def test_a_silent_vendor_costs_one_attempt(client: Client) -> None:
    """However long it lasts; the first call after it is let in, without an operator and without a rest."""
    client.upstream.default_token = client.upstream.default = SILENT
    await fails(client, 10)
    assert client.upstream.attempts == 1 + 1
    assert client.vendor.problems() == []
    client.upstream.default_token, client.upstream.default = None, NO_TOKEN
    await client.vendor.authenticate()
    assert client.upstream.attempts == 3


async def test_what_the_vendor_is_asked_first(client: Client) -> None:
    """One call without a token, which it refuses; none where nothing is in doubt."""
    assert client.upstream.calls == []
    client.upstream.default_token, client.upstream.default = SILENT, NO_TOKEN
    await fails(client, 2)
    (probe,) = client.upstream.calls
    assert (probe.method, probe.path, probe.body) == ("GET", PROBE, b"")
    assert probe.headers["finicity-app-key"] == "canary-app-key"
    assert "finicity-app-token" not in probe.headers


@pytest.mark.parametrize("reply", [Reply(503), Reply(500, "<html>"), SILENT])
async def test_trouble_is_no_answer(client: Client, reply: Reply) -> None:
    """What stands before the vendor may answer for it."""
    client.upstream.default_token, client.upstream.default = SILENT, reply
    await fails(client, 5)
    assert client.upstream.attempts == 2


async def test_never_the_fifth(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret was replaced at the vendor, every answer is lost: four attempts in a year, by however many lives."""
    later, log, upstream.default = Later(monkeypatch), MemoryLog(), NO_TOKEN
    async with client_of(upstream, MemoryGate(log)) as working:
        await working.vendor.authenticate()
    upstream.default_token = SILENT
    for hours in [0] * 5 + [1, 3, 24, 24, 8760]:
        later.by(hours * 3600)
        async with client_of(upstream, MemoryGate(log), answer_seconds=0.2) as client:
            (error,) = await asyncio.gather(client.vendor.authenticate(), return_exceptions=True)
            assert isinstance(error, RefusedError | TryAgainError)
    assert upstream.attempts == 1 + 4
    async with client_of(upstream, MemoryGate(log)) as client:
        with pytest.raises(RefusedError, match=r"4 attempts .* until the secret changes or `txpush vendor reset`"):
            await client.vendor.authenticate()


async def unknown(log: MemoryLog) -> int:
    """Give how many attempts count as without a known end."""
    async with MemoryGate(log) as gate:
        return sum(len(standing.claims) for standing in gate.pairs().values())


async def test_an_end_before_anything_was_sent_is_no_attempt(upstream: Upstream) -> None:
    """A process that ends while it asks whether the vendor answers takes its claim back, and waits for nothing."""
    log, upstream.default_token = MemoryLog(), SILENT
    async with client_of(upstream, MemoryGate(log), answer_seconds=0.25) as client:
        await fails(client, 1)
    upstream.default = SILENT
    async with client_of(upstream, MemoryGate(log)) as client:
        asking = asyncio.create_task(client.vendor.authenticate())
        await until(lambda: upstream.calls)
        ending = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - ending < CLOSE_SECONDS / 2
    await asyncio.wait([asking])
    assert (upstream.attempts, await unknown(log)) == (1, 1)
    assert client.count("authentications_total", outcome="withdrawn") == 1


class SlowLog(MemoryLog):
    """Takes a claim, and does not say so before the process has to end."""

    def __init__(self) -> None:
        super().__init__()
        self.is_slow = True

    async def write(self, records: Any) -> None:  # noqa: ANN401 - as the log is called
        await super().write(records)
        if self.is_slow:
            await asyncio.Event().wait()


async def test_an_end_while_it_claims_is_no_attempt(upstream: Upstream) -> None:
    """What a gate owes the log is written at its end."""
    log = SlowLog()
    async with client_of(upstream, MemoryGate(log)) as client:
        asking = asyncio.create_task(client.vendor.authenticate())
        await until(lambda: log.records)
        log.is_slow = False
    await asyncio.wait([asking])
    assert (upstream.attempts, await unknown(log)) == (0, 0)
