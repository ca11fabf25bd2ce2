"""Logs that releases have written: every record is still read, with the meaning that it had."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.cloudevents import read_data, to_value
from schemas.contract.channels import CHANNELS
from schemas.contract.messages import schema_of
from schemas.events import CONNECT_PREFIX, EventType

LOGS = sorted(Path(__file__).parent.glob("log-*.jsonl"))
RECORDS = [orjson.loads(line) for log in LOGS for line in log.read_bytes().splitlines()]
SCHEMAS = {message.name: message.schema for channel in CHANNELS for message in channel.messages}


def is_kept(recorded: Any, read: Any) -> bool:  # noqa: ANN401 - JSON
    """Tell whether all that was recorded is there with its value; later fields may stand beside it."""
    if isinstance(recorded, Mapping):
        return all(name in read and is_kept(value, read[name]) for name, value in recorded.items())
    if isinstance(recorded, list):
        return len(recorded) == len(read) and all(map(is_kept, recorded, read))
    return bool(recorded == read)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record['id']} {record['type']}")
def test_an_old_record_is_read(record: dict[str, Any]) -> None:
    """Nothing of it is refused or lost, by the models and by whatever they check beside their schema."""
    data = read_data(record["type"], orjson.dumps(record["data"]))
    assert not isinstance(data, Mapping), "its type is not known any more"
    assert is_kept(record["data"], orjson.loads(to_value(data)))
    name = "connect.*" if record["type"].startswith(CONNECT_PREFIX) else record["type"]
    assert Draft202012Validator(schema_of(SCHEMAS[name])).is_valid(record["data"])


def test_old_logs_have_a_record_of_every_type() -> None:
    """No type of event was forgotten when a log was kept."""
    assert {record["type"] for record in RECORDS} >= set(EventType) | {"connect.done"}
