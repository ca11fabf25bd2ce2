"""The contract as one AsyncAPI 3 document: topics as channels, records as messages, who sends and who receives them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from schemas.contract import VERSION
from schemas.contract.channels import CHANNELS, PARTITIONS, REPLICAS, Channel, Component, Message
from schemas.contract.messages import Document, schema_of

BINDING = "0.5.0"
FORMAT = "application/schema+json;version=draft-2020-12"
TEXT = """What other programs see of txpush-remediation. Records are CloudEvents 1.0 in Kafka's binary mode.

Read with isolation level read_committed. Ignore fields that you do not know, and treat a value that you do not know of
an enum marked x-extensible-enum as another one. Keep the highest sequence of each command_id, durably, and skip what is
at or below it; contact nobody after not_after."""

_ATTRIBUTES = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "maxLength": 256, "description": "The same for the same record sent again."},
    "ce_type": {"type": "string", "maxLength": 256, "description": "The name of the message."},
    "ce_source": {"type": "string", "maxLength": 256, "description": "The component that wrote it."},
    "ce_time": {"type": "string", "format": "date-time", "description": "Event time; the timestamp of the record."},
    "ce_subject": {"type": "string", "maxLength": 256},
    "ce_dataschema": {
        "type": "string",
        "description": "urn:txpush-remediation:<version>:<schema>; left out, the version is 1. "
        "A reader of an older version stops rather than misread.",
    },
    "content-type": {"type": "string", "const": "application/json"},
}
_REQUIRED = ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type"]


def document() -> Document:
    """Give the document; its references are relative to the folder of the schemas."""
    messages = {message_id(message): message for channel in CHANNELS for message in channel.messages}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:txpush-remediation",
        "info": {
            "title": "txpush-remediation",
            "version": VERSION,
            "description": TEXT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {channel.address: _channel(channel) for channel in CHANNELS},
        "operations": {name: operation for channel in CHANNELS for name, operation in _operations(channel)},
        "components": {
            "messages": {name: _message(message) for name, message in sorted(messages.items())},
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }


def message_id(message: Message) -> str:
    """Name a message where a name may hold no star."""
    return message.name.removesuffix(".*")


def _server() -> Document:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The user's own cluster.",
        "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "TXPUSH_BOOTSTRAP"}},
    }


def _headers() -> Document:
    return {"type": "object", "required": _REQUIRED, "properties": _ATTRIBUTES}


def _channel(channel: Channel) -> Document:
    return {
        "address": channel.address,
        "description": channel.text,
        "messages": {
            message_id(message): {"$ref": f"#/components/messages/{message_id(message)}"}
            for message in channel.messages
        },
        "bindings": {"kafka": _kafka(channel)},
        "x-key": channel.key,
    }


def _kafka(channel: Channel) -> Document:
    settings: dict[str, Any] = {"cleanup.policy": ["compact"]}
    if channel.kept_days is not None:
        kept = timedelta(days=channel.kept_days) // timedelta(milliseconds=1)
        settings = {"cleanup.policy": ["delete"], "retention.ms": kept}
    return {
        "topic": channel.address,
        "partitions": PARTITIONS,
        "replicas": REPLICAS,
        "topicConfiguration": settings,
        "bindingVersion": BINDING,
    }


def _message(message: Message) -> Document:
    schema = schema_of(message.schema)
    headers = {"traits": [{"$ref": "#/components/messageTraits/cloudEvent"}]} if message.is_cloud_event else {}
    return {
        "name": message.name,
        "title": schema["title"],
        "summary": schema["description"].partition("\n")[0],
        "contentType": "application/json",
        **headers,
        "payload": {"schemaFormat": FORMAT, "schema": {"$ref": f"./json/{message.schema}.schema.json"}},
    }


def _operations(channel: Channel) -> Iterable[tuple[str, Document]]:
    """Name what each component sends to a channel, and who receives all of it."""
    for component in Component:
        sent = [message for message in channel.messages if component in message.by]
        if sent:
            yield f"{component}-sends-{channel.address}", _operation(channel, component, "send", sent)
    for component in channel.to:
        yield f"{component}-receives-{channel.address}", _operation(channel, component, "receive", channel.messages)


def _operation(channel: Channel, component: Component, action: str, messages: Iterable[Message]) -> Document:
    place = f"#/channels/{channel.address}"
    return {
        "action": action,
        "channel": {"$ref": place},
        "messages": [{"$ref": f"{place}/messages/{message_id(message)}"} for message in messages],
        "tags": [{"name": component}],
        "x-component": component,
    }
