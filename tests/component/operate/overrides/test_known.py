"""Whether an id that was typed is known: it is, it is not, or nobody could say."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from schemas.health import AccountHealth, Phase
from streams.fold.intake import partition_of
from streams.kafka.topics import HEALTH
from streams.operate.overrides import known
from streams.operate.overrides.known import Knowledge, look_up
from streams.operate.overrides.scope import Scope
from streams.settings import read_settings
from tests.component.operate.double import NOW
from tests.component.operate.overrides.log import Log, Record

PARTITION = partition_of("7", 3)
LOGIN = Scope("7", "71")


@pytest.fixture(autouse=True)
def _three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXPUSH_PARTITIONS", "3")


def health(offset: int, account_id: str, login_id: str | None) -> Record:
    """Give the health of an account of customer 7, or without a login its end."""
    told = AccountHealth(
        customer_id="7",
        account_id=account_id,
        institution_id="102105",
        institution_login_id=login_id,
        phase=Phase.HEALTHY,
        code=0,
        attempted_at=NOW,
        heard_at=NOW,
        healthy_at=NOW,
        commands=(),
    )
    value = None if login_id is None else told.model_dump_json(by_alias=True).encode()
    return Record(HEALTH, PARTITION, offset, f"7/{account_id}".encode(), value)


def looked_up(monkeypatch: pytest.MonkeyPatch, scope: Scope, *records: Record) -> known.Finding:
    """Give what is found out."""
    monkeypatch.setattr(known, "committed_reader", Log(records).reader)
    return asyncio.run(look_up(read_settings(), scope))


@pytest.mark.parametrize("scope", [Scope(), Scope("7"), LOGIN, Scope("7", None, "5"), Scope(institution_id="102105")])
def test_an_id_that_the_agent_has_told_of_is_known(monkeypatch: pytest.MonkeyPatch, scope: Scope) -> None:
    """There is nothing to warn of."""
    assert looked_up(monkeypatch, scope, health(0, "5", "71")).warning is None


def test_health_without_a_key_is_nobody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of another program is passed by."""
    keyless = Record(HEALTH, PARTITION, 0, None, b"{}")
    assert looked_up(monkeypatch, LOGIN, keyless, health(1, "5", "71")).warning is None


def test_an_id_of_nobody_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first id that nothing is known of is named."""
    found = looked_up(monkeypatch, Scope("7", "72"), health(0, "5", "71"))
    assert found.warning == "nothing is known of login 72 of customer 7 yet: see that the id is right"
    assert looked_up(monkeypatch, LOGIN).about == "customer 7"


def test_an_account_that_is_gone_is_known_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tombstone after its health, which compaction has not joined yet, is the last word; another account's is not."""
    told, other, gone = health(0, "5", "71"), health(1, "6", "72"), health(2, "5", None)
    assert looked_up(monkeypatch, LOGIN, told, other, gone).about == "login 71 of customer 7"
    assert looked_up(monkeypatch, Scope("7"), told, other, gone).knowledge is Knowledge.KNOWN
    assert looked_up(monkeypatch, Scope("7"), told, gone).knowledge is Knowledge.UNKNOWN


def test_an_account_that_moved_leaves_its_login_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest health of an account counts."""
    assert looked_up(monkeypatch, LOGIN, health(0, "5", "71"), health(1, "5", "72")).knowledge is Knowledge.UNKNOWN


def test_what_cannot_be_found_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that does not answer in time makes nobody known, nor a stranger."""
    monkeypatch.setattr(known, "LOOK_SECONDS", 0.1)
    log = Log([health(0, "5", "71")], {TopicPartition(HEALTH, PARTITION): 1})
    monkeypatch.setattr(known, "committed_reader", log.reader)
    found = asyncio.run(look_up(read_settings(), LOGIN))
    assert found.warning == "whether login 71 of customer 7 is known could not be found out: see that the id is right"

    def refusing(_bootstrap: str) -> None:
        raise KafkaConnectionError

    monkeypatch.setattr(known, "committed_reader", refusing)
    assert asyncio.run(look_up(read_settings(), LOGIN)).knowledge is Knowledge.NOT_FOUND_OUT
