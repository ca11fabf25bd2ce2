"""An export that is shared: nobody's id in it, and yet the same decisions follow from its events."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from backports.zstd import decompress
from click.testing import CliRunner

from streams.cli import txpush
from streams.export.choices import ExportError
from streams.export.names.altering import Alteration
from streams.export.names.names import Names
from streams.fold.effects import Headers
from streams.fold.intake import partition_of
from streams.history import Content, Place
from streams.history.exports.history import ExportOrigin
from streams.history.exports.lines import ExportedRecord, lines_of
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, EVENTS, SIGNALS
from streams.pseudonyms import Kind, Pseudonyms
from streams.testing.history import MemoryOrigin
from tests.component.export.build import CUSTOMERS, KEY, exported, forgotten, origin_of, plain, read, traffic

GONE = CUSTOMERS[5]


@pytest.fixture(scope="module")
def origin() -> MemoryOrigin:
    with traffic(forgotten(GONE, 4000)) as topology:
        return origin_of(topology)


def everything(folder: Path) -> bytes:
    """Give all bytes of an export: the manifest, names of files, and lines."""
    found = [str(path.relative_to(folder)).encode() for path in folder.rglob("*")]
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found.append(decompress(content) if path.suffix == ".zst" else content)
    return b"\n".join(found)


def commands(folder: Path) -> dict[str, Any]:
    """Give the commands of an export by topic and id."""
    history = ExportOrigin(folder).opened()
    return {
        f"{topic} {dict(record.headers)['ce_id'].decode()}": orjson.loads(record.value or b"")
        for topic in CUSTOMER_COMMANDS
        for number in range(history.partitions)
        for piece in history.pieces(Place(topic, number))
        for record in piece
    }


def simulated(folder: Path) -> dict[str, Any]:
    """Give the commands that the events of an export lead to."""
    done = CliRunner().invoke(txpush, ["simulate", str(folder)])
    assert done.exit_code == 0, done.output
    messages = map(orjson.loads, done.stdout.splitlines())
    return {f"{one['type']} {one['id']}": one["data"] for one in messages if one["type"] in CUSTOMER_COMMANDS}


def test_no_id_is_left(origin: MemoryOrigin, tmp_path: Path) -> None:
    """Not in keys, headers, values, state, free text or the manifest; the same name stands for an id all over."""
    exported(origin, tmp_path / "whole")
    assert all(one.encode() in everything(tmp_path / "whole") for one in CUSTOMERS)
    folder = tmp_path / "shared"
    exported(origin, folder, content=Content.PSEUDONYMISED, customers=())
    found = everything(folder)
    assert [one for one in CUSTOMERS if one.encode() in found] == []
    assert b"https://" not in found
    name = Names(KEY, 3, None).customer(CUSTOMERS[0])
    assert name.startswith(Pseudonyms([KEY]).name(Kind.CUSTOMER, CUSTOMERS[0]))
    for topic in (EVENTS, SIGNALS, AUDIT, "account.health", "txpush-agent-logins-changelog", "remediation.connect-fix"):
        exported(origin, tmp_path / topic, topics=[topic], content=Content.PSEUDONYMISED)
        assert name.encode() in everything(tmp_path / topic), topic


def test_the_same_decisions_follow(origin: MemoryOrigin, tmp_path: Path) -> None:
    """Commands derived from the events under other names are the commands of the export, ids and evidence as well."""
    folder = tmp_path / "shared"
    exported(origin, folder, content=Content.PSEUDONYMISED)
    recorded = commands(folder)
    assert len(recorded) > 30
    assert simulated(folder) == recorded


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_the_name_of_an_id_is_told(origin: MemoryOrigin, tmp_path: Path, customer: str) -> None:
    """`txpush pseudonym --export` gives the key that a customer's records have in the export."""
    exported(origin, tmp_path, topics=[EVENTS], content=Content.PSEUDONYMISED)
    told = CliRunner().invoke(
        txpush,
        ["pseudonym", "--kind", "customer", "--export", str(tmp_path), customer],
        env={"TXPUSH_PSEUDONYM_KEYS": KEY.hex()},
    )
    assert told.exit_code == 0, told.output
    assert f'"key":"{told.stdout.strip()}"'.encode() in everything(tmp_path)


def test_no_name_of_an_export_that_is_not_there(tmp_path: Path) -> None:
    """Refused in the words of the reader."""
    words, key = ["pseudonym", "--export", str(tmp_path), "7"], {"TXPUSH_PSEUDONYM_KEYS": KEY.hex()}
    told = CliRunner().invoke(txpush, words, env=key)
    assert (told.exit_code, "manifest.json" in told.output) == (2, True)


