"""The token: one for all calls, renewed in time and once, and the credentials never tried in vain."""

import asyncio

import pytest

from streams.vendor import MemoryGate, RefusedError, TryAgainError, VendorError
from streams.vendor.gate import Claim, MemoryLog, Outcome
from tests.component.vendor.double import ACCOUNT, CUSTOMER, Client, HandClock, Reply, Upstream, client_of
from tests.waiting import until

CALLERS = 50


async def all_at_once(client: Client) -> list[object]:
    """Make many calls at the same moment."""
    calls = (client.vendor.account(CUSTOMER, ACCOUNT) for _ in range(CALLERS))
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def test_many_first_calls_authenticate_once(client: Client) -> None:
    """Fifty calls at once wait for one token."""
    assert not any(isinstance(one, Exception) for one in await all_at_once(client))
    assert (client.upstream.attempts, len(client.upstream.calls)) == (1, CALLERS)


async def test_expiry_under_many_calls_is_one_renewal(client: Client) -> None:
    """The vendor takes the token no more, long before its time: fifty calls meet that, one renews, all succeed."""
    await client.vendor.account(CUSTOMER, ACCOUNT)
    client.clock.forward(minutes=10)
    client.upstream.valid = lambda token: token.endswith("-2")
    assert not any(isinstance(one, Exception) for one in await all_at_once(client))
    assert client.upstream.attempts == 2
    assert client.count("authentications_total", outcome="accepted") == 2
    assert client.count("token_accepted_timestamp_seconds") > 0


async def test_age_under_many_calls_is_one_renewal(client: Client) -> None:
    """Past its 90 minutes fifty calls wait for the next token; none goes out with the old one."""
    await client.vendor.account(CUSTOMER, ACCOUNT)
    client.clock.forward(minutes=90)
    await all_at_once(client)
    assert client.upstream.attempts == 2
    assert {one.headers["finicity-app-token"] for one in client.upstream.calls[1:]} == {"canary-token-2"}


async def test_it_is_kept_until_then(client: Client) -> None:
    """A minute before 90 the token is still good."""
    await client.vendor.account(CUSTOMER, ACCOUNT)
    client.clock.forward(minutes=89)
    await client.vendor.account(CUSTOMER, ACCOUNT)
    assert client.upstream.attempts == 1


async def test_an_old_token_serves_while_none_comes(client: Client) -> None:
    """Where a renewal fails for now the token works on until its two hours are over, and no longer."""
    await client.vendor.account(CUSTOMER, ACCOUNT)
    client.upstream.default_token = Reply(503)
    client.clock.forward(minutes=100)
    await client.vendor.account(CUSTOMER, ACCOUNT)
    client.clock.forward(minutes=20)
    with pytest.raises(TryAgainError):
        await client.vendor.account(CUSTOMER, ACCOUNT)


REFUSALS = [
    Reply(401, {"code": "10001"}),
    Reply(401, {"code": "24302"}),
    Reply(401, {"code": "10027"}),
    Reply(401, "Invalid (Finicity-App-Key)", "text/plain"),
    Reply(403, b""),
    Reply(400, {"code": "10005"}),
    Reply(404, {"Errors": {"Error": [{"ReasonCode": "12401"}]}}),
    Reply(404, {"code": 12401}),
    Reply(400, {"code": 12001}),
    *(Reply(status, {"code": "24302"}) for status in (500, 503, 203, 200, 408, 425, 429)),  # locked, whatever way
    Reply(302, b""),
]


@pytest.mark.parametrize("reply", REFUSALS)
async def test_a_refusal_ends_all_trying(client: Client, reply: Reply) -> None:
    """Whatever way the vendor says no, it is asked once, however many calls follow; the process is not ready."""
    client.upstream.default_token = reply
    await until(lambda: client.vendor.problems() == [])
    results = [*await all_at_once(client), *await all_at_once(client)]
    assert {type(one) for one in results} == {RefusedError}
    assert (client.upstream.attempts, client.upstream.calls) == (1, [])
    (problem,) = client.vendor.problems()
    assert problem.startswith("the vendor refused the credentials, 2")
    assert "canary" not in problem + "".join(map(repr, results))
    assert client.count("authentications_total", outcome="refused") == 1
    assert client.count("token_accepted_timestamp_seconds") == 0
    assert client.count("calls_total", call="account", outcome="refused") == 2 * CALLERS


