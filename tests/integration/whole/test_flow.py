"""The whole flow on real parts: HTTP in, Kafka, both agents, commands out."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS
from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from tests.integration.committed import committed
from tests.processes import CLI, ROOT, Program, free_port, running, settings_for
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

PAYLOADS = ROOT / "tests" / "payloads"
SHARED = ROOT.parent / "shared" / "payloads"
TOKEN = "flow-test-token-0123456789"  # noqa: S105 - a token of this test alone
DEADLINE_SECONDS = 60.0
SUPPORT = (147, 148, 173, 176, 181, 190, 324, 900, 901, 903, 904, 906, 907, 940, 950)
CUSTOMER = {
    103: ("connect-fix", ["enter_credentials"]),
    108: ("connect-fix", ["resolve_prompt_at_bank", "connect_fix"]),
    109: ("connect-fix", ["set_new_password_at_bank", "enter_credentials"]),
    169: ("remove-duplicate", ["keep_one_delete_rest"]),
    185: ("connect-fix", ["answer_challenge"]),
    187: ("connect-fix", ["answer_challenge"]),
    945: ("connect-fix", ["reauthenticate_oauth"]),
    946: ("connect-fix", ["authenticate_right_account"]),
    947: ("connect-fix", ["renew_token"]),
    948: ("connect-fix", ["reauthenticate_oauth"]),
    949: ("relink", ["delete_account", "add_account"]),
}


@dataclass(frozen=True)
class Sample:
    """What a sample body leads to: records, the customer's last command or look-up, and the last code of health."""

    records: int = 1
    command: tuple[str, ...] | None = None
    code: int | None = None


FIX, LOOKUP = COMMAND_TOPICS[Kind.CONNECT_FIX], topics.LOOKUP
SAMPLES = {
    "txpush-account-deleted": Sample(),
    "txpush-account-modified-0-after-fix": Sample(code=0),
    "txpush-account-modified-102-sparse": Sample(code=102),
    "txpush-account-modified-103-no-institutionLoginId": Sample(command=(LOOKUP, "locate"), code=103),
    "txpush-account-modified-185": Sample(command=(FIX, "issue", "answer_challenge"), code=185),
    "txpush-account-modified-945-multi-record": Sample(2, (FIX, "issue", "reauthenticate_oauth"), 945),
    "txpush-account-modified-948-new-institution": Sample(command=(FIX, "issue", "reauthenticate_oauth"), code=948),
    "txpush-account-modified-code-as-string": Sample(command=(FIX, "issue", "answer_challenge"), code=187),
    "txpush-transaction-created": Sample(records=0),
    "dataconnect-credentialsUpdated": Sample(),
    "dataconnect-done": Sample(),
    "dataconnect-invalidCredentials": Sample(),
    "dataconnect-ping": Sample(records=0),
    "dataconnect-started": Sample(),
    "dataconnect-unableToConnect": Sample(),
}


@dataclass
class Stack:
    """A running set, reached from outside only."""

    bootstrap: str
    bridge: str

    def post(self, route: str, body: bytes) -> int:
        """Post a notification and give the status."""
        return httpx.post(f"{self.bridge}/{TOKEN}/{route}", content=body, timeout=10.0).status_code

    def read(self, topic: str) -> list[Any]:
        """Give the values of a topic as a committed reader sees them."""
        records = committed(self.bootstrap, topic, range(topics.EMBEDDED.partitions), DEADLINE_SECONDS)
        return [json.loads(one.value() or b"null") for one in records]


