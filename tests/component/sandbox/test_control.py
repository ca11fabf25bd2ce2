"""The controls over HTTP: the same as the methods, without key or token."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from streams.clock import WallClock
from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.clock import AdvancingClock
from streams.sandbox.controls import ClockStandsError
from streams.testing.clock import VirtualClock
from tests.component.sandbox.bench import START, Bench


async def control(bench: Bench, method: str, path: str, body: object = None, status: int = 200) -> Any:  # noqa: ANN401
    """Call a control without the vendor's headers."""
    async with httpx.AsyncClient(transport=bench.api._transport, base_url="http://sandbox/sandbox") as bare:
        answer = await bare.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_the_state_at_a_glance(bench: Bench) -> None:
    """Time, partner, faults, what waits, and how much there is."""
    await bench.connected()
    await control(bench, "PUT", "/faults/lost", {"share": 0.1}, 204)
    state = await control(bench, "GET", "/")
    assert state == {
        "now": "2026-03-01T12:00:00+00:00",
        "partner": {"attempts": 1, "failures": 0, "locked": False},
        "faults": {"lost": {"share": 0.1, "times": None, "happened": 0}},
        "webhooks": {"pending": 0, "dropped": 0},
        "customers": 1,
        "accounts": 1,
    }
    await control(bench, "DELETE", "/faults", status=204)
    assert (await control(bench, "GET", "/"))["faults"] == {}


async def test_time_and_nights(bench: Bench) -> None:
    """The clock is moved, nights are run, and the truth can be listed."""
    customer, login = await bench.connected("demo")
    assert await control(bench, "POST", "/clock", {"seconds": 86_400}) == {"now": "2026-03-02T12:00:00+00:00"}
    (truth,) = (await control(bench, "GET", "/truth"))["accounts"]
    assert (truth["customer_id"], truth["institution_login_id"], truth["code"]) == (customer, login, 0)
    assert truth["attempted_at"] == "2026-03-02T08:00:00+00:00"
    await control(bench, "POST", "/batch", status=204)
    tried = (await control(bench, "GET", "/deliveries"))["tried"]
    assert [(one["sender"], one["status"], one["acknowledged"]) for one in tried] == [("txpush", 200, True)] * 2


async def test_banks(bench: Bench) -> None:
    """Made up, changed and moved to OAuth."""
    made = await control(bench, "POST", "/institutions", {"name": "Bank of Codes", "otp": True}, 201)
    assert made == {"institutionId": "190001", "name": "Bank of Codes"}
    await bench.connected("demo", bank="190001")
    await control(bench, "POST", "/batch", status=204)
    assert bench.codes() == [185]
    await control(bench, "PATCH", "/institutions/190001", {"trouble": 102})
    assert bench.sandbox.world.institutions.get("190001").trouble == 102
    await control(bench, "PATCH", "/institutions/190001", {"trouble": None})
    assert bench.sandbox.world.institutions.get("190001").trouble is None
    assert bench.sandbox.world.institutions.get("190001").challenges
    moved = await control(bench, "POST", "/institutions/190001/migration", {"consent_days": 30}, 201)
    assert (moved["name"], bench.codes()) == ("Bank of Codes (OAuth)", [948])


async def test_logins_and_accounts(bench: Bench) -> None:
    """Connected without the page, broken, doubled and deleted."""
    customer = bench.sandbox.add_customer()
    body = {"institution_id": "102105", "username": "demo", "password": "go"}
    made = await control(bench, "POST", f"/customers/{customer}/logins", body, 201)
    assert len(made["accountIds"]) == 3
    canary = {"name": "Canary", "number": "4000990001", "balance": 7.25}
    other = await control(bench, "POST", f"/customers/{customer}/logins", {**body, "accounts": [canary]}, 201)
    (account,) = other["accountIds"]
    assert bench.sandbox.world.accounts[account].number == "4000990001"
    until = "2026-04-01T00:00:00Z"
    await control(bench, "PATCH", f"/logins/{other['institutionLoginId']}", {"trouble": 103, "device_until": until})
    login = bench.sandbox.world.logins[other["institutionLoginId"]]
    assert (login.trouble, login.device_until) == (103, datetime(2026, 4, 1, tzinfo=UTC))
    await control(bench, "PATCH", f"/accounts/{made['accountIds'][0]}", {"trouble": 946}, 204)
    twin = await control(bench, "POST", f"/accounts/{made['accountIds'][1]}/duplicate", status=201)
    await control(bench, "POST", "/batch", status=204)
    assert bench.codes() == [946, 0, 0, 103, 169]
    await control(bench, "DELETE", f"/accounts/{twin['accountId']}", status=204)
    assert len(bench.codes()) == 4