async def test_another_secret_is_another_pair(upstream: Upstream) -> None:
    """A changed secret may be tried at once, while the old one stays refused."""
    upstream.tokens.append(Reply(401, {"code": "10001"}))
    log = MemoryLog()
    async with client_of(upstream, MemoryGate(log)) as wrong:
        with pytest.raises(RefusedError):
            await wrong.vendor.authenticate()
    async with client_of(upstream, MemoryGate(log), partner_id="2445580000001") as right:
        await right.vendor.authenticate()
        assert right.vendor.problems() == []
    async with client_of(upstream, MemoryGate(log)) as again:
        with pytest.raises(RefusedError):
            await again.vendor.authenticate()
    assert upstream.attempts == 2


@pytest.mark.parametrize(
    "reply",
    [
        *map(Reply, (203, 408, 425, 429, 500, 503)),
        Reply(500, {"code": 909}),
        Reply(200, "<html>"),
        Reply(200, {"token": ""}),
        Reply(200, {}),
    ],
)
async def test_trouble_at_the_vendor_is_no_refusal(client: Client, reply: Reply) -> None:
    """The credentials are tried again, after a pause in which nobody asks; no safe repetition is made of them."""
    client.upstream.tokens.append(reply)
    for _ in range(3):
        with pytest.raises(TryAgainError) as told:
            await client.vendor.authenticate()
        assert told.value.is_of_all
    assert client.upstream.attempts == 1
    client.hand.at += 5
    await client.vendor.authenticate()
    assert client.count("authentications_total", outcome="withdrawn") == 1


async def test_nobody_listens(upstream: Upstream) -> None:
    """Where no connection is made, nothing can have been refused: it is tried as often as is asked."""
    async with client_of(upstream, url="http://127.0.0.1:1") as client:
        for _ in range(5):
            with pytest.raises(TryAgainError, match="did not answer to the credentials: ConnectError"):
                await client.vendor.authenticate()
            client.hand.at += 5
        assert client.count("authentications_total", outcome="withdrawn") == 5
        assert client.vendor.problems() == []


async def test_no_answer_may_be_a_refusal(upstream: Upstream) -> None:
    """Two attempts without an answer close the gate on credentials that never worked."""
    upstream.default_token = Reply(hang=True)
    async with client_of(upstream, answer_seconds=0.3) as client:
        for _ in range(2):
            with pytest.raises(TryAgainError, match="did not answer to the credentials: TimeoutError") as told:
                await client.vendor.authenticate()
            assert told.value.is_of_all
            client.hand.at += 5
        with pytest.raises(RefusedError, match="2 attempts with the credentials have no known end"):
            await client.vendor.authenticate()
    assert upstream.attempts == 2


async def test_an_attempt_outlives_its_caller(upstream: Upstream) -> None:
    """A caller that gives up does not take the attempt with it: its outcome is still heard, and is written."""
    upstream.default_token = Reply(401, {"code": "10001"}, hang=True)
    async with client_of(upstream) as client:
        caller = asyncio.create_task(client.vendor.authenticate())
        await asyncio.wait_for(upstream.asked.wait(), 10)
        caller.cancel()
        upstream.hanging.set()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert client.vendor.problems() != []
    assert client.count("authentications_total", outcome="refused") == 1


class LeakyGate(MemoryGate):
    """Cannot write what came of an attempt."""

    async def settle(self, claim: Claim, outcome: Outcome, code: int | None = None) -> None:
        del claim, outcome, code
        raise TryAgainError("no", after_seconds=1)


async def test_a_token_is_good_without_its_record(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """Where the outcome cannot be written, the token is used all the same, and the log says so."""
    async with client_of(upstream, LeakyGate()) as client:
        await client.vendor.account(CUSTOMER, ACCOUNT)
    assert "the outcome of an authentication is not written yet" in caplog.text


async def test_a_claim_too_old_is_not_used(upstream: Upstream) -> None:
    """A process that slept past its claim does not try: another may be trying by now."""

    class SlowGate(MemoryGate):
        async def claim(self, pair: str) -> Claim:
            return Claim("c", pair, (await super().claim(pair)).expires_at - 58)

    async with client_of(upstream, SlowGate()) as client:
        with pytest.raises(TryAgainError, match="too late"):
            await client.vendor.authenticate()
    assert upstream.attempts == 0


async def test_errors_are_each_callers_own(client: Client) -> None:
    """Callers that wait together are told the same."""
    client.upstream.default_token = Reply(503)
    results = await all_at_once(client)
    assert all(isinstance(one, VendorError) for one in results)
    assert client.upstream.attempts == 1


def test_the_hand_clock_moves() -> None:
    """The clock of these tests is one."""
    clock = HandClock()
    before = clock.now()
    clock.forward(minutes=1)
    assert (clock.now() - before).total_seconds() == 60
