"""The cluster is gone, but there is a whole export of it: another one goes on as if nothing had been."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from streams.fold.chain import first_link
from streams.history import Place
from streams.history.cluster import ClusterOrigin
from streams.kafka import applied
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.identity import log_identity
from streams.kafka.topics import AUDIT, EMBEDDED, EVENTS, SIGNALS
from tests.integration.whole.lost import BAD_PASSWORD, fails, folder, heals, origin, well_customer
from tests.integration.whole.stack import at_vendor, flow_of, running
from tests.processes import CLI, run, settings_for

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(900)]

SECONDS = 180.0


async def test_a_restored_cluster_goes_on(tmp_path: Path) -> None:
    """Nothing is sent again or lost; open commands go on by their ids, old links open, and the chains go on."""
    export = str(tmp_path / "export")
    async with at_vendor() as vendor:
        with EmbeddedKafka() as lost:
            async with running(lost, folder(tmp_path / "lost"), vendor=vendor) as whole, flow_of(whole) as flow:
                failing, well = await well_customer(flow), await well_customer(flow)
                fails(flow, failing)
                before = await whole.told(failing, "issue")
            await _txpush(lost, "export", export, "--whole", "--secrets")
            logs = {log: await log_identity(lost.bootstrap, log) for log in (EVENTS, SIGNALS)}
        with EmbeddedKafka() as new:
            await applied.apply(new.bootstrap, EMBEDDED)
            await _txpush(new, "import", export)
            async with running(new, folder(tmp_path / "new"), vendor=vendor) as whole, flow_of(whole) as flow:
                await whole.txpush("subscribe", "--all", "--renew")  # the bridge has another address
                assert await whole.told(failing, "issue") == before
                assert whole.codes(failing) == {BAD_PASSWORD}
                assert whole.codes(well) == {0}
                link = before["fix_url"].replace(origin(before), whole.settings["TXPUSH_LINK_URL"])
                assert await flow.person.open(link) == "Reconnect your bank account"
                fails(flow, well)
                command = await whole.told(well, "issue")
                assert await flow.person.open(command["fix_url"]) == "Reconnect your bank account"
                heals(flow, failing)
                after = await whole.told(failing, "issue", "withdraw")
                assert (after["command_id"], after["sequence"]) == (before["command_id"], 1)
                assert whole.letters == []
            await _require_chains(new, logs)


async def _require_chains(new: EmbeddedKafka, logs: dict[str, str]) -> None:
    """Walk the chain of each partition from the name that it began with, across the restore."""
    links = 0
    async with ClusterOrigin(new.bootstrap).open() as history:
        for place, span in (await history.spans([AUDIT])).items():
            heads = {log: first_link(identity, place.partition) for log, identity in logs.items()}
            async for records in history.read(Place(AUDIT, place.partition), span):
                for record in records:
                    value = record.value or b""
                    decision = json.loads(value)
                    assert decision["previous"] == heads[decision["topic"]], (place, record.offset)
                    heads[decision["topic"]] = hashlib.sha256(value).hexdigest()
                    links += 1
    assert links > 10


async def _txpush(kafka: EmbeddedKafka, *words: str) -> None:
    done = await asyncio.to_thread(run, (*CLI, *words), settings_for(kafka.bootstrap), SECONDS)
    assert done.returncode == 0, done.stderr + done.stdout
