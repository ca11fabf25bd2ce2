"""The partner's app, as far as the story needs one: it enrols customers, lets them connect a bank, and refreshes."""

from typing import Any

import httpx

from streams.demo.stage.processes import DemoError

PARTNER_ID = "demo-partner"
SECRET = "demo-partner-secret-1"  # noqa: S105 - no secret: the sandbox is on this machine only
APP_KEY = "demo-app-key"


class Partner:
    """Calls the vendor's API, and the controls that only a sandbox has. Every call raises DemoError when refused."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def enrol(self, username: str) -> str:
        """Enrol a customer; gives the id."""
        return str((await self._call("POST", "/aggregation/v2/customers/testing", {"username": username}))["id"])

    async def connect_link(self, customer: str, webhook: str) -> str:
        """Make a link to the page on which the customer connects a bank; its events go to `webhook`."""
        body = {"partnerId": PARTNER_ID, "customerId": customer, "webhook": webhook}
        return str((await self._call("POST", "/connect/v2/generate", body))["link"])

    async def refresh(self, customer: str) -> list[dict[str, Any]]:
        """Refresh the customer's accounts, as a customer who is present asks for; gives their records."""
        return list((await self._call("POST", f"/aggregation/v1/customers/{customer}/accounts"))["accounts"])

    async def accounts(self, customer: str) -> list[dict[str, Any]]:
        """Read the customer's accounts; gives their records."""
        return list((await self._call("GET", f"/aggregation/v1/customers/{customer}/accounts"))["accounts"])

    # -- what only a sandbox can be asked for

    async def add_bank(self, name: str) -> str:
        """Make up a bank; gives the id."""
        return str((await self._control("POST", "/institutions", {"name": name}))["institutionId"])

    async def set_device_days(self, bank: str, days: float) -> None:
        """Say how long a bank knows a device after a challenge was answered."""
        await self._control("PATCH", f"/institutions/{bank}", {"device_days": days})

    async def add_login(self, customer: str, bank: str, accounts: list[dict[str, Any]]) -> list[str]:
        """Connect a bank without its page; gives the ids of the accounts."""
        body = {"institution_id": bank, "username": "demo", "password": "go", "accounts": accounts}
        return list((await self._control("POST", f"/customers/{customer}/logins", body))["accountIds"])

    async def set_trouble(self, account: str, code: int) -> None:
        """Have every connection give a code for an account from now on; 0 for none."""
        await self._control("PATCH", f"/accounts/{account}", {"trouble": code or None})

    async def set_fault(self, name: str, **fields: Any) -> None:  # noqa: ANN401 - fields of a fault by name
        """Ask for a fault of the next webhooks to the TxPUSH listener."""
        await self._control("PUT", f"/faults/{name}", {"path": "/txpush", **fields})

    async def codes(self, customer: str) -> dict[str, int | None]:
        """Give the codes of the customer's accounts as the sandbox knows them."""
        truth = (await self._control("GET", "/truth"))["accounts"]
        return {one["account_id"]: one["code"] for one in truth if one["customer_id"] == customer}

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Call the API with a new token: one lives two hours, which are seconds here."""
        key = {"finicity-app-key": APP_KEY, "accept": "application/json"}
        pair = {"partnerId": PARTNER_ID, "partnerSecret": SECRET}
        token = await self._ask("POST", "/aggregation/v2/partners/authentication", pair, key)
        return await self._ask(method, path, body, {**key, "finicity-app-token": token["token"]})

    async def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        return await self._ask(method, f"/sandbox{path}", body, {})

    async def _ask(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        answer = await self._client.request(method, self._url + path, json=body or {}, headers=headers)
        if not answer.is_success:
            raise DemoError(f"The sandbox answered {answer.status_code} to {method} {path}.", answer.text)
        return answer.json() if answer.content else None
