"""A move between two clusters that ask who somebody is."""

import asyncio
from pathlib import Path

import pytest
from confluent_kafka import Producer

from schemas.contract.channels import Component
from streams.fold.intake import partition_of
from streams.kafka import applied
from streams.kafka.access import Access
from streams.kafka.topics import EMBEDDED, HEALTH, Layout
from streams.kafka.view import TopicView, ViewRecord
from tests.integration.kafka.securing import ADMIN, SECONDS, name_of, prepare, secured

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]

NEW = Layout(5, 1)
KEY, VALUE = "7000000042/5900000001", b'{"as": "it is"}'


@pytest.mark.parametrize("by_certificate", [False, True], ids=["SCRAM", "mTLS"])
def test_only_an_administrator_moves(tmp_path: Path, *, by_certificate: bool) -> None:
    """With the same identity on both; an operator, who may not write state, is told of the missing right."""
    with (
        secured(tmp_path, by_certificate=by_certificate) as old,
        secured(tmp_path, old.authority, by_certificate=by_certificate) as new,
    ):
        asyncio.run(prepare(old))
        asyncio.run(applied.apply(new.access(ADMIN), NEW))
        agent = Producer(old.librdkafka(name_of(Component.AGENT)))
        agent.produce(HEALTH, VALUE, KEY, partition_of("7000000042", EMBEDDED.partitions))
        assert agent.flush(20) == 0
        move = ("move", "--to", new.bootstrap, "--partitions", str(NEW.partitions), "--yes")
        refused = old.run(name_of(Component.OPERATOR), *move)
        assert (refused.returncode, "see `txpush topics acls`" in refused.stderr) == (2, True), refused
        done = old.run(ADMIN, *move)
        assert done.returncode == 0, done.stderr
        moved = asyncio.run(health_of(new.access(ADMIN)))
    place = partition_of("7000000042", NEW.partitions)
    assert [(one.partition, one.key, one.value) for one in moved] == [(place, KEY.encode(), VALUE)]


async def health_of(access: Access) -> list[ViewRecord]:
    """Give all records of `account.health`."""
    heard: list[ViewRecord] = []
    view = TopicView(access, [HEALTH], heard.append)
    await view.start()
    try:
        await view.caught_up(SECONDS)
    finally:
        await view.stop()
    return heard
