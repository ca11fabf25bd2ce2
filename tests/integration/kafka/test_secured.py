"""With the authorizer on, by password and by certificate: each component does its work as its own user, no other's."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer

from schemas.catalogue import Kind
from schemas.commands import Lookup, LookupAction
from schemas.contract.channels import Component
from streams.clock import WallClock
from streams.kafka.acls.rights import ALL_TOPICS, reads, writes
from streams.kafka.topics import AGENT, DEAD_LETTER, EVENTS, INSTITUTIONS, LOOKUP
from streams.kafka.view import TopicView, ViewRecord
from streams.sandbox import Opening, Sandbox, SandboxSettings
from streams.sandbox.server import serving
from streams.subscribe import MemoryStore, Options, commands, tickets
from tests.integration.executor.executing import executor
from tests.integration.executor.vendor import standing
from tests.integration.kafka.securing import MAILER, SECONDS, Secured, name_of, prepare, secured
from tests.integration.kafka.trespassing import administer, is_denied, may_take_over, readable, refused_writes
from tests.processes import ROOT, free_port, running
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(180)]

SAVINGS = (Opening("savings", "Savings", 1.0),)
TOKEN = "secured-token-0123456789"  # noqa: S105 - a token of this test alone
BODY = json.loads((ROOT / "tests" / "payloads" / "synthetic-txpush-account-modified-185.json").read_text())


@pytest.fixture(scope="module", params=["SASL_SSL", "SSL"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker with the topics and the ACLs of the contract, made by its super user; users show SCRAM or mTLS."""
    with secured(tmp_path_factory.mktemp("secured"), by_certificate=request.param == "SSL") as made:
        asyncio.run(prepare(made))
        yield made


@dataclass
class Flow:
    """Bridge and both agents, each under its own user."""

    cluster: Secured
    bridge: str

    def post(self, customer: str, code: int) -> int:
        """Post a notification about an account of a customer and give the status."""
        record = BODY["event"]["records"][0] | {
            "id": f"59{customer}",
            "customerId": customer,
            "institutionId": str(200000 + code),
            "institutionLoginId": int(f"71{customer}"),
            "aggregationStatusCode": code,
        }
        body = {"event": BODY["event"] | {"records": [record]}}
        return httpx.post(f"{self.bridge}/{TOKEN}/txpush", json=body, timeout=10.0).status_code


