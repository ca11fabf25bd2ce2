"""An account that moves to another login of its customer, as it does where somebody connects anew."""

import httpx

from tests.component.sandbox.bench import Bench


async def moved(bench: Bench, account: str, login: str) -> httpx.Response:
    """Ask the control to move an account."""
    async with httpx.AsyncClient(transport=bench.api._transport, base_url="http://sandbox/sandbox") as bare:
        return await bare.post(f"/accounts/{account}/move", json={"login": login})


async def test_an_account_moves(bench: Bench) -> None:
    """It stands under the new login with its code, its subscriber hears of it, and the old login is stale."""
    customer, login = await bench.connected("demo")
    (account,) = bench.sandbox.accounts_of(login)
    present = bench.sandbox.add_login(customer, "101732", "demo", "go", [])
    bench.sandbox.refresh(login)
    assert (await moved(bench, account, present.id)).status_code == 204
    (truth,) = bench.sandbox.truth()
    assert (truth.institution_login_id, truth.institution_id, truth.code) == (present.id, "101732", 0)
    await bench.sandbox.settle()
    (record,) = bench.listener.received[-1].body["event"]["records"]
    assert (record["id"], str(record["institutionLoginId"])) == (account, present.id)
    await bench.authenticate()
    answer = await bench.api.get(f"/aggregation/v1/customers/{customer}/institutionLogins/{login}/accounts")
    assert (answer.status_code, str(answer.json()["code"])) == (404, "38007")


async def test_where_it_cannot_go(bench: Bench) -> None:
    """Not to a login that is not there, or that is another customer's; there has to be such an account."""
    _, login = await bench.connected("demo")
    _, another = await bench.connected("demo")
    (account,) = bench.sandbox.accounts_of(login)
    answers = [await moved(bench, *one) for one in ((account, "1"), (account, another), ("1", login))]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert bench.sandbox.accounts_of(login) == [account]
