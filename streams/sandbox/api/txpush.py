"""TxPUSH: subscriptions with the verification of their listener, and test transactions."""

import asyncio

import httpx
from starlette.requests import Request
from starlette.responses import Response

from streams.ports import is_this_machine
from streams.sandbox.api.front import answer, done, json_object, text_of
from streams.sandbox.books import errors
from streams.sandbox.books.model import Account
from streams.sandbox.books.records import epoch, subscription_record
from streams.sandbox.delivery.outbox import AGENT
from streams.sandbox.parts import Parts

PARAMETER = "txpush_verification_code"
CODE_LENGTH = 32
PORTS = (None, 80, 443)
MAX_URL = 2048
_STATES = ("active", "pending")


class TxPush:
    """Handlers of the TxPUSH operations."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._world = parts.world
        self._clock = parts.clock
        self._verified = 0

    async def subscribe(self, request: Request) -> Response:
        """SubscribeToTxPushNotifications: the listener is asked for its code before the answer."""
        account = self._account(request)
        url = text_of(await json_object(request), "callbackUrl")
        self._check(url, account)
        await self._verify(url)
        wants_xml = "application/json" not in request.headers.get("accept", "")
        made = self._world.subscribe(account, url, wants_xml=wants_xml)
        return answer({"subscriptions": [subscription_record(one) for one in made]}, 201)

    async def disable(self, request: Request) -> Response:
        """DisableTxPushNotifications."""
        if self._world.unsubscribe(self._account(request).id) == 0:
            raise errors.Refusal(404, "60007", "No active subscription found for the given account.")
        return done()

    async def delete(self, request: Request) -> Response:
        """DeleteTxPushSubscription."""
        customer = self._world.customer(request.path_params["customerId"])
        number = request.path_params["subscriptionId"]
        ours = [self._world.subscriptions.get(one.id, []) for one in self._world.of_customer(customer.id)]
        known = [one for of_account in ours for one in of_account if str(one.id) == number]
        if not known:
            raise errors.Refusal(404, "60013", "No active subscription found for a given customer.")
        self._world.unsubscribe(known[0].account_id, known[0].id)
        return done()

    async def transaction(self, request: Request) -> Response:
        """CreateTxPushTestTransaction: one transaction event and one account event, the balance having changed."""
        account = self._account(request)
        if not self._world.customer(account.customer_id).is_testing:
            raise errors.invalid("Test transactions are for testing accounts only")
        body = await json_object(request)
        amount, dated = _number(body, "amount"), int(_number(body, "transactionDate"))
        description, state = text_of(body, "description"), body.get("status", "active")
        if state not in _STATES:
            raise errors.invalid('"status" must be active or pending')
        at = self._clock.now()
        record = {
            "id": self._world.ids.take("transaction"),
            "amount": amount,
            "accountId": int(account.id),
            "customerId": int(account.customer_id),
            "status": state,
            "description": description,
            "postedDate": int(_number({"postedDate": dated, **body}, "postedDate")),
            "transactionDate": dated,
            "createdDate": epoch(at),
        }
        self._parts.outbox.notify(self._world.subscribers(account.id, "transaction"), "created", record, at)
        account.balance = round(account.balance + amount, 2)
        account.updated_at = at
        self._world.hear(account, "modified", at)
        return answer({"id": record["id"], "createdDate": record["createdDate"]}, 201)

    def _account(self, request: Request) -> Account:
        return self._world.account(request.path_params["customerId"], request.path_params["accountId"])

    def _check(self, url: str, account: Account) -> None:
        """Refuse an address that the vendor would not call (domain 1.3)."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            raise errors.invalid('"callbackUrl" is no URL') from None
        schemes = ("http", "https") if self._world.customer(account.customer_id).is_testing else ("https",)
        if parsed.scheme not in schemes or not parsed.host or len(url) > MAX_URL:
            raise errors.invalid(f'"callbackUrl" must be a URL with {" or ".join(schemes)}')
        if parsed.port not in PORTS and not self._parts.settings.any_port and not is_this_machine(parsed.host):
            raise errors.invalid('"callbackUrl" must have port 80 or 443')

    async def _verify(self, url: str) -> None:
        """Ask the listener to echo a code (domain 1.4)."""
        self._verified += 1
        code = self._parts.seed.text(CODE_LENGTH, "verification", self._verified)
        address = httpx.URL(url).copy_add_param(PARAMETER, code)
        try:
            async with asyncio.timeout(self._parts.settings.webhook_seconds):
                reply = await self._parts.client().get(address, headers={"user-agent": AGENT})
        except (httpx.HTTPError, TimeoutError):
            raise errors.invalid("The listener did not answer the verification request") from None
        plain = reply.headers.get("content-type", "").partition(";")[0].strip() == "text/plain"
        if reply.status_code != httpx.codes.OK or not plain or reply.text != code:
            raise errors.invalid("The listener did not answer the verification request with its code as text/plain")


def _number(body: dict[str, object], name: str) -> float:
    value = body.get(name)
    if value is None:
        raise errors.missing(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.invalid(f'"{name}" must be a number')
    return value