@pytest.fixture(scope="module")
def flow(cluster: Secured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """The three as processes; they end in good order."""
    logs, port = tmp_path_factory.mktemp("flow"), free_port()
    bridge = {"CALLBACK_TOKENS": TOKEN, "SIGNATURES": "log", "SEALING_KEYS": "0" * 32, "BRIDGE_PORT": str(port)}
    programs = [
        cluster.program(name_of(component), component, logs, **bridge)
        for component in (Component.BRIDGE, Component.AGENT, Component.INSTITUTIONS)
    ]
    with running(*programs):
        yield Flow(cluster, f"http://127.0.0.1:{port}")
    assert "AuthorizationFailed" not in "".join(one.said() for one in programs)


async def test_a_notification_becomes_a_command_and_a_ticket(flow: Flow) -> None:
    """From HTTP to a service that may read commands only, every step under a user of its own."""
    assert [flow.post("1000001", 185), flow.post("1000002", 906)] == [200, 200]
    options = Options(
        group=f"{MAILER}.1", bootstrap=flow.cluster.bootstrap, kafka=flow.cluster.access(MAILER).security()
    )
    async with asyncio.timeout(SECONDS):
        async with commands(MemoryStore(), options, [Kind.CONNECT_FIX]) as subscription:
            async for delivery in subscription:
                async with delivery:
                    assert (delivery.command.customer_id, delivery.command.reason.code) == ("1000001", 185)
                break
        async with tickets(MemoryStore(), options) as subscription_of_tickets:
            async for opened in subscription_of_tickets:
                async with opened:
                    assert opened.command.institution_id == "200906"
                break


def test_the_executor_answers_a_look_up(cluster: Secured, flow: Flow, tmp_path: Path) -> None:
    """It follows commands and the gate before the vendor, joins its group, and writes what it has seen."""
    del flow
    asked = Lookup(
        action=LookupAction.LOCATE, customer_id="1000003", institution_login_id=None, account_ids=("5900000001",)
    )
    user = cluster.identity(name_of(Component.EXECUTOR))
    with standing() as stand, executor(cluster.bootstrap, stand, tmp_path / "log", **user) as answering:
        answering.until_ready()
        agent = Producer(cluster.librdkafka(name_of(Component.AGENT)))
        agent.produce(LOOKUP, asked.model_dump_json().encode(), b"1000003", partition=0)
        assert agent.flush(20) == 0
        assert asyncio.run(told(cluster, EVENTS, "1000003"))["accountId"] == "5900000001"


async def test_a_sweep_tells_what_was_missed(cluster: Secured, tmp_path: Path) -> None:
    """It reads the health, calls the vendor through the gate, and writes to the inbound log."""
    sandbox = Sandbox(SandboxSettings(seed="secured"), WallClock())
    customer = sandbox.add_customer()
    login = sandbox.add_login(customer, "102105", "demo", "go", SAVINGS)
    sandbox.refresh(login.id)
    (listed := tmp_path / "customers").write_text(customer)
    async with serving(sandbox) as url:
        vendor = {"APP_KEY": "sandbox-app-key", "PARTNER_ID": "sandbox-partner", "PARTNER_SECRETS": "sandbox-secret-1"}
        ended = await asyncio.to_thread(
            cluster.run, name_of(Component.SWEEP), "sweep", "--customers", str(listed), VENDOR_URL=url, **vendor
        )
    assert ended.returncode == 0, ended.stderr
    assert (await told(cluster, EVENTS, customer))["customerId"] == customer


async def test_operators_decide_and_auditors_look(cluster: Secured, flow: Flow, tmp_path: Path) -> None:
    """The commands of operators work as an operator, those that only look as an auditor too."""
    del flow
    signed = ("--by", "ann", "--reason", "a test")
    operator, auditor = name_of(Component.OPERATOR), name_of(Component.AUDITOR)
    bridge = Producer(cluster.librdkafka(name_of(Component.BRIDGE)))
    bridge.produce(EVENTS, b"no event", b"1000009", partition=0)
    assert bridge.flush(20) == 0
    assert (await told(cluster, DEAD_LETTER, "1000009"))["reason"] == "not_a_cloud_event"
    (rules := tmp_path / "policy.toml").write_text('version = "secured"\n[contact]\nreminder_days = [2]\n')
    by_why = ("--by", "ann", "--why", "a test", "--yes")
    wanted = [
        (operator, "override", "silence", "--customer", "1000009", *signed, "--yes"),
        (operator, "forget", "1000010", *signed, "--yes"),
        (operator, "policy", "show"),
        (operator, "policy", "activate", str(rules), *signed, "--yes"),
        (operator, "vendor", "show"),
        (operator, "dead-letter", "retry", "--reason", "not_a_cloud_event", *by_why),
        *((user, "override", "show", "--customer", "1000009") for user in (operator, auditor)),
        *((user, "dead-letter", "list") for user in (operator, auditor)),
        (auditor, "topics", "check"),
    ]
    for words in wanted:  # one after the other: on two cores ten Pythons at once take longer than each may
        ended = await asyncio.to_thread(cluster.run, *words)
        assert ended.returncode == 0, (words, ended.stdout, ended.stderr)
    resumed = await asyncio.to_thread(cluster.run, operator, "override", "resume", "0", *signed, "--yes")
    assert resumed.returncode == 0 or "0: not paused, as" in resumed.stderr, resumed
    listed = await asyncio.to_thread(cluster.run, operator, "dead-letter", "list")
    letter = json.loads(listed.stdout.splitlines()[0])
    shown = await asyncio.to_thread(cluster.run, operator, "dead-letter", "show", letter["id"])
    assert (shown.returncode, json.loads(shown.stdout)["reason"]) == (0, "not_a_cloud_event"), shown
    refused = await asyncio.to_thread(
        cluster.run, auditor, "override", "silence", "--customer", "1000009", *signed, "--yes"
    )
    assert (refused.returncode, "see `txpush topics acls`" in refused.stderr) == (2, True), refused
    hidden = await asyncio.to_thread(cluster.run, MAILER, "topics", "check")
    assert (hidden.returncode, "see `txpush topics acls`" in hidden.stdout + hidden.stderr) == (2, True)


async def told(cluster: Secured, topic: str, customer: str) -> dict[str, object]:
    """Wait for a record about a customer, as an auditor, and give its value."""
    heard: list[ViewRecord] = []
    view = TopicView(cluster.access(name_of(Component.AUDITOR)), [topic], heard.append)
    await view.start()
    try:
        await until(lambda: any(record.key == customer.encode() for record in heard), SECONDS)
    finally:
        await view.stop()
    value: dict[str, object] = json.loads(next(one.value for one in heard if one.key == customer.encode()) or b"{}")
    return value


@pytest.mark.parametrize("component", Component)
def test_what_is_not_its_business_is_refused(cluster: Secured, component: Component) -> None:
    """Every topic that it need not read is closed to it, every topic that it must not write to, and what rules both."""
    name = name_of(component)
    assert readable(cluster, name) == reads(component)
    foreign = set(ALL_TOPICS) - writes(component)
    assert refused_writes(cluster, name, foreign) == foreign
    for fold, owner in ((AGENT, Component.AGENT), (INSTITUTIONS, Component.INSTITUTIONS)):
        if component is not owner:
            assert asyncio.run(may_take_over(cluster, name, fold)) == [False, False]
    assert [is_denied(act) for act in administer(cluster, name)] == [True] * 3


@pytest.mark.parametrize("cluster", ["SASL_SSL"], indirect=True)
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"KAFKA_PASSWORD": "a-canary"}, "see TXPUSH_KAFKA_USERNAME and TXPUSH_KAFKA_PASSWORD"),
        ({"KAFKA_USERNAME": "nobody", "KAFKA_SASL_MECHANISM": "PLAIN"}, "does not know the user 'nobody'"),
    ],
)
def test_a_wrong_password_is_told(cluster: Secured, changed: dict[str, str], words: str) -> None:
    """The agent ends at once with 2, and names the settings, not the secret."""
    ended = cluster.run(name_of(Component.AGENT), "agent", **changed)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False), ended.stderr
    assert words in ended.stderr
    assert "canary" not in ended.stderr
