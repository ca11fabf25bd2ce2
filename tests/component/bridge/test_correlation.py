"""One event followed through the logs: from a request to the bridge to the command that the agent has written."""

import hashlib
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.bridge.answers import FAILED
from streams.bridge.app import Bridge
from streams.kafka.log import LogRecord, LogUnavailable
from streams.pseudonyms import Kind
from tests.unit.bridge.bench import CONNECT, TXPUSH, bench_with, sample
from tests.unit.fold.build import PARTITION, agent_world, ids_of
from tests.unit.fold.build import LogRecord as Read
from tests.written import NAMES, Written, written_log

UUID = "5b0c2f3e-7d7a-4f3b-9c55-0d6a0d7d9b11"
TRACE = "0af7651916cd43dd8448eb211c80319c"
NAMES_SOMEBODY = "7000000042"
FOLLOWING = Path(__file__).parents[3] / "deploy" / "README.md"
SKIPPED = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed: apt-get install jq")


@pytest.fixture
def written() -> Iterator[Written]:
    with written_log() as log_of_this:
        yield log_of_this


def of_our_partition(name: str) -> tuple[bytes, str]:
    """Give a sample body with a customer of the partition that the tests' agent has."""
    (customer,) = ids_of(PARTITION, 1)
    return re.sub(rb'"customerId": *"?[0-9]+"?', b'"customerId": "' + customer.encode() + b'"', sample(name)), customer