@pytest.fixture(scope="module")
def stack(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Broker, bridge, agent and institution agent, each a process of its own."""
    logs, port = tmp_path_factory.mktemp("flow"), free_port()
    settings = settings_for(broker.bootstrap, CALLBACK_TOKENS=TOKEN, SIGNATURES="log", BRIDGE_PORT=str(port))
    programs = [Program((*CLI, name), settings, logs / f"{name}.log") for name in ("bridge", "agent", "institutions")]
    with running(*programs):
        yield Stack(broker.bootstrap, f"http://127.0.0.1:{port}")


def notification(customer: str, code: int) -> bytes:
    """A body of the vendor's shape for a customer of this test's own, at an institution of the code's own."""
    body = json.loads((PAYLOADS / "synthetic-txpush-account-modified-185.json").read_text())
    body["event"]["records"][0] |= {
        "id": f"59{customer}",
        "customerId": customer,
        "institutionId": str(200000 + code),
        "institutionLoginId": int(f"71{customer}"),
        "aggregationStatusCode": code,
    }
    return json.dumps(body).encode()


def test_every_code_of_the_vendor_page(stack: Stack) -> None:
    """All 26 codes give kind and steps of the catalogue: 11 to the customer, 15 as a ticket for the institution."""
    codes = (*CUSTOMER, *SUPPORT)
    assert len(codes) == 26
    assert {stack.post("txpush", notification(f"80{code:05d}", code)) for code in codes} == {200}
    wanted = {(f"80{code:05d}", kind, tuple(steps)) for code, (kind, steps) in CUSTOMER.items()}

    def commands() -> list[Any]:
        return [c for topic in topics.CUSTOMER_COMMANDS for c in stack.read(topic) if c["customer_id"][:2] == "80"]

    found = wait_until(commands, lambda now: len(now) >= len(wanted))
    assert {(c["customer_id"], c["kind"], tuple(c["steps"])) for c in found} == wanted
    assert {c["action"] for c in found} == {"issue"}
    tickets = wait_until(lambda: stack.read(topics.TICKETS), lambda now: len(now) >= len(SUPPORT))
    assert sorted((t["codes"], t["institution_id"], t["steps"], t["action"]) for t in tickets) == [
        ([code], str(200000 + code), ["submit_case"], "issue") for code in sorted(SUPPORT)
    ]
    assert {t["kind"] for t in tickets} == {"support-ticket"}
    assert len(commands()) == len(wanted)


def test_every_sample_body_is_stored_and_decided(stack: Stack) -> None:
    """Each sample of the vendor's shapes, for a customer of its own, leads to its records, command and health."""
    before, letters = len(stack.read(topics.EVENTS)), len(stack.read(topics.DEAD_LETTER))
    files = {file.name.removeprefix("synthetic-").removesuffix(".json"): file for file in sorted(PAYLOADS.iterdir())}
    assert set(files) == set(SAMPLES)
    customers = {str(8_100_000 + number): name for number, name in enumerate(files)}
    for customer, name in customers.items():
        route = "connect" if name.startswith("dataconnect") else "txpush"
        body = files[name].read_text().replace("7000000042", customer)
        assert stack.post(route, body.encode()) == httpx.codes.OK, name
    assert len(stack.read(topics.EVENTS)) == before + sum(sample.records for sample in SAMPLES.values())
    wanted = {name: (sample.command, sample.code) for name, sample in SAMPLES.items()}

    def found() -> dict[str, tuple[object, object]]:
        told = {name: ([], []) for name in SAMPLES}  # type: dict[str, tuple[list[object], list[object]]]
        for topic in (*topics.CUSTOMER_COMMANDS, topics.LOOKUP):
            for one in stack.read(topic):
                if one["customer_id"] in customers:
                    told[customers[one["customer_id"]]][0].append((topic, one["action"], *one.get("steps", ())))
        for one in stack.read(topics.HEALTH):
            if one and one["customer_id"] in customers:
                told[customers[one["customer_id"]]][1].append(one["code"])
        return {
            name: (commands[-1] if commands else None, codes[-1] if codes else None)
            for name, (commands, codes) in told.items()
        }

    assert wait_until(found, lambda now: now == wanted) == wanted
    assert len(stack.read(topics.DEAD_LETTER)) == letters


@pytest.mark.skipif(not SHARED.is_dir(), reason="the vendor's captures are not beside this checkout")
def test_samples_are_the_vendors() -> None:
    """The samples here are those of the folder that they are from."""
    for file in PAYLOADS.iterdir():
        assert json.loads(file.read_text()) == json.loads((SHARED / file.name).read_text())


@pytest.mark.skipif(not SHARED.is_dir(), reason="the vendor's captures are not beside this checkout")
def test_every_captured_body_is_stored(stack: Stack) -> None:
    """Real captures of Data Connect are accepted as they came."""
    before = len(stack.read(topics.EVENTS))
    captures = [json.loads(file.read_text()) for file in sorted(SHARED.glob("raw-dataconnect-*.json"))]
    assert captures
    for capture in captures:
        body = json.dumps(capture.get("body", capture), separators=(",", ":")).encode()
        assert stack.post("connect", body) == httpx.codes.OK
    assert len(stack.read(topics.EVENTS)) == before + len(captures)


def test_a_poison_body_holds_nothing_up(stack: Stack) -> None:
    """What cannot be read is set aside, and the next notification is decided on."""
    letters = len(stack.read(topics.DEAD_LETTER))
    assert stack.post("txpush", b"{not json") == httpx.codes.OK
    assert stack.post("txpush", notification("9000001", 185)) == httpx.codes.OK
    wait_until(
        lambda: [c for c in stack.read(COMMAND_TOPICS[Kind.CONNECT_FIX]) if c["customer_id"] == "9000001"],
        lambda now: len(now) == 1,
    )
    assert len(stack.read(topics.DEAD_LETTER)) == letters + 1


async def test_the_consumer_of_the_readme(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """The fifteen lines of the README follow a command topic as they stand."""
    assert stack.post("txpush", notification("9100001", 185)) == httpx.codes.OK
    code = (ROOT / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    assert len(code.splitlines()) <= 15
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the README's own code
    seen: dict[str, int] = {}
    following = asyncio.create_task(
        names["follow"]("remediation.connect-fix", seen, bootstrap_servers=stack.bootstrap, group_id="readme")
    )
    said = ""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while "issue 9100001 Security challenge encountered ['answer_challenge']" not in said:
            await asyncio.sleep(0.1)
            said += capsys.readouterr().out
    following.cancel()
    await asyncio.wait({following}, timeout=DEADLINE_SECONDS)
    assert 0 in seen.values()
