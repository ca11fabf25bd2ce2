"""Data Connect Full on the hosted page: banks chosen, accounts added, reconnected and removed."""

import pytest

from streams.sandbox.visitor import Visitor
from tests.component.sandbox.bench import BACK, Bench


async def opened(bench: Bench, customer: str) -> Visitor:
    """Open a Full link."""
    visitor = bench.visitor()
    await visitor.open(await bench.link(customer))
    return visitor


async def test_accounts_are_added(bench: Bench) -> None:
    """Bank, credentials, a choice of accounts: all of it is told, and the new ones stand without a code."""
    customer = bench.sandbox.add_customer()
    visitor = await opened(bench, customer)
    await visitor.press("choose", institution="102105")
    page = await visitor.press("sign_in", username="profile_03", password="profile_03")  # noqa: S106 - a test profile
    assert len(page.options["account"]) == len(page.checked["account"]) == 8
    await visitor.press("save", account=["0", "5"])
    page = await visitor.press("finish")
    assert str(page.left_to) == f"{BACK}&code=200&reason=complete"
    await bench.after(minutes=1)
    assert bench.listener.words() == ["ping", "started", "adding", "discovered", "added", "done"]
    payload = bench.listener.received[4].body["payload"]
    assert [one["type"] for one in payload["accounts"]] == ["checking", "ira"]
    assert all(one["lastUpdatedDate"] == 0 and "aggregationStatusCode" not in one for one in payload["accounts"])
    assert {one["institutionLoginId"] for one in payload["accounts"]} == {7_100_000_001}
    assert bench.codes() == [None, None]


async def test_at_least_one_account_is_chosen(bench: Bench) -> None:
    """The page asks again."""
    visitor = await opened(bench, bench.sandbox.add_customer())
    await visitor.press("choose", institution="102105")
    await visitor.press("sign_in", username="demo", password="go")  # noqa: S106 - a test profile
    assert (await visitor.press("save", account=[])).problem == "Please choose at least one account."
    assert bench.sandbox.truth() == []


@pytest.mark.parametrize(("username", "password"), [("invalid_user", "go"), ("demo", "wrong"), ("nobody", "go")])
async def test_bad_credentials(bench: Bench, username: str, password: str) -> None:
    """103 is told of as `invalidCredentials`; the right ones may follow."""
    visitor = await opened(bench, bench.sandbox.add_customer())
    await visitor.press("choose", institution="101732")
    assert (await visitor.press("sign_in", username=username, password=password)).problem
    page = await visitor.press("sign_in", username="demo", password="go")  # noqa: S106 - a test profile
    assert page.title == "Choose your accounts"
    await bench.sandbox.settle()
    assert bench.listener.words() == ["ping", "started", "adding", "invalidCredentials", "discovered"]


@pytest.mark.parametrize("code", [123, 125, 127, 128, 130])
async def test_passwords_that_fail_with_a_code(bench: Bench, code: int) -> None:
    """`demo` with a number fails with that number."""
    visitor = await opened(bench, bench.sandbox.add_customer())
    await visitor.press("choose", institution="102105")
    page = await visitor.press("sign_in", username="demo", password=str(code))
    assert page.title == "This cannot be done now"
    await bench.sandbox.settle()
    assert bench.listener.received[-1].body["payload"] == {"institutionId": "102105", "code": code}


async def test_a_bank_that_is_down(bench: Bench) -> None:
    """Nobody is asked for a password then."""
    bench.sandbox.set_institution("102105", trouble=102)
    visitor = await opened(bench, bench.sandbox.add_customer())
    assert (await visitor.press("choose", institution="102105")).title == "This cannot be done now"


async def test_a_wrong_answer_while_adding(bench: Bench) -> None:
    """The question stays; nothing has been added that could fail."""
    visitor = await opened(bench, bench.sandbox.add_customer())
    await visitor.press("choose", institution="102105")
    await visitor.press("sign_in", username="tfa_choice", password="go")  # noqa: S106 - a test profile
    assert (await visitor.press("answer", answer="fail")).problem
    assert (await visitor.press("answer", answer="Provo")).title == "Choose your accounts"


async def test_a_bank_with_oauth(bench: Bench) -> None:
    """An approval at the bank stands for the password."""
    bank = bench.sandbox.add_institution("Bank of Consent", oauth=True, consent_days=90)
    visitor = await opened(bench, bench.sandbox.add_customer())
    await visitor.press("choose", institution=bank.id)
    await visitor.press("approve")
    await visitor.press("save")
    await visitor.press("finish")
    await bench.after(days=1)
    assert bench.codes() == [0, 0, 0]


async def test_a_slow_user(bench: Bench) -> None:
    """`discovertimeout` gets there in the end."""
    visitor = await opened(bench, bench.sandbox.add_customer())
    await visitor.press("choose", institution="102105")
    page = await visitor.press("sign_in", username="discovertimeout", password="go")  # noqa: S106 - a test profile
    assert page.title == "Choose your accounts"


async def test_a_broken_login_is_reconnected_in_full(bench: Bench) -> None:
    """The vendor page: users can sometimes fix broken accounts inside of Data Connect Full."""
    customer, login = await bench.connected("tfa_text")
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    visitor = await opened(bench, customer)
    assert (await visitor.press("reconnect", login=login)).title == "One question from your bank"
    await visitor.press("answer", answer="Rover")
    await visitor.press("finish")
    await bench.after(seconds=2)
    assert bench.listener.words() == ["185", "ping", "started", "mfa", "credentialsUpdated", "done", "0"]


async def test_accounts_are_removed_in_full(bench: Bench) -> None:
    """One of two duplicates goes: the listener is told, and the other one is well again after the refresh."""
    customer, login = await bench.connected("demo")
    (first,) = bench.sandbox.accounts_of(login)
    second = bench.sandbox.duplicate(first)
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    bench.listener.received.clear()
    assert bench.codes() == [0, 169]
    visitor = await opened(bench, customer)
    await visitor.press("remove", account=[first])
    await bench.after(seconds=2)
    assert bench.listener.words() == ["ping", "started", "accountsDeleted", "deleted"]
    assert bench.listener.received[2].body["payload"] == {"accounts": [first], "institutionId": "102105"}
    assert [(truth.account_id, truth.code) for truth in bench.sandbox.truth()] == [(second, 0)]


async def test_nobody_reaches_anothers_login(bench: Bench) -> None:
    """A forged form neither repairs nor removes what is not the visitor's, nor goes to a bank that is none."""
    _, login = await bench.connected("tfa_text")
    bench.sandbox.refresh(login)
    visitor = await opened(bench, bench.sandbox.add_customer())
    page = await visitor.press("choose", institution="1")
    assert (page.title, page.problem) == ("Connect your bank", "Please choose a bank.")
    for form in (f"action=reconnect&login={login}", f"action=remove&account={bench.sandbox.accounts_of(login)[0]}"):
        await bench.api.post(page.url, content=form)
    assert bench.codes() == [185]
    assert (await bench.api.get(page.url)).text.count("<h1>Connect your bank</h1>") == 1
