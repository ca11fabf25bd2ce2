"""Nights: who is aggregated, what stops it, and why 185 comes back."""

from datetime import timedelta

import pytest

from schemas.catalogue import Catalogue
from tests.component.sandbox.bench import Bench

STOPPING = [entry.code for entry in Catalogue.load().entries if entry.stops_batch]


async def repair(bench: Bench, customer: str, login: str, answer: str = "tree") -> None:
    """Answer the challenge on the hosted page, and wait for the refresh."""
    visitor = bench.visitor()
    await visitor.open(await bench.link(customer, login))
    await visitor.press("answer", answer=answer)
    await visitor.press("finish")
    await bench.after(seconds=2)


async def test_the_batch_runs_every_night_at_its_hour(bench: Bench) -> None:
    """A jump of three days runs three nights, each attempt at its own hour."""
    await bench.connected("demo")
    await bench.after(days=3)
    assert bench.listener.words() == ["0", "0", "0"]
    records = [one.body["event"]["records"][0] for one in bench.listener.received]
    night = int(bench.clock.now().replace(hour=8).timestamp())
    assert [one["aggregationAttemptDate"] for one in records] == [night - 2 * 86_400, night - 86_400, night]
    assert len({one["balance"] for one in records}) == 3


@pytest.mark.parametrize("code", STOPPING)
async def test_a_code_that_stops_the_batch_brings_nothing_more(bench: Bench, code: int) -> None:
    """All 26 codes of the page: the account is left alone from then on, though the bank would take it again."""
    _, login = await bench.connected("demo")
    bench.sandbox.set_login(login, trouble=code)
    await bench.after(days=1)
    assert bench.codes() == [code]
    bench.sandbox.set_login(login, trouble=None)
    await bench.after(days=5)
    assert bench.codes() == [code]
    assert bench.listener.words() == [str(code)]


def test_the_page_lists_twenty_six() -> None:
    """So many codes stop the batch."""
    assert len(STOPPING) == 26


async def test_a_code_off_the_list_is_tried_again(bench: Bench) -> None:
    """A bank in maintenance is back the night after."""
    await bench.connected("demo")
    bench.sandbox.set_institution("102105", trouble=102)
    await bench.after(days=2)
    bench.sandbox.set_institution("102105", trouble=None)
    await bench.after(days=1)
    assert bench.listener.words() == ["102", "0"]


async def test_185_returns_when_the_bank_forgets_the_device(bench: Bench) -> None:
    """After a repair FinBank knows the device for 60 days, and then asks again."""
    customer, login = await bench.connected()
    bench.sandbox.refresh(login)
    await repair(bench, customer, login)
    await bench.after(days=59)
    assert bench.codes() == [0]
    await bench.after(days=2)
    assert bench.codes() == [185]


async def test_a_bank_with_passcodes_asks_at_every_connection(bench: Bench) -> None:
    """The night after each repair it is 185 again, whoever the user is."""
    bank = bench.sandbox.add_institution("Bank of Codes", otp=True)
    customer, login = await bench.connected("demo", bank=bank.id)
    heard = []
    for _ in range(2):
        await bench.after(days=1)
        assert bench.codes() == [185]
        await repair(bench, customer, login, answer="123456")
        assert bench.codes() == [0]
        heard = bench.listener.words()
    assert heard.count("185") == heard.count("0") == heard.count("done") == 2


async def test_a_bank_that_knows_the_first_device(bench: Bench) -> None:
    """Banks other than FinBank pass the night after connecting, until they forget the device."""
    bank = bench.sandbox.add_institution("Bank of Weeks", challenges=True, device_days=14)
    await bench.connected("demo", bank=bank.id)
    await bench.after(days=14)
    assert bench.codes() == [0]
    await bench.after(days=1)
    assert bench.codes() == [185]


async def test_a_changed_password_gives_103(bench: Bench) -> None:
    """The bank no longer takes what the vendor has stored."""
    _, login = await bench.connected("demo")
    bench.sandbox.set_login(login, bank_password="new")  # noqa: S106 - a test profile
    await bench.after(days=1)
    assert bench.codes() == [103]


async def test_a_device_forgotten_on_request(bench: Bench) -> None:
    """A control lets the bank forget it before its time."""
    customer, login = await bench.connected()
    bench.sandbox.refresh(login)
    await repair(bench, customer, login)
    bench.sandbox.set_login(login, device_until=bench.clock.now() - timedelta(days=1))
    await bench.after(days=1)
    assert bench.codes() == [185]


async def test_a_duplicate_is_169_while_both_are_there(bench: Bench) -> None:
    """The second one only, also at a bank that asks; when the first is deleted a refresh gives 0."""
    _, login = await bench.connected("demo")
    (first,) = bench.sandbox.accounts_of(login)
    second = bench.sandbox.duplicate(first)
    numbers = {account.number for account in bench.sandbox.world.accounts.values()}
    assert len(numbers) == 1
    await bench.after(days=2)
    assert bench.codes() == [0, 169]
    bench.sandbox.delete_account(first)
    bench.sandbox.refresh(login)
    assert [(truth.account_id, truth.code) for truth in bench.sandbox.truth()] == [(second, 0)]


async def test_one_account_in_trouble_leaves_the_others(bench: Bench) -> None:
    """A closed account is 946, the rest of the login goes on."""
    customer = bench.sandbox.add_customer()
    login = bench.sandbox.add_login(customer, "102105", "demo", "go").id
    bench.sandbox.set_account(bench.sandbox.accounts_of(login)[1], trouble=946)
    await bench.after(days=1)
    assert bench.codes() == [0, 946, 0]


async def test_a_bank_that_moves_to_oauth(bench: Bench) -> None:
    """All its accounts at once: 948, another institution id, the same login; the batch leaves them alone."""
    _, login = await bench.connected("demo")
    await bench.connected("tfa_text")
    await bench.connected("demo", bank="101732")
    twin = bench.sandbox.migrate("102105")
    await bench.after(days=2)
    truths = bench.sandbox.truth()
    assert [(truth.code, truth.institution_id) for truth in truths] == [(948, twin.id), (948, twin.id), (0, "101732")]
    assert truths[0].institution_login_id == login
    assert bench.listener.words() == ["948", "948", "0", "0"]


async def test_a_batch_on_request(bench: Bench) -> None:
    """The night can be had at noon."""
    await bench.connected("demo")
    bench.sandbox.run_batch()
    assert bench.codes() == [0]
