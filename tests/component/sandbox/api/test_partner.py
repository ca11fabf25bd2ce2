"""Authentication: tokens, their end, and the lock-out."""

import httpx
import pytest

from tests.component.sandbox.bench import Bench

PATH = "/aggregation/v2/partners/authentication"
CUSTOMERS = "/aggregation/v1/customers"
RIGHT, WRONG = "sandbox-secret-1", "wrong-secret-1"
KEY = {"finicity-app-key": "sandbox-app-key"}


async def authenticate(bench: Bench, secret: str, partner: str = "sandbox-partner") -> httpx.Response:
    """Try a pair of credentials."""
    return await bench.api.post(PATH, json={"partnerId": partner, "partnerSecret": secret})


async def test_a_token_opens_for_two_hours(bench: Bench) -> None:
    """10023 from the second hour on, and a new token opens again."""
    await bench.after(hours=1, minutes=59, seconds=59)
    assert (await bench.api.get(CUSTOMERS)).status_code == 200
    await bench.after(seconds=1)
    expired = await bench.api.get(CUSTOMERS)
    assert (expired.status_code, expired.json()["code"]) == (401, "10023")
    token = (await authenticate(bench, RIGHT)).json()["token"]
    assert (await bench.api.get(CUSTOMERS, headers={"finicity-app-token": token})).status_code == 200


async def test_five_failures_lock_the_partner(bench: Bench) -> None:
    """From the sixth attempt on even the right secret is answered 24302, until support unlocks."""
    before = bench.sandbox.partner.attempts
    codes = [(await authenticate(bench, WRONG)).json()["code"] for _ in range(5)]
    assert (codes, bench.sandbox.partner.is_locked) == (["10001"] * 5, True)
    locked = await authenticate(bench, RIGHT)
    assert (locked.status_code, locked.json()["code"]) == (401, "24302")
    assert bench.sandbox.partner.attempts - before == 6
    bench.sandbox.partner.unlock()
    assert (await authenticate(bench, RIGHT)).status_code == 200


async def test_a_success_forgets_failures(bench: Bench) -> None:
    """Only failures in a row lock."""
    for _ in range(3):
        for _ in range(4):
            await authenticate(bench, WRONG)
        assert (await authenticate(bench, RIGHT)).status_code == 200


async def test_another_partner_fails_the_same(bench: Bench) -> None:
    """An unknown id is a failed attempt."""
    answer = await authenticate(bench, RIGHT, partner="somebody")
    assert (answer.status_code, answer.json()["code"]) == (401, "10001")
    assert bench.sandbox.partner.failures == 1


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "10026"),
        (KEY, "10024"),
        ({**KEY, "finicity-app-token": "unknown"}, "10022"),
    ],
)
async def test_what_is_missing_or_unknown(bench: Bench, headers: dict[str, str], code: str) -> None:
    """Each missing or wrong header has its code, and none counts as an attempt."""
    before = bench.sandbox.partner.attempts
    async with httpx.AsyncClient(transport=bench.api._transport, base_url="http://sandbox") as bare:
        answer = await bare.get(CUSTOMERS, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert bench.sandbox.partner.attempts == before


async def test_a_wrong_key_is_answered_in_plain_text(bench: Bench) -> None:
    """As the vendor does, without a code."""
    answer = await bench.api.get(CUSTOMERS, headers={"finicity-app-key": "other"})
    assert (answer.status_code, answer.text) == (401, "Invalid (Finicity-App-Key)")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_changed_secret_replaces_the_old_one(bench: Bench) -> None:
    """At once by default; with 30 days of grace where `immediate` is false."""
    body = {"partnerId": "sandbox-partner", "partnerSecret": RIGHT, "newPartnerSecret": "another-secret-2"}
    assert (await bench.api.put(PATH, json={**body, "immediate": False})).status_code == 204
    assert (await authenticate(bench, RIGHT)).status_code == 200
    assert bench.sandbox.partner.secret == "another-secret-2"  # noqa: S105 - made up
    await bench.after(days=30)
    assert (await authenticate(bench, RIGHT)).status_code == 401
    at_once = {**body, "partnerSecret": "another-secret-2", "newPartnerSecret": "a-third-secret-3"}
    assert (await bench.api.put(PATH, json=at_once)).status_code == 204
    assert (await authenticate(bench, "another-secret-2")).status_code == 401


async def test_a_weak_new_secret_is_refused(bench: Bench) -> None:
    """12 to 255 characters, a letter and a digit."""
    body = {"partnerId": "sandbox-partner", "partnerSecret": RIGHT, "newPartnerSecret": "short1"}
    answer = await bench.api.put(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "10010")
    assert (await authenticate(bench, RIGHT)).status_code == 200


async def test_expired_on_request(bench: Bench) -> None:
    """A control makes every token old."""
    bench.sandbox.partner.expire_tokens()
    assert (await bench.api.get(CUSTOMERS)).json()["code"] == "10023"


async def test_old_tokens_are_forgotten(bench: Bench) -> None:
    """A thousand tokens are kept, no more."""
    partner, at = bench.sandbox.partner, bench.clock.now()
    for _ in range(1000):
        partner.authenticate("sandbox-partner", RIGHT, at)
    assert (await bench.api.get(CUSTOMERS)).json()["code"] == "10022"
    assert len(partner._tokens) == 1000


def test_secrets_are_not_shown(bench: Bench) -> None:
    """Settings and subscriptions print neither secret nor key."""
    assert RIGHT not in repr(bench.sandbox.settings)
    assert "sandbox-app-key" not in repr(bench.sandbox.settings)