def run_in(folder: Path, command: str, environment: dict[str, str]) -> str:
    """Give what a shell command prints."""
    told = ["/bin/sh", "-c", command]
    return subprocess.run(told, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def as_read(offset: int, record: LogRecord) -> Read:
    """Give a record of the bridge as the agent reads it."""
    return Read(offset, record.timestamp_ms or 0, record.key, record.value, record.headers)


async def test_from_a_request_to_its_command(written: Written) -> None:
    """The answer names the correlation id, both logs have it, and the agent's line has the command's id."""
    body, customer = of_our_partition("txpush-account-modified-185")
    written.begin(level=logging.DEBUG)
    async with bench_with() as bench:
        answer = await bench.client.post(TXPUSH, content=body, headers={"x-request-id": UUID})
    assert answer.status_code == 200
    world = agent_world()
    world.poll([as_read(number, record) for number, record in enumerate(bench.log.records)])
    correlation_id = answer.headers["x-correlation-id"]
    assert correlation_id == hashlib.sha256(body).hexdigest()
    ours = [line for line in written.objects if line.get("correlation_id") == correlation_id]
    of_bridge, of_agent = ours
    assert of_bridge["logger"] == "streams.bridge.trail"
    assert (of_bridge["request_id"], of_bridge["status"]) == (answer.headers["x-request-id"], 200) == (UUID, 200)
    assert of_bridge["event_ids"] == [of_agent["event_id"]]
    assert of_bridge["customers"] == [of_agent["customer"]] == [NAMES.name(Kind.CUSTOMER, customer)]
    (command,) = world.sent("remediation.connect-fix")
    assert [one["command_id"] for one in of_agent["commands"]] == [command["command_id"]]
    assert command["evidence"]["event_ids"] == of_bridge["event_ids"]


@pytest.mark.parametrize(
    ("headers", "given"),
    [
        ({"x-request-id": UUID}, UUID),
        ({"x-request-id": UUID.replace("-", "")}, UUID.replace("-", "")),
        ({"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}, TRACE),
        ({"x-request-id": UUID, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}, UUID),
        ({"x-request-id": NAMES_SOMEBODY}, None),
        ({"x-request-id": f"{UUID}\\nx"}, None),
        ({"x-request-id": "a" * 4000}, None),
        ({"traceparent": "00-xyz-1-01"}, None),
        ({}, None),
    ],
)
async def test_an_id_from_in_front_is_taken_up_if_it_can_name_nobody(
    written: Written, headers: dict[str, str], given: str | None
) -> None:
    """A UUID or a trace id; whatever else a caller calls its request stays out of answer and log."""
    written.begin(level=logging.DEBUG)
    async with bench_with() as bench:
        answer = await bench.client.post(TXPUSH, content=sample("txpush-account-modified-185"), headers=headers)
    request_id = answer.headers["x-request-id"]
    assert request_id == given if given else re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert [line["request_id"] for line in written.objects] == [request_id]
    assert all(value == given or value not in written.text for value in headers.values() if given != TRACE)


async def test_what_is_sent_again_keeps_its_correlation(written: Written) -> None:
    """A 503, then the same body once more: other requests, one correlation."""
    written.begin(level=logging.DEBUG)
    async with bench_with() as bench:
        bench.log.failure = LogUnavailable("away")
        body = sample("txpush-account-modified-185")
        first = await bench.client.post(TXPUSH, content=body)
        bench.log.failure = None
        second = await bench.client.post(TXPUSH, content=body)
    assert (first.status_code, second.status_code) == (503, 200)
    assert first.headers["x-correlation-id"] == second.headers["x-correlation-id"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_fault_of_ours_says_in_which_request(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of the error has the id that the answer has, without debug."""

    async def fails(*_: object) -> None:
        raise KeyError(NAMES_SOMEBODY)

    monkeypatch.setattr(Bridge, "_take", fails)
    written.begin()
    async with bench_with() as bench:
        answer = await bench.client.post(TXPUSH, content=b"{}")
    (line,) = written.objects
    assert (answer.status_code, line["request_id"]) == (FAILED.status, answer.headers["x-request-id"])


async def test_no_request_names_anybody(written: Written) -> None:
    """Bodies of all sorts, at debug: read, unreadable, not stored, unanswered; only pseudonyms are in the lines."""
    written.begin(level=logging.DEBUG)
    samples = sorted(path.stem for path in (Path(__file__).parents[2] / "payloads").glob("synthetic-*.json"))
    ids = set[str]()
    async with bench_with() as bench:
        for name in samples:
            body = sample(name.removeprefix("synthetic-"))
            ids |= set(re.findall(r"\b[57][0-9]{9}\b", body.decode(errors="replace")))
            for path in (TXPUSH, CONNECT):
                assert (await bench.client.post(path, content=body)).status_code == 200
        bench.log.failure = LogUnavailable("away")
        await bench.client.post(TXPUSH, content=sample("txpush-account-modified-185"))
    assert len(ids) > 2
    assert len(written.of("streams.bridge.trail")) == 2 * len(samples) + 1
    assert written.named(sorted(ids)) == []


@SKIPPED
async def test_the_guide_follows_an_event(written: Written, tmp_path: Path) -> None:
    """The commands of the deployment guide, run on logs as they are written, lead from the answer to the command."""
    body, _ = of_our_partition("txpush-account-modified-185")
    written.begin(level=logging.DEBUG)
    async with bench_with() as bench:
        answer = await bench.client.post(TXPUSH, content=body)
    world = agent_world()
    world.poll([as_read(number, record) for number, record in enumerate(bench.log.records)])
    (tmp_path / "all.log").write_text(f"no JSON: said before the log was begun\n{written.text}")
    guide = FOLLOWING.read_text().partition("## Following one event through the logs")[2].partition("\n## ")[0]
    commands = [line.strip() for line in guide.splitlines() if line.startswith("    jq")]
    environment = {"PATH": os.environ["PATH"], "id": answer.headers["x-correlation-id"]}
    (command,) = world.sent("remediation.connect-fix")
    environment |= {"command": command["command_id"], "name": NAMES.name(Kind.CUSTOMER, command["customer_id"])}
    found = [run_in(tmp_path, one, environment) for one in commands]
    assert len(found) == 4
    assert all(command["command_id"] in one for one in found[1:]), found
    assert "streams.bridge.trail" in found[0]
