"""The vendor page's own recipe, "How to Test Data Connect Fix", against the sandbox."""

from tests.component.sandbox.bench import BACK, Bench


async def test_the_seven_steps(bench: Bench) -> None:
    """Connect a tfa profile, refresh it to 185, repair it over the page, and find it at 0."""
    customer = bench.sandbox.add_customer()
    visitor = bench.visitor()
    await visitor.open(await bench.link(customer))
    await visitor.press("choose", institution="102105")
    await visitor.press("sign_in", username="tfa_multi", password="go")  # noqa: S106 - a test profile
    await visitor.press("answer", answer="boat")
    await visitor.press("save", account=["0"])
    page = await visitor.press("finish")
    assert str(page.left_to) == f"{BACK}&code=200&reason=complete"
    accounts = f"/aggregation/v1/customers/{customer}/accounts"
    assert "aggregationStatusCode" not in (await bench.get(accounts))["accounts"][0]

    (failed,) = (await bench.api.post(accounts)).json()["accounts"]
    assert failed["aggregationStatusCode"] == 185

    await visitor.open(await bench.link(customer, str(failed["institutionLoginId"])))
    await visitor.press("answer", answer="tree")
    page = await visitor.press("finish")
    assert str(page.left_to) == f"{BACK}&code=200&reason=complete"
    await bench.after(seconds=2)
    (healed,) = (await bench.get(accounts))["accounts"]
    assert healed["aggregationStatusCode"] == 0
    assert healed["aggregationSuccessDate"] == healed["aggregationAttemptDate"]


async def test_what_the_listener_hears_of_it(bench: Bench) -> None:
    """Pings before each link, the events of both visits in order, and code 0 after `done`."""
    customer, login = await bench.connected()
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    visitor = bench.visitor()
    await visitor.open(await bench.link(customer, login))
    await visitor.press("answer", answer="tree")
    await visitor.press("finish")
    await bench.after(seconds=2)
    assert bench.listener.words() == ["185", "ping", "started", "mfa", "credentialsUpdated", "done", "0"]
