"""How calls are made: which there are, when they are made again, how fast, for how long, and what they never tell."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable

import pytest

from streams.observe.labels import VendorCall
from streams.vendor import (
    FixRequest,
    TryAgainError,
    Vendor,
    VendorError,
    pace,
)
from streams.vendor.calls import ENDPOINTS, Calls, Request
from streams.vendor.pace import Pace, Timing
from tests.component.vendor.double import (
    ACCOUNT,
    APP_KEY,
    CUSTOMER,
    INSTITUTION,
    LOGIN,
    SECRET,
    Client,
    HandTiming,
    Reply,
    Upstream,
    client_of,
    settings_of,
)

EVERY_CALL: dict[VendorCall, Callable[[Vendor], Awaitable[object]]] = {
    VendorCall.ACCOUNT: lambda vendor: vendor.account(CUSTOMER, ACCOUNT),
    VendorCall.ACCOUNT_SIMPLE: lambda vendor: vendor.account_simple(CUSTOMER, ACCOUNT),
    VendorCall.CUSTOMER_ACCOUNTS: lambda vendor: vendor.customer_accounts(CUSTOMER),
    VendorCall.LOGIN_ACCOUNTS: lambda vendor: vendor.login_accounts(CUSTOMER, LOGIN),
    VendorCall.FIX_URL: lambda vendor: vendor.fix_url(FixRequest(CUSTOMER, LOGIN)),
    VendorCall.SUBSCRIBE: lambda vendor: vendor.subscribe(CUSTOMER, ACCOUNT, "https://hooks.example.com/canary"),
    VendorCall.UNSUBSCRIBE: lambda vendor: vendor.unsubscribe(CUSTOMER, ACCOUNT),
    VendorCall.DELETE_SUBSCRIPTION: lambda vendor: vendor.delete_subscription(CUSTOMER, "17"),
    VendorCall.INSTITUTION: lambda vendor: vendor.institution(INSTITUTION),
    VendorCall.AUTHORIZATION_DETAILS: lambda vendor: vendor.authorization_details(LOGIN),
}
SAFE = {call for call, endpoint in ENDPOINTS.items() if endpoint.method == "GET"}

# -- which

PATHS = {
    ("POST", "/aggregation/v2/partners/authentication"),
    ("GET", f"/aggregation/v2/customers/{CUSTOMER}/accounts/{ACCOUNT}"),
    ("GET", f"/aggregation/v1/customers/{CUSTOMER}/accounts/{ACCOUNT}/simple"),
    ("GET", f"/aggregation/v1/customers/{CUSTOMER}/accounts"),
    ("GET", f"/aggregation/v1/customers/{CUSTOMER}/institutionLogins/{LOGIN}/accounts"),
    ("POST", "/connect/v2/generate/fix"),
    ("POST", f"/aggregation/v1/customers/{CUSTOMER}/accounts/{ACCOUNT}/txpush"),
    ("DELETE", f"/aggregation/v1/customers/{CUSTOMER}/accounts/{ACCOUNT}/txpush"),
    ("DELETE", f"/aggregation/v1/customers/{CUSTOMER}/subscriptions/17"),
    ("GET", f"/institution/v2/institutions/{INSTITUTION}"),
    ("GET", f"/customers/institution-logins/{LOGIN}/authorization-details"),
}
REFRESHES = re.compile(r"refresh|/interactive|(accounts|institutionLogins/[^/]+/accounts)$")


async def test_no_call_refreshes(client: Client) -> None:
    """This is all that the client can ask for, and none of it makes the vendor go to a bank (domain 2.4)."""
    assert EVERY_CALL.keys() == ENDPOINTS.keys() == set(VendorCall)
    public = {name for name in vars(Vendor) if not name.startswith("_")} - {"authenticate", "problems"}
    assert public == {call.value for call in VendorCall}
    client.upstream.default = Reply(404, {"code": 14001})
    for call in EVERY_CALL.values():
        with pytest.raises(VendorError):
            await call(client.vendor)
    asked = {(one.method, one.path) for one in client.upstream.seen}
    assert asked == PATHS
    assert [path for method, path in asked if method != "GET" and REFRESHES.search(path)] == []


# -- again


@pytest.mark.parametrize("call", VendorCall)
async def test_only_safe_calls_are_made_again(client: Client, call: VendorCall) -> None:
    """A call that reads is made three times, a call that changes something once."""
    client.upstream.default = Reply(503)
    with pytest.raises(TryAgainError) as told:
        await EVERY_CALL[call](client.vendor)
    assert told.value.is_passing
    assert len(client.upstream.calls) == (3 if call in SAFE else 1)
    assert client.count("repeated_requests_total") == (2 if call in SAFE else 0)


async def test_waits_between_grow_and_differ(client: Client) -> None:
    """Half a second, then a second, each between half and one and a half of it by chance."""
    client.upstream.replies.extend([Reply(503), Reply(500)])
    await client.vendor.account(CUSTOMER, ACCOUNT)
    assert client.hand.waits == [0.5, 1.0]
    client.hand.chance = 0.0
    client.upstream.replies.append(Reply(503))
    await client.vendor.account(CUSTOMER, ACCOUNT)
    assert client.hand.waits[2:] == [0.25]


@pytest.mark.parametrize("reply", [Reply(429), Reply(500, {"code": 977}), Reply(500, {"code": 325}), Reply(408)])
async def test_a_wait_asked_for_is_left_to_the_caller(client: Client, reply: Reply) -> None:
    """Where the vendor wants minutes, nothing is made again by itself."""
    client.upstream.default = reply
    with pytest.raises(TryAgainError):
        await client.vendor.account(CUSTOMER, ACCOUNT)
    assert (len(client.upstream.calls), client.hand.waits) == (1, [])


async def test_no_answer(upstream: Upstream) -> None:
    """A silent vendor is asked three times, each for as long as an answer may take."""
    upstream.default = Reply(hang=True)
    async with client_of(upstream, answer_seconds=0.3) as client:
        with pytest.raises(TryAgainError, match="the vendor did not answer: TimeoutError") as told:
            await client.vendor.account(CUSTOMER, ACCOUNT)
        assert (told.value.__cause__, told.value.__context__) == (None, None)
    assert len(upstream.calls) == 3


async def test_the_deadline(upstream: Upstream) -> None:
    """A call ends at its deadline, whatever it waits for."""
    upstream.default = Reply(hang=True)
    async with client_of(upstream, deadline_seconds=0.3) as client:
        with pytest.raises(TryAgainError, match=r"not done within 0\.3 s"):
            await client.vendor.account(CUSTOMER, ACCOUNT)
    assert len(upstream.calls) <= 1


async def test_an_endless_answer(upstream: Upstream) -> None:
    """An answer longer than any of the vendor's is not read to its end."""
    async with client_of(upstream, max_answer_bytes=100) as client:
        with pytest.raises(TryAgainError, match="the answer is longer than 100 bytes"):
            await client.vendor.account(CUSTOMER, ACCOUNT)


