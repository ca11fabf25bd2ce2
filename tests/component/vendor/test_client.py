"""What each call sends and what it gives back."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schemas.events import AccountSnapshot
from streams.vendor import FixRequest, GoneError, InvalidRequestError, TryAgainError
from tests.component.vendor.double import (
    ACCOUNT,
    APP_KEY,
    CUSTOMER,
    INSTITUTION,
    LOGIN,
    PARTNER_ID,
    RECORD,
    SECRET,
    Client,
    Reply,
)

SNAPSHOT = AccountSnapshot(
    customer_id=CUSTOMER,
    account_id=ACCOUNT,
    institution_id=INSTITUTION,
    institution_login_id=LOGIN,
    aggregation_status_code=185,
    aggregation_attempt_date=datetime.fromtimestamp(1793500000, UTC),
    aggregation_success_date=datetime.fromtimestamp(1793400000, UTC),
    account_type="checking",
)


async def test_the_first_call_authenticates(client: Client) -> None:
    """The token comes from the credentials, and both headers go with every call."""
    assert await client.vendor.account(CUSTOMER, ACCOUNT) == SNAPSHOT
    first, second = client.upstream.seen
    assert (first.method, first.path) == ("POST", "/aggregation/v2/partners/authentication")
    assert orjson.loads(first.body) == {"partnerId": PARTNER_ID, "partnerSecret": SECRET}
    assert (first.headers["finicity-app-key"], "finicity-app-token" in first.headers) == (APP_KEY, False)
    assert (second.method, second.path) == ("GET", f"/aggregation/v2/customers/{CUSTOMER}/accounts/{ACCOUNT}")
    assert (second.headers["finicity-app-key"], second.headers["finicity-app-token"]) == (APP_KEY, "canary-token-1")
    assert second.headers["accept"] == "application/json"
    assert client.count("calls_total", call="account", outcome="done") == 1


async def test_accounts_are_reduced(client: Client) -> None:
    """Names, numbers and balances are dropped, whichever call read them."""
    client.upstream.replies.extend([Reply(200, RECORD), Reply(200, {"accounts": [RECORD, {"id": "5"}, "x"]})])
    assert await client.vendor.account_simple(CUSTOMER, ACCOUNT) == SNAPSHOT
    assert await client.vendor.customer_accounts(CUSTOMER) == [SNAPSHOT]
    client.upstream.replies.append(Reply(200, {"accounts": []}))
    assert await client.vendor.login_accounts(CUSTOMER, LOGIN) == []
    assert [one.path for one in client.upstream.calls] == [
        f"/aggregation/v1/customers/{CUSTOMER}/accounts/{ACCOUNT}/simple",
        f"/aggregation/v1/customers/{CUSTOMER}/accounts",
        f"/aggregation/v1/customers/{CUSTOMER}/institutionLogins/{LOGIN}/accounts",
    ]
    assert client.count("unreadable_accounts_total") == 2


async def test_a_fix_url(client: Client) -> None:
    """The link comes wrapped; what was not said is not sent."""
    client.upstream.default = Reply(200, {"link": "https://connect2.example.com?signature=canary"})
    request = FixRequest(
        CUSTOMER,
        LOGIN,
        webhook="https://hooks.example.com/canary/connect",
        webhook_data={"command_id": "c1"},
        redirect_uri="https://app.example.com/back",
        language="es",
        institution_id=INSTITUTION,
    )
    link = await client.vendor.fix_url(request)
    assert link.get_secret_value() == "https://connect2.example.com?signature=canary"
    assert "canary" not in repr(link) + repr(request)
    (call,) = client.upstream.calls
    assert (call.method, call.path) == ("POST", "/connect/v2/generate/fix")
    assert orjson.loads(call.body) == {
        "partnerId": PARTNER_ID,
        "customerId": CUSTOMER,
        "institutionLoginId": LOGIN,
        "language": "es",
        "redirectUri": "https://app.example.com/back",
        "webhook": "https://hooks.example.com/canary/connect",
        "webhookContentType": "application/json",
        "webhookData": {"command_id": "c1"},
        "singleUseUrl": True,
    }


SUBSCRIPTIONS: dict[str, Any] = {
    "subscriptions": [
        {
            "id": 1,
            "accountId": int(ACCOUNT),
            "type": "account",
            "callbackUrl": "https://x/canary",
            "signingKey": "canary-a",
        },
        {"id": "2", "accountId": ACCOUNT, "type": "transaction", "callbackUrl": "https://x", "signingKey": "canary-t"},
    ]
}


async def test_subscribing(client: Client) -> None:
    """Both subscriptions come with their keys, which show nowhere; notifications are asked for in JSON."""
    client.upstream.default = Reply(201, SUBSCRIPTIONS)
    account, transaction = await client.vendor.subscribe(CUSTOMER, ACCOUNT, "https://hooks.example.com/t/txpush")
    assert (account.id, account.account_id, account.class_name) == ("1", ACCOUNT, "account")
    assert account.signing_key.get_secret_value() == "canary-a"
    assert (transaction.id, transaction.class_name) == ("2", "transaction")
    assert "canary" not in repr(account)
    (call,) = client.upstream.calls
    assert (call.method, call.path) == ("POST", f"/aggregation/v1/customers/{CUSTOMER}/accounts/{ACCOUNT}/txpush")
    assert (call.headers["accept"], call.headers["content-type"]) == ("application/json", "application/json")
    assert orjson.loads(call.body) == {"callbackUrl": "https://hooks.example.com/t/txpush"}


@pytest.mark.parametrize("code", ["60007", "60013"])
async def test_unsubscribing_twice(client: Client, code: str) -> None:
    """What is gone already is gone; JSON is not insisted on, as the vendor has refused that."""
    client.upstream.replies.extend([Reply(204, b""), Reply(404, {"code": code}), Reply(404, {"code": code})])
    await client.vendor.unsubscribe(CUSTOMER, ACCOUNT)
    await client.vendor.unsubscribe(CUSTOMER, ACCOUNT)
    await client.vendor.delete_subscription(CUSTOMER, "17")
    assert {(one.method, one.headers["accept"]) for one in client.upstream.calls} == {("DELETE", "*/*")}
    assert client.upstream.calls[-1].path == f"/aggregation/v1/customers/{CUSTOMER}/subscriptions/17"


async def test_unsubscribing_from_nobody(client: Client) -> None:
    """A customer that the vendor does not know is an error all the same."""
    client.upstream.default = Reply(404, {"code": "14001"})
    with pytest.raises(GoneError):
        await client.vendor.unsubscribe(CUSTOMER, ACCOUNT)


async def test_an_institution(client: Client) -> None:
    """Its state, and where it moves to; ids become text."""
    body = {
        "id": int(INSTITUTION),
        "name": "A Bank",
        "status": "migrating",
        "oauthEnabled": False,
        "newInstitutionId": 9,
    }
    client.upstream.default = Reply(200, {"institution": body})
    found = await client.vendor.institution(INSTITUTION)
    assert (found.institution_id, found.status, found.oauth_enabled) == (INSTITUTION, "migrating", False)
    assert (found.new_institution_id, found.oauth_institution_id, found.name) == ("9", None, "A Bank")
    assert client.upstream.calls[0].path == f"/institution/v2/institutions/{INSTITUTION}"


async def test_authorization_details(client: Client) -> None:
    """The window is in UTC; a login without one has none."""
    start, end = "2024-01-01 16:11:23.200000+00:00", "2024-12-31 16:11:23.200000+00:00"
    body = {"institutionLoginId": int(LOGIN), "authorizationStartDate": start, "authorizationEndDate": end}
    client.upstream.replies.extend(
        [Reply(200, body), Reply(404, {"code": "3003"}), Reply(404, {"code": "3004"}), Reply(404, {"code": "14001"})]
    )
    found = await client.vendor.authorization_details(LOGIN)
    assert found is not None
    assert (found.institution_login_id, found.ends_at) == (LOGIN, datetime(2024, 12, 31, 16, 11, 23, 200000, UTC))
    assert client.upstream.calls[0].path == f"/customers/institution-logins/{LOGIN}/authorization-details"
    assert await client.vendor.authorization_details(LOGIN) is None
    assert await client.vendor.authorization_details(LOGIN) is None
    with pytest.raises(GoneError):
        await client.vendor.authorization_details(LOGIN)


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "a?b", "a#b", "a b", "%2e", "x" * 65, "7\n"])
async def test_an_id_that_leads_elsewhere(client: Client, bad: str) -> None:
    """Nothing is sent to a path that an id made up."""
    with pytest.raises(InvalidRequestError, match="account: not an id"):
        await client.vendor.account(CUSTOMER, bad)
    assert client.upstream.seen == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "<html>canary</html>", "text/html"),
        Reply(200, "[]"),
        Reply(200, "{"),
        Reply(200, {"link": ""}),
        Reply(200, {"link": 5}),
        Reply(200, {"link": "canary:alert(1)"}),
        Reply(200, {"link": "https://connect2.example.com/?\r\nset-cookie: canary"}),
        Reply(204, b""),
    ],
)
async def test_a_good_answer_that_cannot_be_read(client: Client, reply: Reply) -> None:
    """A page of some proxy is not a link; it may be over later."""
    client.upstream.default = reply
    with pytest.raises(TryAgainError, match="not what the vendor's API describes") as told:
        await client.vendor.fix_url(FixRequest(CUSTOMER, LOGIN))
    assert "canary" not in str(told.value)
    assert (told.value.__cause__, told.value.__context__) == (None, None)


@pytest.mark.parametrize("lacking", ["id", "accountId", "type", "callbackUrl", "signingKey"])
async def test_a_subscription_that_could_not_be_checked(client: Client, lacking: str) -> None:
    """A record without one of its fields is refused: nobody could check what it sends."""
    record = {name: value for name, value in SUBSCRIPTIONS["subscriptions"][0].items() if name != lacking}
    client.upstream.default = Reply(201, {"subscriptions": [record]})
    with pytest.raises(TryAgainError, match="not what the vendor's API describes"):
        await client.vendor.subscribe(CUSTOMER, ACCOUNT, "https://hooks.example.com/t/txpush")


@pytest.mark.parametrize("body", [{}, {"subscriptions": []}, {"subscriptions": 5}, {"subscriptions": ["x"]}])
async def test_no_subscriptions(client: Client, body: dict[str, Any]) -> None:
    """A subscription that brings no keys is none."""
    client.upstream.default = Reply(201, body)
    with pytest.raises(TryAgainError):
        await client.vendor.subscribe(CUSTOMER, ACCOUNT, "https://hooks.example.com/t/txpush")


async def test_a_class_nobody_knows(client: Client) -> None:
    """Its notifications could not be told from others."""
    record = SUBSCRIPTIONS["subscriptions"][0] | {"type": "other"}
    client.upstream.default = Reply(201, {"subscriptions": [record]})
    with pytest.raises(TryAgainError):
        await client.vendor.subscribe(CUSTOMER, ACCOUNT, "https://hooks.example.com/t/txpush")


async def test_no_list_of_accounts(client: Client) -> None:
    """An answer without its list is not a customer without accounts."""
    client.upstream.default = Reply(200, {"accounts": None})
    with pytest.raises(TryAgainError):
        await client.vendor.customer_accounts(CUSTOMER)
