"""Data Connect Fix on the hosted page: every code that it repairs, and how a visit can end."""

import pytest

from tests.component.sandbox.bench import BACK, Bench
from tests.component.sandbox.hosted.opening import GO, failing, finished, opened


@pytest.mark.parametrize(
    ("username", "password", "answer"),
    [
        ("tfa_text", GO, "Rover"),
        ("tfa_image", GO, "anything"),
        ("tfa_choice", GO, "Denver"),
        ("tfa_multi", GO, "kite"),
        ("demo", "imagechoice", "tree"),
        ("demo", "imagechoice2", "boat"),
    ],
)
async def test_every_profile_with_a_question(bench: Bench, username: str, password: str, answer: str) -> None:
    """185, one answer, and 0."""
    customer, login = await failing(bench, username, password=password)
    visitor, page = await opened(bench, customer, login)
    assert (page.title, bench.codes()) == ("One question from your bank", [185])
    await visitor.press("answer", answer=answer)
    assert await finished(bench, visitor) == ["ping", "started", "mfa", "credentialsUpdated", "done", "0"]


async def test_an_answer_that_brings_another_question(bench: Bench) -> None:
    """`tfa_text` asks again after `mfa`, and counts no mistake."""
    customer, login = await failing(bench, "tfa_text")
    visitor, _ = await opened(bench, customer, login)
    page = await visitor.press("answer", answer="mfa")
    assert (page.title, page.problem) == ("One question from your bank", "")
    assert "(question 2)" in (await bench.api.get(page.url)).text
    assert (await visitor.press("answer", answer="Rover")).title == "That worked"


async def test_a_wrong_answer_is_187(bench: Bench) -> None:
    """`tfa_choice` takes `fail` for wrong; the right answer after it still repairs."""
    customer, login = await failing(bench, "tfa_choice")
    visitor, _ = await opened(bench, customer, login)
    page = await visitor.press("answer", answer="fail")
    assert page.problem == "The bank does not take this answer. Tries left: 4."
    assert bench.codes() == [187]
    await visitor.press("answer", answer="Denver")
    heard = await finished(bench, visitor)
    assert heard == ["ping", "started", "mfa", "187", "credentialsUpdated", "done", "0"]


async def test_no_answer_is_no_mistake(bench: Bench) -> None:
    """The page asks for one."""
    customer, login = await failing(bench, "tfa_text")
    visitor, _ = await opened(bench, customer, login)
    assert (await visitor.press("answer", answer=" ")).problem == "Please answer the question."
    assert bench.codes() == [185]


@pytest.mark.parametrize("code", [103, 108, 946, 947])
async def test_credentials_repair(bench: Bench, code: int) -> None:
    """The user name and password that the bank takes clear the code."""
    customer, login = await failing(bench, "demo", code)
    visitor, page = await opened(bench, customer, login)
    assert page.title == "Sign in to FinBank Profiles - A"
    await visitor.press("sign_in", username="demo", password=GO)
    assert await finished(bench, visitor) == ["ping", "started", "credentialsUpdated", "done", "0"]


async def test_credentials_and_then_a_question(bench: Bench) -> None:
    """A bank that does not know the device asks after signing in, too."""
    customer, login = await failing(bench, "tfa_text", 103)
    visitor, _ = await opened(bench, customer, login)
    assert (await visitor.press("sign_in", username="tfa_text", password=GO)).title == "One question from your bank"
    await visitor.press("answer", answer="Rover")
    assert await finished(bench, visitor) == ["ping", "started", "mfa", "credentialsUpdated", "done", "0"]


async def test_an_expired_password_needs_a_new_one(bench: Bench) -> None:
    """109: the old password is refused, any other becomes the bank's."""
    customer, login = await failing(bench, "demo", 109)
    visitor, _ = await opened(bench, customer, login)
    assert (await visitor.press("sign_in", username="demo", password=GO)).problem
    await visitor.press("sign_in", username="demo", password="new")  # noqa: S106 - a test profile
    assert await finished(bench, visitor) == [
        "ping",
        "started",
        "invalidCredentials",
        "credentialsUpdated",
        "done",
        "0",
    ]


async def test_a_password_changed_at_the_bank(bench: Bench) -> None:
    """The bank's password repairs, the stored one does not."""
    customer, login = await bench.connected("demo")
    bench.sandbox.set_login(login, bank_password="new")  # noqa: S106 - a test profile
    bench.sandbox.refresh(login)
    visitor, _ = await opened(bench, customer, login)
    assert (await visitor.press("sign_in", username="demo", password=GO)).problem
    assert (await visitor.press("sign_in", username="demo", password="new")).title == "That worked"  # noqa: S106