async def test_a_client_that_is_not_open(upstream: Upstream) -> None:
    """Nothing is called before the client is entered."""
    made = Client(upstream)
    async with made.gate:
        with pytest.raises(TryAgainError):
            await made.vendor.account(CUSTOMER, ACCOUNT)
    assert upstream.seen == []


# -- how fast


async def test_calls_have_their_turn(upstream: Upstream) -> None:
    """Eight a second: eight go at once after a rest, then one each eighth of a second."""
    async with client_of(upstream, per_second=8.0) as client:
        for _ in range(11):
            await client.vendor.account(CUSTOMER, ACCOUNT)
        assert client.hand.waits == [0.125, 0.125, 0.125]


async def test_an_institution_has_its_own(upstream: Upstream) -> None:
    """Calls that concern one institution wait for each other; those of another one, or of none, do not."""
    async with client_of(upstream, institution_per_second=2.0) as client:
        for _ in range(3):
            await client.vendor.account(CUSTOMER, ACCOUNT, institution_id=INSTITUTION)
        assert client.hand.waits == pytest.approx([0.5])
        await client.vendor.account(CUSTOMER, ACCOUNT, institution_id="9")
        await client.vendor.account(CUSTOMER, ACCOUNT)
        assert len(client.hand.waits) == 1


async def test_too_many_calls_rest_all(client: Client) -> None:
    """After a 429 no call goes out for a minute; callers are told for how long."""
    client.upstream.replies.append(Reply(429, {"code": "3300001"}))
    for seconds in (60.0, 60.0, 45.0):
        client.hand.at += 60.0 - seconds
        with pytest.raises(TryAgainError) as told:
            await client.vendor.account(CUSTOMER, ACCOUNT)
        assert told.value.after_seconds == seconds
    assert len(client.upstream.calls) == 1
    client.hand.at += 45.0
    await client.vendor.account(CUSTOMER, ACCOUNT)


