"""The cluster is gone for good, with all of its data: what is left is the vendor's, and a list of customers."""

from pathlib import Path

import pytest

from streams.kafka.embedded import EmbeddedKafka
from tests.integration.whole.canaries import OPENINGS
from tests.integration.whole.recipe import FINBANK, Command
from tests.integration.whole.stack import Flow, at_vendor, flow_of, running
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(900)]

BAD_PASSWORD = 103


async def test_a_new_cluster_takes_over(tmp_path: Path) -> None:
    """Steps of deploy/README.md, "Disasters": topics, a first sweep, new subscriptions.

    Who fails is known and has his command again, whose old link works; who was well is heard of when he fails, by a
    key that is new.
    """
    async with at_vendor() as vendor:
        with EmbeddedKafka() as lost:
            async with running(lost, _folder(tmp_path / "lost"), vendor=vendor) as whole, flow_of(whole) as flow:
                failing, well = await _customer(flow), await _customer(flow)
                _fails(flow, failing)
                before = await whole.told(failing, "issue")
        with EmbeddedKafka() as new:
            folder = _folder(tmp_path / "new")
            async with running(new, folder, vendor=vendor) as whole, flow_of(whole) as flow:
                (folder / "all.txt").write_text(f"{failing}\n{well}\n")
                await whole.txpush(
                    "sweep", "--customers", str(folder / "all.txt"), "--state", str(folder / "first.json")
                )
                await until(lambda: whole.codes(failing) == {BAD_PASSWORD} and whole.codes(well) == {0})
                await whole.txpush("subscribe", "--all", "--renew")
                again = await whole.told(failing, "issue")
                assert whole.actions(well) == []
                assert again["command_id"] == before["command_id"]
                link = before["fix_url"].replace(_origin(before), whole.settings["TXPUSH_LINK_URL"])
                assert await flow.person.open(link) == "Reconnect your bank account"
                assert await flow.person.press() == "Sign in to FinBank"
                _fails(flow, well)
                command = await whole.told(well, "issue")
                assert await flow.person.open(command["fix_url"]) == "Reconnect your bank account"


def _origin(command: Command) -> str:
    """Give where a command's link leads: the executor of before, which is gone with its port."""
    return str(command["fix_url"]).partition("/fix/")[0]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


async def _customer(flow: Flow) -> str:
    """Give a customer with a login that works and is subscribed to."""
    customer, sandbox = await flow.api.enrol(), flow.whole.sandbox
    login = sandbox.add_login(customer, FINBANK, "demo", "go", OPENINGS)
    await flow.whole.txpush("subscribe", customer, *sandbox.accounts_of(login.id))
    sandbox.refresh(login.id)
    await until(lambda: flow.whole.codes(customer) == {0})
    return customer


def _fails(flow: Flow, customer: str) -> None:
    """Have the bank refuse the customer's password from now on."""
    sandbox = flow.whole.sandbox
    (login,) = {one.institution_login_id for one in sandbox.truth() if one.customer_id == customer}
    sandbox.set_login(login, trouble=BAD_PASSWORD)
    sandbox.refresh(login)
