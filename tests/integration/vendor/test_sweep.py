"""`txpush sweep` as it ships: a real Kafka, the sandbox over HTTP, signals and kills."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.events import AccountSnapshot, Source
from streams.clock import WallClock
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import HEALTH
from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.server import serving
from tests.integration.vendor.sweeping import Bench
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.kafka]


@pytest.fixture
async def bench(broker: EmbeddedKafka, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A sandbox of its own, with ids of its own, and an account.health with nobody else's customers."""
    async with (
        AIOKafkaConsumer(HEALTH, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest") as consumer,
        AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer,
    ):
        for place, end in (await consumer.end_offsets(consumer.assignment())).items():
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        await producer.send_and_wait(HEALTH, None, key=record.key, partition=record.partition)
    sandbox = Sandbox(SandboxSettings(seed=request.node.name), WallClock())
    async with serving(sandbox) as url:
        yield Bench(broker, sandbox, url, tmp_path)


async def test_what_was_lost_is_told(bench: Bench) -> None:
    """A changed account, one never heard of, one that is gone, and one that nothing is to be told of."""
    equal, changed, gone, new = bench.enrol(), bench.enrol(185), bench.enrol(), bench.enrol(103)
    for one in (equal, gone):
        await bench.know(one)
    await bench.know(changed, code=0)
    bench.sandbox.delete_account(gone.account_id)
    done = await bench.sweep("--customers", bench.listed(), "--report", bench.file("report.json"))
    assert (done.code, done.told) == (
        0,
        [
            ("account.observed", changed.account_id),
            ("account.observed", new.account_id),
            ("txpush.account.deleted", gone.account_id),
        ],
    )
    assert {event.source for event in done.events} == {Source.SWEEP}
    baselines = {one.data.account_id: one.data.baseline for one in done.events if isinstance(one.data, AccountSnapshot)}
    assert baselines == {changed.account_id: False, new.account_id: True, gone.account_id: False}
    report = json.loads((bench.folder / "report.json").read_text())
    assert (report["customers"], report["findings"]["accounts"], report["failed"]) == (4, 3, {})
    assert report["findings"]["differing"] == {"code": 1, "unknown": 1, "deleted": 1}
    assert "published                2 observed, 1 deleted" in done.out


async def test_a_dry_run_prints_and_writes_nothing(bench: Bench) -> None:
    """The events go to standard output, one a line, and the log stays as it is."""
    failing = bench.enrol(185)
    await bench.know(failing, code=0)
    done = await bench.sweep("--dry-run")
    (line,) = done.out.splitlines()
    assert (done.code, done.events, json.loads(line)["data"]["accountId"]) == (0, [], failing.account_id)
    assert "to be published          1 observed, 0 deleted" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_sweep_that_is_ended_goes_on(bench: Bench, how: signal.Signals) -> None:
    """In the middle: the state is kept, the same command reads the rest, and everybody is told once."""
    words = bench.slow_sweep(30)
    ends = await bench.ends()
    process = await bench.begin(*words)
    await bench.until_called(8)
    process.send_signal(how)
    stopped = await bench.end(process, ends)
    assert stopped.code == 3
    assert f"{how.name} asked for it\nrun the same to go on" in stopped.err
    bench.sandbox.clear_faults()
    done = await bench.sweep(*words)
    assert (done.code, (bench.folder / "state.json").exists()) == (0, False)
    assert 0 < len(stopped.events) < 30
    assert len(stopped.events) + len(done.events) == 30
    assert len({account for _, account in [*stopped.told, *done.told]}) == 30
    assert "customers read           30 of 30" in done.out


@pytest.mark.slow
async def test_a_sweep_that_is_killed_goes_on(bench: Bench) -> None:
    """SIGKILL once a state was written: the rest is read, with what was read since the writing, and nobody is lost."""
    words = bench.slow_sweep(40)
    ends = await bench.ends()
    process = await bench.begin(*words)
    await until((bench.folder / "state.json").exists)
    process.kill()
    killed = await bench.end(process, ends)
    bench.sandbox.clear_faults()
    done = await bench.sweep(*words)
    assert (killed.code, done.code) == (-signal.SIGKILL, 0)
    assert 0 < len(done.events) < 40
    assert {account for _, account in [*killed.told, *done.told]} == {one.account_id for one in bench.sandbox.truth()}
    assert "customers read           40 of 40" in done.out


@pytest.mark.slow
async def test_another_sweep_does_not_go_on_from_there(bench: Bench) -> None:
    """The state of one list of customers is none of another's."""
    bench.sandbox.set_fault("unavailable", path="/accounts")
    bench.enrol()
    words = ("--state", bench.file("state.json"))
    assert (await bench.sweep(*words, "--customers", bench.listed())).code == 1
    other = await bench.sweep(*words)
    assert (other.code, "is of another sweep" in other.err) == (2, True)


async def test_customers_that_failed_are_read_by_the_same_command(bench: Bench) -> None:
    """A vendor in trouble with one of two: exit 1 with the reason, then 0 once it is well, reading that one alone."""
    bench.enrol()
    failing = bench.enrol()
    bench.sandbox.set_fault("garbled", path=f"/customers/{failing.customer_id}/")
    words = ("--customers", bench.listed(), "--state", bench.file("state.json"))
    first = await bench.sweep(*words)
    assert (first.code, len(first.events)) == (1, 1)
    assert f"customer {failing.customer_id}: the answer is not what the vendor's API describes (HTTP 200)" in first.out
    bench.sandbox.clear_faults()
    second = await bench.sweep(*words)
    assert (second.code, second.told) == (0, [("account.observed", failing.account_id)])


@pytest.mark.slow
async def test_a_wrong_secret_is_tried_twice_at_most(bench: Bench) -> None:
    """However often the sweep is started: five refusals lock the partner; nothing is told of anybody."""
    bench.secret = "not-the-secret-1"  # noqa: S105 - a wrong one
    await bench.know(bench.enrol())
    for _ in range(4):
        done = await bench.sweep()
        assert (done.code, done.events) == (3, [])
        assert "the vendor refuse" in done.err
        assert bench.secret not in done.err
    assert bench.sandbox.partner.attempts <= 2


async def test_another_account_at_the_vendor_deletes_nobody(bench: Bench) -> None:
    """All customers are gone there: the sweep stops before the limit, and says how to look."""
    for one in [bench.enrol() for _ in range(25)]:
        await bench.know(one)
        bench.sandbox.world.delete_customer(one.customer_id, WallClock().now())
    done = await bench.sweep("--max-deletions", "3")
    assert (done.code, len(done.events)) == (3, 3)
    assert "--max-deletions" in done.err
    assert "--dry-run" in done.err


async def test_without_kafka_nothing_begins(bench: Bench) -> None:
    """Exit 2, with what to do."""
    ends = await bench.ends()
    process = await bench.begin(bootstrap="127.0.0.1:1")
    done = await bench.end(process, ends)
    assert (done.code, "set TXPUSH_BOOTSTRAP, or start one: txpush kafka --port 1 --data FOLDER" in done.err) == (
        2,
        True,
    )