async def test_too_many_for_an_institution_rest_that_one(client: Client) -> None:
    """After a 977 calls for that institution rest five minutes, others go on."""
    client.upstream.replies.append(Reply(500, {"code": 977}))
    for _ in range(2):
        with pytest.raises(TryAgainError):
            await client.vendor.login_accounts(CUSTOMER, LOGIN, institution_id=INSTITUTION)
    assert len(client.upstream.calls) == 1
    await client.vendor.account(CUSTOMER, ACCOUNT, institution_id="9")
    await client.vendor.account(CUSTOMER, ACCOUNT)
    client.hand.at += 300.0
    await client.vendor.account(CUSTOMER, ACCOUNT, institution_id=INSTITUTION)


async def test_977_without_an_institution(client: Client) -> None:
    """Where nobody knows which institution it was, nobody else has to wait."""
    client.upstream.replies.append(Reply(500, {"code": 977}))
    with pytest.raises(TryAgainError):
        await client.vendor.account(CUSTOMER, ACCOUNT)
    await client.vendor.account(CUSTOMER, ACCOUNT)


async def test_only_so_many_wait(upstream: Upstream) -> None:
    """Callers past the limit are told at once, rather than to wait behind all the others."""
    async with client_of(upstream, per_second=1.0, max_waiting=2) as client:
        calls = (client.vendor.account(CUSTOMER, ACCOUNT) for _ in range(5))
        results = await asyncio.gather(*calls, return_exceptions=True)
    told = [(str(one), one.is_of_all) for one in results if isinstance(one, TryAgainError)]
    assert told == [("2 calls wait for their turn already", True)] * 2


async def test_no_moment_is_kept_for_who_does_not_come() -> None:
    """However many callers give up while they wait, the next one is asked to wait for seconds, not hours."""
    hand, held = HandTiming(), asyncio.Event()
    timing = Timing(lambda: hand.at, lambda _seconds: held.wait(), lambda: 0.5)  # type: ignore[arg-type,return-value]
    turns = Pace(1000.0, 2.0, timing=timing)
    waiting = [asyncio.create_task(turns.turn(INSTITUTION)) for _ in range(200)]
    await asyncio.sleep(0)
    refused = [str(one.exception()) for one in waiting if one.done() and one.exception() is not None]
    assert (len(refused), set(refused)) == (178, {"too many calls wait for their turn already"})
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    with pytest.raises(TryAgainError) as told:
        await turns.turn(INSTITUTION)
    assert told.value.after_seconds == pytest.approx(10.5)
    assert not told.value.is_of_all
    hand.at += 10.5
    await turns.turn(INSTITUTION)


async def test_institutions_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The institution not asked for longest is forgotten."""
    monkeypatch.setattr(pace, "MAX_INSTITUTIONS", 2)
    hand = HandTiming()
    turns = Pace(1000.0, 1.0, timing=hand.timing)
    for institution in ("1", "2", "1", "3", "1"):
        await turns.turn(institution)
    assert hand.waits == [1.0, 1.0]
    await turns.turn("2")
    assert hand.waits == [1.0, 1.0]


# -- secrets


@pytest.mark.parametrize("call", VendorCall)
async def test_nothing_is_told(
    client: Client, call: VendorCall, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a call meets, no secret shows in an error, a log or a `repr`; not at the lowest level either."""
    caplog.set_level(logging.DEBUG)
    canary = {"code": "14001", "message": "canary", "link": "canary", "name": "canary"}
    said = []
    for reply in (Reply(404, canary), Reply(500, canary), Reply(203, canary), Reply(200, "canary"), Reply(302, canary)):
        client.upstream.default = reply
        (error,) = await asyncio.gather(EVERY_CALL[call](client.vendor), return_exceptions=True)
        assert isinstance(error, VendorError) or error is None
        said += [
            str(error),
            repr(error),
            repr(getattr(error, "__context__", None)),
            repr(getattr(error, "__dict__", {})),
        ]
    said += [caplog.text, *capsys.readouterr(), repr(client.vendor), repr(vars(client.vendor))]
    assert "canary" not in "".join(said)


def test_settings_show_no_secret() -> None:
    """Neither the settings, nor a request, nor what makes calls prints what must not be seen."""
    settings = settings_of(Upstream())
    request = Request(ENDPOINTS[VendorCall.ACCOUNT], "/canary/7000000042", b"canary", None)
    assert (settings.app_key.get_secret_value(), settings.partner_secret.get_secret_value()) == (APP_KEY, SECRET)
    assert "canary" not in repr(settings) + repr(request)
    assert repr(request) == "Request(GET /aggregation/v2/customers/{customer}/accounts/{account})"


async def test_tokens_show_no_secret(client: Client) -> None:
    """The token neither."""
    await client.vendor.authenticate()
    calls = client.vendor._calls
    assert isinstance(calls, Calls)
    assert "canary" not in repr(calls.tokens) + repr(calls)
