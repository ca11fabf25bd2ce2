"""The ids that commands and look-ups have under other names: as the core derives them from what they say."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid5

import orjson

from schemas.commands import COMMAND_NAMESPACE
from schemas.problems import UNREADABLE
from schemas.times import rfc3339, time_of_record
from streams.export.names.names import Names
from streams.history import History, Place
from streams.kafka.topics import CUSTOMER_COMMANDS, LOOKUP


async def command_ids(history: History, number: int, names: Names) -> Mapping[str, str]:
    """Read the commands and look-ups of a partition, and give the new id of each by the one that it has.

    Memory grows with the commands of the customers concerned, 250 bytes each.
    """
    found: dict[str, str] = {}
    topics = [topic for topic in (*CUSTOMER_COMMANDS, LOOKUP) if topic in history.topics]
    for topic, span in (await history.spans(topics)).items():
        if topic.partition != number:
            continue
        async for records in history.read(topic, span):
            for record in records:
                found.update(_ids(topic, record.value, record.timestamp, dict(record.headers), names))
    return found


def _ids(
    place: Place, value: bytes | None, timestamp: int, headers: Mapping[str, bytes], names: Names
) -> Iterator[tuple[str, str]]:
    try:
        data = orjson.loads(value or b"null")
        if names.applies(data["customer_id"]):
            yield _lookup(data, timestamp, headers, names) if place.topic == LOOKUP else _command(data, names)
    except (*UNREADABLE, KeyError, TypeError, AttributeError):
        return  # none of ours: its id is in nobody's state


def _command(data: Mapping[str, Any], names: Names) -> tuple[str, str]:
    customer, login = names.customer(data["customer_id"]), names.login(data["institution_login_id"])
    episode = data["episode"]
    name = f"{customer}/{login}/{data['kind']}/{episode['opened_at']}/{episode['ordinal']}"
    return data["command_id"], str(uuid5(COMMAND_NAMESPACE, name))


def _lookup(data: Mapping[str, Any], timestamp: int, headers: Mapping[str, bytes], names: Names) -> tuple[str, str]:
    login = data["institution_login_id"]
    accounts = ",".join(sorted(names.account(one) for one in data["account_ids"]))
    whose = f"{names.customer(data['customer_id'])}/{names.login(login) if login else ''}"
    name = f"{whose}/{data['action']}/{accounts}/{rfc3339(time_of_record(timestamp))}"
    return headers["ce_id"].decode().removeprefix("lookup:"), str(uuid5(COMMAND_NAMESPACE, name))