async def test_the_partner(bench: Bench) -> None:
    """Locked and unlocked, tokens expired, attempts counted."""
    bad = {"partnerId": "sandbox-partner", "partnerSecret": "wrong"}
    for _ in range(5):
        await bench.api.post("/aggregation/v2/partners/authentication", json=bad)
    partner = (await control(bench, "GET", "/"))["partner"]
    assert partner == {"attempts": 6, "failures": 5, "locked": True}
    await control(bench, "POST", "/partner/unlock", status=204)
    await control(bench, "POST", "/partner/expire-tokens", status=204)
    assert (await bench.api.get("/aggregation/v1/customers")).json()["code"] == "10023"


@pytest.mark.parametrize(
    ("call", "body", "status", "words"),
    [
        ("PUT /faults/earthquake", {}, 404, "slow, throttled"),
        ("PUT /faults/lost", {"share": 2}, 400, "share: "),
        ("PUT /faults/slow", {"seconds": 3600}, 400, "seconds: at most 60"),
        ("PUT /faults/late", {"seconds": 1e300}, 400, "seconds: "),
        ("PUT /faults/lost", {"shares": 1}, 400, "shares: "),
        ("POST /clock", {"seconds": -1}, 400, "seconds: "),
        ("POST /institutions", {}, 400, "name: "),
        ("PATCH /institutions/1", {}, 404, "not found"),
        ("POST /institutions/1/migration", {}, 404, "not found"),
        (
            "POST /customers/1/logins",
            {"institution_id": "102105", "username": "a", "password": "b"},
            404,
            "Customer",
        ),
        ("PATCH /logins/1", {}, 404, "not found"),
        ("PATCH /accounts/1", {}, 404, "not found"),
        ("POST /accounts/1/duplicate", None, 404, "not found"),
        ("DELETE /accounts/1", None, 404, "not found"),
    ],
)
async def test_what_cannot_be_done_is_said(bench: Bench, call: str, body: object, status: int, words: str) -> None:
    """A status and words for each."""
    method, _, path = call.partition(" ")
    assert words in (await control(bench, method, path, body, status))["message"]


async def test_credentials_that_fail_connect_nothing(bench: Bench) -> None:
    """The code of the profile comes back."""
    customer = bench.sandbox.add_customer()
    body = {"institution_id": "102105", "username": "demo", "password": "123"}
    assert (await control(bench, "POST", f"/customers/{customer}/logins", body, 500))["code"] == "123"


async def test_a_clock_that_is_not_ours_to_move() -> None:
    """409: somebody else moves it."""
    sandbox = Sandbox(SandboxSettings(), WallClock())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://sandbox") as client:
        assert (await client.post("/sandbox/clock", json={"seconds": 1})).status_code == 409
    with pytest.raises(ClockStandsError, match="move it where it was made"):
        await sandbox.advance(timedelta(seconds=1))


def test_a_clock_ahead_of_another() -> None:
    """It goes on with the other, so far ahead as it was moved, in whole milliseconds, and never back."""
    base = VirtualClock(START)
    clock = AdvancingClock(base)
    clock.move_to(START + timedelta(days=1, microseconds=1))
    assert clock.now() == START + timedelta(days=1, milliseconds=1)
    clock.move_to(START)
    assert clock.now() == START + timedelta(days=1, milliseconds=1)
    base.move_to(START + timedelta(hours=1))
    assert clock.now() == START + timedelta(days=1, hours=1, milliseconds=1)


@pytest.mark.parametrize("change", [{"colour": 1}, {"trouble": 1, "name_": 2}])
def test_a_trait_that_is_none(bench: Bench, change: dict[str, Any]) -> None:
    """A slip of the pen changes nothing."""
    with pytest.raises(TypeError):
        bench.sandbox.set_institution("102105", **change)
    assert bench.sandbox.world.institutions.get("102105").trouble is None
