"""What becomes of a record on its way into an export that is no whole one: no links, other names, fewer customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.canary import CANARY_TOPIC
from schemas.problems import UNREADABLE
from streams.export.names.commands import command_ids
from streams.export.names.fields import Walk
from streams.export.names.names import Names
from streams.export.reading import Altered
from streams.fold import messages
from streams.fold.effects import Headers, SourceRecord
from streams.history import Content, History
from streams.history.exports.lines import ExportedRecord
from streams.kafka.topics import (
    AGENT,
    AUDIT,
    CUSTOMER_COMMANDS,
    DEAD_LETTER,
    EVENTS,
    HEALTH,
    INSTITUTIONS,
    LOOKUP,
    SIGNALS,
    changelog,
)

LINK = "fix_url"
STANDINGS = changelog(INSTITUTIONS, "standings")
LOGINS = changelog(AGENT, "logins")
OF_CUSTOMERS = frozenset(
    {EVENTS, *CUSTOMER_COMMANDS, LOOKUP, CANARY_TOPIC, HEALTH, AUDIT, DEAD_LETTER}
    | {changelog(AGENT, table) for table in ("accounts", "logins", "customers")}
)
"""Topics whose keys are, or begin with, the id of a customer where they have one."""
NESTED = "reduced"
"""Field of a dead letter: JSON in a text."""
SUBJECT = "ce_subject"


@dataclass(frozen=True, slots=True)
class Altering:
    """How records are altered; the same in another process.

    Attributes:
        content: pseudonymised, or only without links and without who was forgotten.
        key: what names are made with; of no matter where there are none.
        forgotten: customers who were forgotten.
        customers: whose records alone are wanted; empty for everybody's.
    """

    content: Content
    key: bytes
    forgotten: frozenset[str] = frozenset()
    customers: frozenset[str] = frozenset()

    async def of_partition(self, history: History, number: int) -> Altered:
        """Give what alters the records of a partition; its commands are read first where their ids will be others."""
        whose = None if self.content is Content.PSEUDONYMISED else self.forgotten
        if whose is not None and not whose:
            return Alteration(None, self.customers)
        names = Names(self.key, history.partitions, whose)
        ids = await command_ids(history, number, names)
        return Alteration(Names(self.key, history.partitions, whose, ids), self.customers)


class Alteration:
    """Alters the records of a partition; without names only links go, and customers who are not wanted."""

    def __init__(self, names: Names | None, customers: frozenset[str]) -> None:
        self._names = names
        self._customers = customers

    def __call__(self, topic: str, record: SourceRecord) -> SourceRecord | None:
        """Give a record as it is exported; None where it is not."""
        if self._customers and not self._is_wanted(topic, record):
            return None
        if topic in CUSTOMER_COMMANDS and record.value is not None and LINK.encode() in record.value:
            record = _with(record, value=without_link(record.value))
        return record if self._names is None else named(self._names, topic, record)

    def _is_wanted(self, topic: str, record: SourceRecord) -> bool:
        """Tell whether it is of a customer who is wanted, or of nobody, as rules and incidents are."""
        if record.key is None:
            return True
        if topic == SIGNALS:
            data = _loaded(record.value)
            return isinstance(data, dict) and data.get("customer_id") in self._customers
        return topic in OF_CUSTOMERS and _first(record.key) in self._customers


def without_link(value: bytes) -> bytes:
    """Give a command without its link, byte for byte as it is audited where the agent wrote it."""
    stripped = messages.without_link(value)
    if stripped != value:
        return stripped
    data = _loaded(value)
    return orjson.dumps({name: one for name, one in data.items() if name != LINK}) if isinstance(data, dict) else value


def named(names: Names, topic: str, record: SourceRecord) -> SourceRecord:
    """Give a record with other names; it is the same record where nobody in it has one."""
    customer = _first(record.key) if topic in OF_CUSTOMERS and record.key is not None else None
    walk = Walk(names, customer, of_institution=topic not in OF_CUSTOMERS)
    key = _key(walk, topic, record.key)
    value = _value(walk, record.value)
    headers = [(name, _header(walk, name, content)) for name, content in record.headers]
    if not walk.met and not names.is_for_all:
        return record
    return _with(record, key=key, value=value, headers=tuple(_scrubbed(walk, headers)))


def _key(walk: Walk, topic: str, key: bytes | None) -> bytes | None:
    if key is None:
        return None
    parts = key.decode(errors="replace").split("/")
    if topic == STANDINGS:
        parts = [*parts[:2], *walk.path("/".join(parts[2:]), "login").split("/")]
    elif topic in OF_CUSTOMERS and walk.applies:
        rest = [walk.login(one) if topic == LOGINS else walk.account(one) for one in parts[1:]]
        parts = [walk.customer(parts[0]), *rest]
    else:
        return key
    return "/".join(parts).encode()


def _value(walk: Walk, value: bytes | None) -> bytes | None:
    if not value:
        return value
    try:
        return _renamed(walk, value)
    except (*UNREADABLE, orjson.JSONEncodeError):
        # Nobody knows what stands in it, or it is nested deeper than anything of ours.
        return None if walk.applies else value


def _renamed(walk: Walk, value: bytes) -> bytes:
    """Give JSON with other names in it; raises one of UNREADABLE, or JSONEncodeError, for what is none."""
    data = _loaded(value)
    if data is None:
        raise ValueError("it is no JSON, or a single value")
    changed = walk.over(data)
    if isinstance(changed, dict) and isinstance(changed.get(NESTED), str) and walk.applies:
        inner = _loaded(changed[NESTED].encode())
        changed[NESTED] = None if inner is None else orjson.dumps(walk.over(inner)).decode()
    return orjson.dumps(walk.scrubbed(changed))


def _header(walk: Walk, name: str, content: bytes) -> bytes:
    if not content or not walk.applies:
        return content
    text = content.decode(errors="replace")
    if name == "ce_id":
        return str(walk.message(text)).encode()
    if name == SUBJECT:
        return _subject(walk, text).encode()
    return content


def _subject(walk: Walk, text: str) -> str:
    """Name whom a subject is about: `customers/X`, `customers/X/logins/Y`, `customers/X/accounts/Y`."""
    parts = text.split("/")
    named_by = {"customers": walk.customer, "logins": walk.login, "accounts": walk.account}
    for kind, place in zip(parts[::2], range(1, len(parts), 2), strict=False):
        if kind in named_by:
            parts[place] = named_by[kind](parts[place])
    return "/".join(parts)


def _scrubbed(walk: Walk, headers: Headers) -> Headers:
    return [
        (
            str(walk.scrubbed(name)),
            str(walk.scrubbed(content.decode(errors="replace"))).encode() if content else content,
        )
        for name, content in headers
    ]


def _with(record: SourceRecord, **changes: Any) -> SourceRecord:  # noqa: ANN401 - fields
    fields = {"key": record.key, "value": record.value, "headers": record.headers, **changes}
    return ExportedRecord(offset=record.offset, timestamp=record.timestamp, **fields)


def _first(key: bytes) -> str:
    return key.partition(b"/")[0].decode(errors="replace")


def _loaded(value: bytes | None) -> Mapping[str, Any] | list[Any] | None:
    """Read JSON; None for what is none."""
    try:
        data = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict | list) else None