async def test_a_code_that_is_only_still_written_there(bench: Bench) -> None:
    """The bank would take the login again, but the batch leaves the account alone: a Fix brings it back."""
    customer, login = await failing(bench, "demo", 103)
    bench.sandbox.set_login(login, trouble=None)
    visitor, page = await opened(bench, customer, login)
    assert page.title == "Sign in to FinBank Profiles - A"
    await visitor.press("sign_in", username="demo", password=GO)
    assert (await finished(bench, visitor))[-1] == "0"


async def test_one_closed_account_is_replaced_by_the_right_one(bench: Bench) -> None:
    """946 on one account of a login that works: signing in to the right account clears it."""
    customer, login = await bench.connected("demo")
    bench.sandbox.set_account(bench.sandbox.accounts_of(login)[0], trouble=946)
    bench.sandbox.refresh(login)
    visitor, _ = await opened(bench, customer, login)
    assert (await visitor.press("sign_in", username="nobody", password=GO)).problem
    await visitor.press("sign_in", username="demo", password=GO)
    assert (await finished(bench, visitor))[-1] == "0"


async def test_five_wrong_passwords_end_the_visit(bench: Bench) -> None:
    """Each is told of; the fifth sends the customer back with an error, and nothing is repaired."""
    customer, login = await failing(bench, "demo", 103)
    visitor, _ = await opened(bench, customer, login)
    for left in (4, 3, 2, 1):
        page = await visitor.press("sign_in", username="demo", password="wrong")  # noqa: S106 - a test profile
        assert page.problem.endswith(f"Tries left: {left}.")
    page = await visitor.press("sign_in", username="demo", password="wrong")  # noqa: S106 - a test profile
    assert str(page.left_to) == f"{BACK}&code=500&reason=error"
    await bench.after(days=1)
    assert bench.listener.words() == ["ping", "started", *["invalidCredentials"] * 5]


@pytest.mark.parametrize("code", [945, 948])
async def test_oauth_repairs_with_an_approval(bench: Bench, code: int) -> None:
    """After a migration the bank's own page is shown; the event is `added`, with the accounts under their old ids."""
    customer, login = await bench.connected("demo")
    bench.sandbox.migrate("102105", consent_days=90)
    bench.sandbox.set_login(login, trouble=code)
    await bench.sandbox.settle()
    bench.listener.received.clear()
    visitor, page = await opened(bench, customer, login)
    assert page.title == "Agree at FinBank Profiles - A (OAuth)"
    await visitor.press("approve")
    assert await finished(bench, visitor) == ["ping", "started", "added", "done", "0"]
    payload = bench.listener.received[2].body["payload"]
    assert (payload["oauth"], payload["accounts"][0]["id"]) == (True, bench.sandbox.accounts_of(login)[0])
    details = await bench.api.get(f"/customers/institution-logins/{login}/authorization-details")
    assert details.status_code == 200


async def test_a_healthy_login_needs_nothing(bench: Bench) -> None:
    """Back with error 201, and no `done`."""
    customer, login = await bench.connected("demo")
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    visitor, page = await opened(bench, customer, login)
    assert page.title == "Nothing to do"
    assert str((await visitor.press("exit")).left_to) == f"{BACK}&code=201&reason=error"
    await bench.sandbox.settle()
    assert bench.listener.words() == ["0", "ping", "started"]


@pytest.mark.parametrize("code", [102, 169, 906, 949])
async def test_what_a_fix_cannot_repair(bench: Bench, code: int) -> None:
    """The page says so, the listener hears `unableToConnect` with the code."""
    customer, login = await failing(bench, "demo", code)
    visitor, page = await opened(bench, customer, login)
    assert page.title == "This cannot be done now"
    await visitor.press("exit")
    await bench.sandbox.settle()
    assert bench.listener.words() == ["ping", "started", "unableToConnect"]
    assert bench.listener.received[-1].body["payload"] == {"institutionId": "102105", "code": code}


async def test_the_customer_may_leave(bench: Bench) -> None:
    """Back with code 100 and without `done`; the visit is over."""
    customer, login = await failing(bench, "tfa_text")
    visitor, page = await opened(bench, customer, login)
    assert str((await visitor.press("exit")).left_to) == f"{BACK}&code=100&reason=exit"
    assert (await bench.api.get(page.url)).status_code == 410
    assert (await bench.api.post(page.url)).status_code == 410
    await bench.after(hours=1)
    assert bench.listener.words() == ["ping", "started", "mfa"]


async def test_a_visit_that_is_not_finished_is_refreshed_all_the_same(bench: Bench) -> None:
    """A window closed too early costs `done`, not the repair."""
    customer, login = await failing(bench, "tfa_text")
    visitor, _ = await opened(bench, customer, login)
    await visitor.press("answer", answer="Rover")
    await bench.after(hours=1)
    assert bench.listener.words() == ["ping", "started", "mfa", "credentialsUpdated", "0"]
