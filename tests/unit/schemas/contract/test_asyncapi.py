"""The AsyncAPI document: valid by the official schema, whole, and true to the topics."""

import copy
import gzip
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

import schemas
from schemas.contract import VERSION
from schemas.contract.asyncapi import document
from schemas.contract.channels import CHANNELS, Component
from schemas.contract.messages import READ, WRITTEN
from schemas.events import EventType, Source
from schemas.signals import SignalType
from streams.fold.intake import EVENT_SOURCES
from streams.kafka import topics

PLACE = Path(schemas.__file__).parent
OFFICIAL = Draft7Validator(json.loads(gzip.decompress((Path(__file__).parent / "asyncapi/3.0.0.json.gz").read_bytes())))
DOCUMENT = json.loads((PLACE / "asyncapi.json").read_text("utf-8"))
SENDERS = {component: f"/remediation/{component}" for component in Component} | {Component.SNAPSHOT: Source.OPERATOR}
"""Snapshots are announced as what operators decide is: earlier releases pass over it."""


def references(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Give every reference in the document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(reference: str) -> Any:  # noqa: ANN401 - JSON
    """Follow a reference into the document, or into a file beside it."""
    file, _, pointer = reference.partition("#")
    if file:
        return json.loads((PLACE / file).read_text("utf-8"))
    found: Any = DOCUMENT
    for part in pointer.strip("/").split("/"):
        found = found[part]
    return found


def test_the_document_is_asyncapi_3() -> None:
    """It is valid by the schema that the AsyncAPI Initiative publishes."""
    assert [f"{list(error.absolute_path)}: {error.message}" for error in OFFICIAL.iter_errors(DOCUMENT)] == []
    assert DOCUMENT["asyncapi"] == "3.0.0"


@pytest.mark.parametrize("part", ["operations", "channels"])
def test_the_official_schema_bites(part: str) -> None:
    """An operation or a channel that is none is refused: the check above is one."""
    wrong = copy.deepcopy(document())
    next(iter(wrong[part].values()))["action" if part == "operations" else "messages"] = "publish"
    assert not OFFICIAL.is_valid(wrong)


def test_every_reference_leads_somewhere() -> None:
    """Channels name messages that are there, operations name channels and messages of them, payloads name files."""
    found = list(references(DOCUMENT))
    assert len(found) > len(CHANNELS)
    assert all(isinstance(resolved(reference), dict) for reference in found)
    for name, operation in DOCUMENT["operations"].items():
        place = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{place}/messages/") for message in operation["messages"]), name


def test_every_message_has_its_place() -> None:
    """No schema is left out but those that travel within another, and no event or signal type is."""
    used = {message.schema for channel in CHANNELS for message in channel.messages}
    assert (READ | WRITTEN).keys() - used == {"policy", "catalogue"}
    named = {message.name for channel in CHANNELS for message in channel.messages}
    assert named >= {*EventType, *SignalType}


KEPT_DAYS = {
    "aggregation.events": 430,
    "remediation.connect-fix": 400,
    "remediation.relink": 400,
    "remediation.remove-duplicate": 400,
    "remediation.consent-renewal": 400,
    "remediation.otp-escalation": 400,
    "remediation.support-ticket": 400,
    "remediation.lookup": 7,
    "remediation.canary": 1,
    "account.health": None,
    "institution.signals": 430,
    "institution.health": None,
    "audit.decisions": 430,
    "aggregation.dead-letter": 14,
    "txpush.subscriptions": None,
    "vendor.auth": None,
}
"""How long each topic is kept, once more and by hand; None is compacted."""
DAY_MS = 86_400_000


def test_topics_are_as_agreed() -> None:
    """Topics as they are applied: names, retention, and the refusal of the future; state tables are nobody else's."""
    applied = {topic.name: topic.config for topic in topics.contract() if not topic.name.endswith("-changelog")}
    assert applied.keys() == KEPT_DAYS.keys()
    for name, days in KEPT_DAYS.items():
        assert applied[name]["cleanup.policy"] == ("compact" if days is None else "delete")
        assert applied[name].get("retention.ms") == (None if days is None else str(days * DAY_MS))
    ahead = {name: config.get("message.timestamp.after.max.ms") for name, config in applied.items()}
    assert {name: limit for name, limit in ahead.items() if limit is not None} == {
        "aggregation.events": "300000",
        "institution.signals": "300000",
    }
    assert topics.Layout() == topics.Layout(12, 3)


def test_channels_are_the_topics() -> None:
    """The document says of every topic what is applied to it."""
    applied = {topic.name: topic.config for topic in topics.contract()}
    for channel in CHANNELS:
        kafka, config = DOCUMENT["channels"][channel.address]["bindings"]["kafka"], applied[channel.address]
        said = kafka["topicConfiguration"]
        assert said["cleanup.policy"] == [config["cleanup.policy"]]
        assert said.get("retention.ms") == (int(config["retention.ms"]) if "retention.ms" in config else None)


def test_senders_are_those_that_the_agent_lets_in() -> None:
    """Who may send an event by the document is who may by the intake."""
    (events,) = (channel for channel in CHANNELS if channel.address == topics.EVENTS)
    said = {message.name: {SENDERS[one] for one in message.by} for message in events.messages}
    assert said.pop("connect.*") == {Source.BRIDGE}
    assert said == {str(name): set(sources) for name, sources in EVENT_SOURCES.items()}


def test_the_version_is_that_of_the_package() -> None:
    """The contract is released with the package, under its version."""
    project = tomllib.loads((PLACE.parent / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION == DOCUMENT["info"]["version"]
