"""Who may write which topic: the table for ACLs in `deploy/README.md` says what the contract does."""

import re
from pathlib import Path

from schemas.contract.channels import CHANNELS, Component

TABLE = (Path(__file__).parents[4] / "deploy" / "README.md").read_text("utf-8").partition("| topic | written by |")[2]
NAMES = {Component.INSTITUTIONS: "institution agent", Component.OPERATOR: "operators"}
_ROW = re.compile(r"^\| (`[^|]+) \| ([^|]+) \|$", re.MULTILINE)
_TOPIC, _REMARK = re.compile(r"`([^`]+)`"), re.compile(r" \([^)]*\)")


def written_by() -> dict[str, set[str]]:
    """Give the writers of each topic, as the table has them without its remarks."""
    rows = ((row[1], set(_REMARK.sub("", row[2]).split(", "))) for row in _ROW.finditer(TABLE))
    return {topic: writers for topics, writers in rows for topic in _TOPIC.findall(topics)}


def test_the_table_is_the_contract() -> None:
    """Every topic that others see, with all of its writers and nobody else."""
    table = written_by()
    for channel in CHANNELS:
        writers = {NAMES.get(one, one.value) for message in channel.messages for one in message.by}
        assert not writers or table[channel.address] == writers, channel.address
    assert {channel.address for channel in CHANNELS} <= table.keys()
