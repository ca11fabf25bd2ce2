"""The cluster is gone for good, with all of its data: what is left is the vendor's, and a list of customers."""

from pathlib import Path

import pytest

from streams.kafka.embedded import EmbeddedKafka
from tests.integration.whole.lost import BAD_PASSWORD, fails, folder, origin, well_customer
from tests.integration.whole.stack import at_vendor, flow_of, running
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(900)]


async def test_a_new_cluster_takes_over(tmp_path: Path) -> None:
    """Steps of deploy/README.md, "Disasters": topics, a first sweep, new subscriptions.

    Who fails is known and has his command again, whose old link works; who was well is heard of when he fails, by a
    key that is new.
    """
    async with at_vendor() as vendor:
        with EmbeddedKafka() as lost:
            async with running(lost, folder(tmp_path / "lost"), vendor=vendor) as whole, flow_of(whole) as flow:
                failing, well = await well_customer(flow), await well_customer(flow)
                fails(flow, failing)
                before = await whole.told(failing, "issue")
        with EmbeddedKafka() as new:
            new_folder = folder(tmp_path / "new")
            async with running(new, new_folder, vendor=vendor) as whole, flow_of(whole) as flow:
                (new_folder / "all.txt").write_text(f"{failing}\n{well}\n")
                await whole.txpush(
                    "sweep", "--customers", str(new_folder / "all.txt"), "--state", str(new_folder / "first.json")
                )
                await until(lambda: whole.codes(failing) == {BAD_PASSWORD} and whole.codes(well) == {0})
                await whole.txpush("subscribe", "--all", "--renew")
                again = await whole.told(failing, "issue")
                assert whole.actions(well) == []
                assert again["command_id"] == before["command_id"]
                link = before["fix_url"].replace(origin(before), whole.settings["TXPUSH_LINK_URL"])
                assert await flow.person.open(link) == "Reconnect your bank account"
                assert await flow.person.press() == "Sign in to FinBank"
                fails(flow, well)
                command = await whole.told(well, "issue")
                assert await flow.person.open(command["fix_url"]) == "Reconnect your bank account"
