"""Dashboards and rules on a real Prometheus that scrapes the whole set, while customers repair their links."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import promql_parser as promql
import pytest

from schemas.commands import Lookup, LookupAction
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EVENTS
from streams.observe.admin import AdminServer
from streams.signatures import connect_signature
from streams.subscribe import MemoryStore, Meters, Options, commands
from tests.dashboards import boards, built_in, filled, of_all, queries, rules
from tests.integration.observe.prometheus import PROGRAM, SCRAPE_SECONDS, STEP_SECONDS, Prometheus, prometheus
from tests.integration.whole.reading import look_up, write
from tests.integration.whole.recipe import broken, connected, how_to_test_data_connect_fix
from tests.integration.whole.stack import PARTNER_SECRET, PATH_TOKEN, Flow, Whole, flow_of, running
from tests.promql import selectors
from tests.waiting import until, wait_until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(PROGRAM is None, reason="no Prometheus here; on Debian and Ubuntu: apt-get install prometheus"),
]

ANSWER_SECONDS = 180.0
"""A round of canaries is sent each minute; two of them, and a moment."""
SHOWN_SECONDS = 3600
UNREADABLE = b"{"
NOBODY_KNOWS = 4711
"""A code that stands in no catalogue."""
EMPTY = {
    ("txpush-flow", "{{job}} {{instance}} paused"): "no partition is paused",
    ("txpush-flow", "{{job}} not: {{reason}}"): "the service gets every command once",
    ("txpush-on-call", "{{route}} {{outcome}}"): "nothing is refused",
    ("txpush-vendor", "{{strategy}}"): "signatures are as the vendor of this set makes them",
}
"""Queries that have nothing to say of a set in which all is well, and why."""


async def traffic(flow: Flow) -> None:
    """Have a link break and be repaired, one stay broken, a code that nobody knows, a look-up, and dead letters."""
    await how_to_test_data_connect_fix(flow, flow.person)
    command = await broken(flow)
    assert await flow.api.refresh(await connected(flow, "demo", trouble=NOBODY_KNOWS)) == [NOBODY_KNOWS]
    customer, login, accounts = command["customer_id"], command["institution_login_id"], tuple(command["account_ids"])
    asked = Lookup(action=LookupAction.VERIFY, customer_id=customer, institution_login_id=login, account_ids=accounts)
    await look_up(flow.whole.bootstrap, [asked])
    await flow.whole.counts("executor", "txpush_executor_lookups_total", 1)
    headers = {"x-finicity-signature": connect_signature(PARTNER_SECRET, UNREADABLE)}
    url = f"{flow.whole.bridge_url}/{PATH_TOKEN}/connect"
    assert (await flow.person.browser.post(url, content=UNREADABLE, headers=headers)).status_code == httpx.codes.OK
    await write(flow.whole.bootstrap, EVENTS, [(customer, UNREADABLE, ())])
    await until(lambda: len(flow.whole.letters) > 1)


@asynccontextmanager
async def service(bootstrap: str) -> AsyncIterator[int]:
    """Run a service that is done with every command at once; give the port of its metrics."""
    meters = Meters()
    admin = AdminServer("127.0.0.1", 0, meters.registry, list)
    async with commands(MemoryStore(), Options(group="letters", bootstrap=bootstrap), meters=meters) as subscription:

        async def work() -> None:
            async for delivery in subscription:
                async with delivery:
                    pass

        await admin.start()
        working = asyncio.create_task(work())
        try:
            yield admin.port
        finally:
            subscription.stop()
            await working
            await admin.stop()


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[Whole, Prometheus]]:
    """Run everything, a canary and a service, with a Prometheus that scrapes all of them."""
    async with AsyncExitStack() as stack:
        kafka = stack.enter_context(EmbeddedKafka())
        whole = await stack.enter_async_context(running(kafka, folder, {"canary": "canary"}))
        letters = await stack.enter_async_context(service(kafka.bootstrap))
        jobs = {f"txpush-{name}": [part.admin] for name, part in whole.parts.items()}
        watching = stack.enter_context(prometheus({**jobs, "letters": [letters]}, folder / "prometheus"))
        await asyncio.to_thread(watching.until_all_up)
        yield whole, watching


def asked() -> dict[str, str]:
    """Give every query of every dashboard as Grafana asks it, by where it stands; but those of which nothing comes."""
    chosen = {name: of_all(board) for name, board in boards().items()}
    graph = built_in(STEP_SECONDS, SCRAPE_SECONDS, SHOWN_SECONDS)
    return {
        f"{one.board}: {one.panel}: {one.legend}": filled(one.expr, {**chosen[one.board], **graph})
        for one in queries()
        if (one.board, one.legend) not in EMPTY
    }


def ruled() -> dict[str, str]:
    """Give what is recorded, and what alerts look at: they themselves are silent while all is well."""
    found: dict[str, str] = {}
    for rule in rules():
        parts = [str(one).partition(" offset ")[0] for one in selectors(promql.parse(rule["expr"]))]
        found |= {part: part for part in parts} if "alert" in rule else {rule["record"]: rule["expr"]}
    return found


def _answered(watching: Prometheus, wanted: dict[str, str]) -> None:
    """Wait until each of these queries has given a number."""
    missing = dict(wanted)

    def still() -> list[str]:
        for place in [place for place, expr in missing.items() if watching.shows(expr)]:
            del missing[place]
        return list(missing)

    wait_until(still, lambda places: not places, seconds=ANSWER_SECONDS)


async def test_every_query_of_dashboards_and_rules_is_answered(tmp_path: Path) -> None:
    """With numbers, but for those listed; and no rule fails."""
    assert {(one.board, one.legend) for one in queries()} >= EMPTY.keys()
    async with watched(tmp_path) as (whole, watching), flow_of(whole) as flow:
        await traffic(flow)
        await asyncio.to_thread(_answered, watching, {**asked(), **ruled()})
        evaluated = watching.rules()
        assert {rule["name"] for rule in evaluated} == {rule.get("alert") or rule["record"] for rule in rules()}
        assert [rule for rule in evaluated if rule["health"] != "ok"] == []
        for rule in rules():
            watching.ask("query", query=rule["expr"])
        assert set(watching.scraped().values()) == {"up"}
