"""A link whose login has moved at the vendor: the accounts are read once, the log is told, the customer is led on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from schemas.commands import Action
from schemas.events import AccountSnapshot
from streams.executor.fixing.standing import MAX_ACCOUNTS, OpenCommand
from streams.kafka.log import LogUnavailable
from streams.vendor import GoneError, StaleLoginError, TryAgainError
from tests.unit.executor.double import ACCOUNT, AT, COMMAND, CUSTOMER, LINKS, LOGIN, Bench, message, snapshot

LINK = f"/fix/{LINKS.token(COMMAND, AT)}"
MOVED = "7100000099"
STALE, GONE = StaleLoginError("stale", code=38007), GoneError("gone", code=14001)
B, C = "5900000002", "5900000003"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.hear(message(account_ids=[ACCOUNT, B, C]))
    made.vendor.failures = [STALE]
    async with made.client:
        yield made


def told(bench: Bench) -> list[tuple[str, str]]:
    """Give account and login of what the log was told."""
    values: list[dict[str, Any]] = [json.loads(one.value) for one in bench.log.records]
    return [(one["accountId"], one["institutionLoginId"]) for one in values]


async def test_a_login_that_has_moved(bench: Bench) -> None:
    """Each account of the command is read once; the session is for the login that most of them stand under."""
    bench.vendor.accounts = {ACCOUNT: snapshot(login="7100000050"), B: snapshot(B, MOVED), C: snapshot(C, MOVED)}
    answer = await bench.client.post(LINK)
    assert (answer.status_code, answer.headers["location"][-8:]) == (303, "number=2")
    assert bench.vendor.asked == [("simple", CUSTOMER, one) for one in (ACCOUNT, B, C)]
    assert told(bench) == [(ACCOUNT, "7100000050"), (B, MOVED), (C, MOVED)]
    first, second = bench.vendor.requests
    assert (first.institution_login_id, second.institution_login_id) == (LOGIN, MOVED)
    assert second.webhook_data == {"command_id": COMMAND}


@pytest.mark.parametrize(
    "accounts",
    [
        {ACCOUNT: GONE, B: GONE, C: GONE},
        {ACCOUNT: snapshot(), B: GONE, C: GONE},
        {ACCOUNT: snapshot(login=None), f"whole {ACCOUNT}": snapshot(login=None), B: GONE, C: GONE},
    ],
)
async def test_nowhere_to_go(bench: Bench, accounts: dict[str, AccountSnapshot | Exception]) -> None:
    """409 where the accounts are gone, or say no other login: the same again would fail again."""
    bench.vendor.accounts = accounts
    answer = await bench.client.post(LINK)
    assert (answer.status_code, len(bench.vendor.requests)) == (409, 1)
    assert bench.count("changed") == 1


async def test_accounts_are_not_read_again_and_again(bench: Bench) -> None:
    """A press that had accounts read counts, whatever it came to: the sixth in a row reads none."""
    bench.vendor.accounts = {ACCOUNT: GONE, B: GONE, C: GONE}
    bench.vendor.failures = []

    async def stale(_request: object) -> SecretStr:
        raise STALE

    bench.vendor.fix_url = stale  # type: ignore[method-assign, assignment]
    assert [(await bench.client.post(LINK)).status_code for _ in range(6)] == [409] * 5 + [429]
    assert len(bench.vendor.asked) == 5 * 3


async def test_it_is_tried_once(bench: Bench) -> None:
    """409 where the present login is stale as well."""
    bench.vendor.accounts = {ACCOUNT: snapshot(login=MOVED), B: GONE, C: GONE}
    made, bench.vendor.failures = bench.vendor.requests, []
    original = bench.vendor.fix_url

    async def always_stale(request: Any) -> Any:  # noqa: ANN401 - as the vendor is called
        await original(request)
        raise STALE

    bench.vendor.fix_url = always_stale  # type: ignore[method-assign]
    assert (await bench.client.post(LINK)).status_code == 409
    assert [one.institution_login_id for one in made] == [LOGIN, MOVED]


@pytest.mark.parametrize("failure", [TryAgainError("busy", after_seconds=7), LogUnavailable("away")])
async def test_what_cannot_be_read_or_told_now(bench: Bench, failure: Exception) -> None:
    """503: a later click does all of it again."""
    bench.vendor.accounts = {ACCOUNT: snapshot(login=MOVED), B: GONE, C: GONE}
    if isinstance(failure, LogUnavailable):
        bench.log.failures = [failure]
    else:
        bench.vendor.accounts[B] = failure
    assert (await bench.client.post(LINK)).status_code == 503
    bench.vendor.accounts[B], bench.vendor.failures = GONE, [STALE]
    assert (await bench.client.post(LINK)).status_code == 303


async def pressed(bench: Bench, **ending: object) -> httpx.Response:
    """Press, while the command ends as soon as the log is told."""
    bench.vendor.accounts = {ACCOUNT: snapshot(login=MOVED), B: GONE, C: GONE}
    original = bench.log.send_all

    async def send_all(records: Any, deadline_seconds: float) -> None:  # noqa: ANN401 - as the log is called
        await original(records, deadline_seconds)
        bench.hear(message(sequence=1, **ending))  # type: ignore[arg-type] # fields by name

    bench.log.send_all = send_all  # type: ignore[method-assign]
    return await bench.client.post(LINK)


async def test_what_was_told_ends_the_command(bench: Bench) -> None:
    """The agent supersedes it in the middle of the click (R5): the session is the right one, so it is led to."""
    assert (await pressed(bench, action=Action.WITHDRAW, withdraw_reason="superseded")).status_code == 303


@pytest.mark.parametrize("reason", ["otp", "expired", "operator", "forgotten", "deleted"])
async def test_an_end_of_another_kind(bench: Bench, reason: str) -> None:
    """What closed the command meanwhile, and was not the move, holds: nobody is led on."""
    assert (await pressed(bench, action=Action.WITHDRAW, withdraw_reason=reason)).status_code == 410


async def test_it_turns_out_to_work(bench: Bench) -> None:
    """A command that is complete leads nowhere, moved or not."""
    assert (await pressed(bench, action=Action.COMPLETE)).status_code == 410


async def test_accounts_that_are_kept(bench: Bench) -> None:
    """As many as it takes to see where a login has gone, however many a command names."""
    bench.hear(message(sequence=1, account_ids=[str(number) for number in range(100)]))
    found = bench.commands.find(COMMAND)
    assert isinstance(found, OpenCommand)
    assert len(found.account_ids) == MAX_ACCOUNTS
