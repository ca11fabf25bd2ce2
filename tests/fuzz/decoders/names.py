"""Records of any topic, given other names on their way into an export that is shared."""

import re

from schemas.cloudevents import to_headers, to_value
from schemas.times import to_epoch_ms
from streams.export.names.altering import Alteration
from streams.export.names.commands import _ids
from streams.export.names.names import Names
from streams.history import Place
from streams.history.exports.lines import lines_of, records_of
from streams.kafka.topics import AGENT, CUSTOMER_COMMANDS, DEAD_LETTER, EVENTS, HEALTH, LOOKUP, SIGNALS, changelog
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder, headers_in, parts
from tests.fuzz.standins import Stored
from tests.unit.fold.build import looked

MS = to_epoch_ms(AT)
RENAMED = (
    *(EVENTS, *CUSTOMER_COMMANDS, LOOKUP, DEAD_LETTER, HEALTH, SIGNALS),
    *(changelog(AGENT, table) for table in ("accounts", "logins", "customers", "surroundings")),
)
WHO = b"7000000042"
NAMES = Names(bytes(32), 1, None, {})
LEFT = re.compile(rb"(?<![0-9A-Za-z])7000000042(?![0-9A-Za-z])")
ALTERED = Alteration(NAMES, frozenset())
ALONE = Alteration(None, frozenset({WHO.decode()}))


def _names(data: bytes) -> str:
    """Give other names in a record of any topic: it can be written, and the customer of its key is not in it."""
    key, headers, value = parts(data[1:], 3)
    found = [(name.decode("latin-1"), content) for name, content in headers_in(headers)]
    topic = RENAMED[(data[:1] or b"\0")[0] % len(RENAMED)]
    record = Stored(topic, key or None, value or None, MS, found)
    assert all(len(pair) == 2 for pair in _ids(Place(topic, 0), record.value, MS, dict(found), NAMES))
    altered = ALTERED(topic, record)
    ALONE(topic, record)
    assert altered is not None
    (again,) = records_of(lines_of([altered]))
    if topic == EVENTS and key == WHO:
        said = [again.value or b"", *(part or b"" for name, text in again.headers for part in (name.encode(), text))]
        assert [one for one in said if LEFT.search(one)] == []
    return "renamed" if again.value != record.value else "same"


def _names_seeds() -> list[bytes]:
    event = looked(WHO.decode(), 185, AT)
    good = BETWEEN.join(
        (WHO, b"\n".join(b"%b:%b" % (name.encode(), text) for name, text in to_headers(event)), to_value(event.data))
    )
    every = [bytes([number]) for number in range(len(RENAMED))]
    deep = [b'{"a":' * depth + b"7" + b"}" * depth for depth in (100, 200, 260, 400, 1000)]
    odd = [WHO + BETWEEN + BETWEEN + one for one in (*HOSTILE, *deep, b"7", b'"7000000042"', b'{"a":7000000042}')]
    odd += [WHO + b"/" + one + BETWEEN + b"ce_id:\xff" + BETWEEN + b"{}" for one in (b"", b"\xff/", b"a/b/c", b"//")]
    asked = b'{"customer_id":"7000000042","institution_login_id":null,"action":"look","account_ids":["5"]}'
    lookups = [
        bytes([RENAMED.index(LOOKUP)]) + WHO + BETWEEN + b"ce_id:%b" % one + BETWEEN + asked
        for one in (b"lookup:1", b"\xff")
    ]
    return [*lookups, *(one + good for one in every), *(one + bad for one in every[:3] for bad in odd), b""]


NAMED = (Decoder("names", _names, _names_seeds, frozenset({"renamed", "same"})),)