def test_a_whole_export_has_no_names(origin: MemoryOrigin, tmp_path: Path) -> None:
    """Everybody has their id in it."""
    exported(origin, tmp_path, topics=[EVENTS])
    words, key = ["pseudonym", "--export", str(tmp_path), "7"], {"TXPUSH_PSEUDONYM_KEYS": KEY.hex()}
    told = CliRunner().invoke(txpush, words, env=key)
    assert (told.exit_code, told.stderr) == (2, f"{tmp_path} is a whole export: everybody has their id in it\n")


def test_names_lie_where_their_customers_do() -> None:
    """A key belongs to its partition still, so that a reader checks it as ever."""
    names = Names(KEY, 12, None)
    every = [names.customer(one) for one in CUSTOMERS]
    assert [partition_of(one, 12) for one in every] == [partition_of(one, 12) for one in CUSTOMERS]
    assert len(set(every)) == len(CUSTOMERS)
    assert every == [Names(KEY, 12, frozenset(CUSTOMERS)).customer(one) for one in CUSTOMERS]


def test_who_was_forgotten_has_another_name_in_a_plain_export(origin: MemoryOrigin, tmp_path: Path) -> None:
    """All over, also before the order; everybody else's records are as they were, but for links."""
    folder = tmp_path / "plain"
    manifest = exported(origin, folder, content=Content.STRIPPED)
    found = everything(folder)
    assert [one for one in CUSTOMERS if one.encode() not in found] == [GONE]
    assert manifest.forgotten == 1
    assert b"https://fix" not in found
    assert simulated(folder) == commands(folder)

    async def compared() -> None:
        async with origin.open() as there, ExportOrigin(folder).open() as here:
            for place in await here.spans([EVENTS, AUDIT]):
                pairs = zip(plain(await read(here, place)), plain(await read(there, place)), strict=True)
                assert all(one == other for one, other in pairs if GONE not in str(other))

    asyncio.run(compared())


def test_without_a_link_a_command_is_as_it_is_audited(origin: MemoryOrigin, tmp_path: Path) -> None:
    """Byte for byte: its hash is that of the audit record."""
    folder = tmp_path / "plain"
    exported(origin, folder, content=Content.STRIPPED)
    history = ExportOrigin(folder).opened()

    def values(topic: str) -> list[bytes]:
        numbers = range(history.partitions)
        return [one.value or b"" for n in numbers for piece in history.pieces(Place(topic, n)) for one in piece]

    audited = {one["sha256"] for value in values(AUDIT) for one in orjson.loads(value)["messages"]}
    kept = [value for topic in CUSTOMER_COMMANDS for value in values(topic) if GONE not in str(value)]
    named = sum(b'"c_' in value for value in kept)
    assert 0 < named < len(kept)
    assert sum(hashlib.sha256(value).hexdigest() in audited for value in kept) == len(kept) - named


def test_a_customer_alone(origin: MemoryOrigin, tmp_path: Path) -> None:
    """Whose decisions are the same, as rules and ticks are there."""
    folder = tmp_path / "one"
    exported(origin, folder, content=Content.STRIPPED, customers=(CUSTOMERS[1],))
    assert {one["customer_id"] for one in commands(folder).values()} == {CUSTOMERS[1]}
    assert simulated(folder) == commands(folder)
    found = everything(folder)
    assert [one for one in CUSTOMERS if one.encode() in found] == [CUSTOMERS[1]]


def test_without_a_key_nobody_is_named(origin: MemoryOrigin, tmp_path: Path) -> None:
    """Where somebody was forgotten a key is needed, in words; nothing of it is an export."""
    with pytest.raises(ExportError, match=r"1 customers were forgotten.*set TXPUSH_PSEUDONYM_KEYS"):
        exported(origin, tmp_path / "plain", content=Content.STRIPPED, key=b"")


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ((), b'{"customerId":7000000005,"other":{"n":7000000005}}'),
        ((), b'{"a":' * 400 + b'"7000000005"' + b"}" * 400),
        ((("seen by 7000000005", b"x"),), b"{}"),
    ],
)
def test_what_nobody_can_read_names_nobody(headers: Headers, value: bytes) -> None:
    """Ids as numbers, nested deeper than anything is read, in the name of a header: they are exported as well."""
    record = ExportedRecord(0, 0, GONE.encode(), value, headers)
    altered = Alteration(Names(KEY, 3, None), frozenset())(EVENTS, record)
    assert altered is not None
    assert GONE.encode() not in lines_of([altered])
