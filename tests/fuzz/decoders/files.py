"""What people write or are sent: links, policies, the settings of callers, files of events."""

import gzip
import zlib
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress
from io import BytesIO, StringIO
from pathlib import Path
from unittest.mock import patch

import click
import orjson

from schemas.catalogue import Catalogue, CatalogueError
from schemas.cloudevents import to_structured
from schemas.events import OverrideAction
from schemas.policy import Policy, PolicyError
from schemas.vendor import valid_identifier
from streams.history.origins import former_names
from streams.links import FixLinks, LinkError
from streams.operate.letters.choosing import LetterName, Moment
from streams.operate.letters.kept import LetterId
from streams.operate.override import Until
from streams.settings import Settings
from streams.simulate.files import MAX_LINE, UnreadableFile, lines
from streams.simulate.lines import UnreadableLine, read_line
from streams.subscriptions.choice import MAX_FAULTS, ChoiceError, listed
from streams.subscriptions.held import Account
from streams.sweep.command import _customers
from tests.fuzz.decoder import AT, HOSTILE, ROOT, Decoder, payloads
from tests.fuzz.standins import file_of, scratch, small_catalogue
from tests.unit.fold.build import activated, connected, looked, overridden

SETTINGS = Settings.model_construct()
LINKS = FixLinks([b"k" * 32, b"l" * 32], "https://fix.example.com")
PROXY_SECRET = "p" * 32
COMMAND = "5b0c1111-0000-5000-8000-000000000000"
TOKEN = LINKS.token(COMMAND, AT)


def _link(data: bytes) -> str:
    """Read the last part of a link: nothing opens but what we sealed."""
    try:
        found = LINKS.read(data.decode("utf-8", "replace"), AT)
    except LinkError as error:
        return type(error).__name__
    assert found == COMMAND
    assert data.decode() == TOKEN
    return "opened"


def _policy(data: bytes) -> str:
    """Read a policy as an operator's file: what was read is written and read the same."""
    try:
        with file_of(data) as path:
            policy = Policy.load(path)
    except PolicyError:
        return "refused"
    assert Policy.model_validate_json(policy.model_dump_json()).sha256 == policy.sha256
    return "policy"


def _policy_seeds() -> Sequence[bytes]:
    shipped = (ROOT / "schemas" / "policy.toml").read_bytes()
    deep = b"version = " + b"[" * 3000
    odd = b'version = "x"\n[otp]\nwindow_days = 9223372036854775808\n[contact]\nreminder_days = [inf, nan, 1]\n'
    return [shipped, deep, odd, b"a = " + b"9" * 5000, b"a = 2026-11-01T03:00:00Z", b"a.b.c.d = 1", b"\xff", b""]


def _former(data: bytes) -> str:
    """Read the file that an import has left: what was read is names of logs."""
    with scratch() as folder:
        written = Path(folder) / "restored.json"
        written.write_bytes(data)
        try:
            names = former_names(click.Context(click.Command("verify")), click.Option(["--former"]), [str(written)])
        except click.BadParameter:
            return "refused"
    assert all(name.count("/") == 1 for name in names)
    return "names" if names else "none"


def _former_seeds() -> Sequence[bytes]:
    good = b'{"chains": {"aggregation.events": "cluster/topic", "institution.signals": "cluster/other"}}'
    deep = b'{"chains": ' + b"[" * 3000
    return [good, b'{"chains": {}}', b'{"chains": {"a": "b"}}', b'{"chains": {"a": null}}', deep, b"\xff", b"", b"[]"]


def _line(data: bytes) -> str:
    """Read a line of a file for `txpush simulate`; what was read is an event that can be written."""
    try:
        read = read_line(data)
    except UnreadableLine:
        return "refused"
    for event in read.events:
        orjson.dumps(to_structured(event))
    kinds = sorted({event.type.partition(".")[0] for event in read.events})
    return f"{'capture' if read.is_capture else 'event'} {' '.join(kinds) or 'set aside'}"


def _line_seeds() -> Sequence[bytes]:
    events = [
        looked("7", 185, AT),
        connected("7", "done", AT),
        overridden(OverrideAction.SILENCE, AT, "7"),
        activated(AT, Policy.load()),
    ]
    versioned = (
        orjson.dumps(to_structured(events[0])).removesuffix(b"}") + b',"dataschema":"urn:txpush-remediation:%b:x"}'
    )
    start = b'{"received_at":"2026-11-01T03:00:00Z","source":"%b","body":'
    captured = [(b"txpush", body) for body in payloads("txpush")] + [
        (b"connect", body) for body in payloads("dataconnect")
    ]
    captured += [
        (b"api", b'{"id":"1","customerId":"7","aggregationStatusCode":103}'),
        (b"operator", b'{"action":"silence"}'),
    ]
    captured += [(source, body) for source in (b"txpush", b"api", b"nobody") for body in HOSTILE]
    return [
        *(orjson.dumps(to_structured(event)) for event in events),
        *(versioned % version for version in (b"1", b"000001", b"9", b"9" * 5000, "\u0661".encode())),
        *(start % source + body.replace(b"\n", b" ") + b"}" for source, body in captured),
        *HOSTILE,
    ]


def _file(data: bytes) -> str:
    """Read a file line by line, plain or, by its first byte, packed; what comes is lines of a bounded length."""
    content = gzip.compress(data[1:], 1, mtime=0) if data[:1] == b"z" else data[1:]
    if _has_many_lines(content):
        return "many"
    before = 0
    with file_of(content) as path:
        try:
            for number, line in lines(str(path)):
                assert number > before
                assert 0 < len(line) <= MAX_LINE
                assert b"\n" not in line
                before = number
        except UnreadableFile as error:
            return "damaged" if "damaged" in str(error) else "refused"
    return "lines" if before else "nothing"


def _has_many_lines(content: bytes) -> bool:
    """Tell whether it takes long for no other reason than its length, as a packed one of empty lines does."""
    found = 0
    with suppress(EOFError, OSError, zlib.error), gzip.GzipFile(fileobj=BytesIO(content)) as packed:
        while found <= MANY_LINES and (piece := packed.read1(MAX_LINE)):
            found += piece.count(b"\n")
    return found > MANY_LINES


MANY_LINES = 100_000


def _file_seeds() -> Sequence[bytes]:
    packed = gzip.compress(b'{"a":1}\n\n{"b":2}\n' * 50, mtime=0)
    bombs = [b"p" + gzip.compress(one, mtime=0) for one in (b"\0" * (MAX_LINE + 1), b"\n" * 50_000, b"\n" * (1 << 20))]
    damaged = [packed[:cut] for cut in (2, 3, 9, 10, 11, 20, -9, -8, -1)] + [packed.replace(b"\x8b\x08", b"\x8b\x07")]
    damaged += [
        packed + b"more",
        packed + packed,
        packed[:-8] + b"\0" * 8,
        gzip.compress(b"\n" * (1 << 20), mtime=0)[:-9],
        b"\x1f\x8b" * 20,
        packed[:3] + b"\xff" + packed[4:],
    ]
    plain = (b'{"a":1}\n{"b":2}', b"\xef\xbb\xbf{}\r\n", b"\n \n", b"\x1f", b"")
    return [*(kind + one for kind in (b"p", b"z") for one in plain), *(b"p" + one for one in damaged), *bombs]


def _accounts(data: bytes) -> str:
    """Read the file of accounts to subscribe and that of customers to sweep: a line is ids, or its number is told."""
    with file_of(data) as path, redirect_stderr(StringIO()) as said:
        try:
            accounts, faults = listed(path), ""
        except ChoiceError as error:
            accounts, faults = [], str(error)
        assert all(Account.of(one.key) == one for one in accounts)
        assert len(faults.splitlines()) <= MAX_FAULTS + 1
        outcome = "refused" if faults else "accounts" if accounts else "no accounts"
        try:
            customers = _customers(path)
            assert all(customer == valid_identifier(customer) for customer in customers)
        except SystemExit:
            assert said.getvalue()
            return f"{outcome}, refused"
    return f"{outcome}, {'customers' if customers else 'no customers'}"


def _account_seeds() -> Sequence[bytes]:
    good = b"# of last month\n7000000042,5900000001\n\n 7000000042 , 5900000002\r\n7000000042,5900000001\n"
    odd = (
        b"7000000042",
        b"7,5/6",
        b"7,",
        b",",
        b"7,5,6",
        b"\xff,5",
        b"7\x0b,5",
        b"7\xe2\x80\xa8,5",
        b"9" * 500 + b",5",
        b"7,\0",
    )
    return [good, b"7000000042\n7000000043\n", *odd, b"x,y,z\n" * 30, b"\xef\xbb\xbf7,5", b"", b"#"]


def _catalogue(data: bytes) -> str:
    """Read a catalogue: each problem is told, by its code; what was read is written and read the same."""
    try:
        catalogue = Catalogue.from_json(data.decode("utf-8", "replace"))
    except CatalogueError:
        return "refused"
    assert Catalogue.from_json(catalogue.model_dump_json()).sha256 == catalogue.sha256
    return "catalogue"


def _catalogue_seeds() -> Sequence[bytes]:
    small = small_catalogue().model_dump_json().encode()
    odd = [
        b'{"entries":%b}' % one
        for one in (b"7", b"[7]", b"[[]]", b"[{}]", b'[{"code":' + b"9" * 5000 + b"}]", b'[{"code":1e999}]')
    ]
    odd += [
        b'{"version":"1","by_rule":[],"entries":[{"code":%b}],"entries":[]}' % one
        for one in (b"1", b'"\\ud800"', b"NaN")
    ]
    odd += [b'{"entries":[{"code":1,"a":' + b"[" * deep + b"]" * deep + b"}]}" for deep in (100, 190, 3000)]
    return [small, small.replace(b'"code":0', b'"code":999'), small.replace(b'"rank":1,', b""), *odd, *HOSTILE]


def _typed(data: bytes) -> str:
    """Read what an operator types: times, spans and the names of dead letters; a slip of the pen is told as such."""
    text = data.decode("utf-8", "surrogateescape")
    with patch("streams.operate.override.read_settings", lambda: SETTINGS):
        found = [_converted(one, text) for one in (Moment(), Until(), LetterName())]
    read = LetterId.read(text)
    assert read is None or LetterId.read(str(read)) == read
    return ",".join(found)


def _converted(kind: click.ParamType, text: str) -> str:
    try:
        return type(kind.convert(text, None, None)).__name__
    except click.BadParameter:
        return "-"


def _typed_seeds() -> Sequence[bytes]:
    times = (
        b"2026-11-01T03:00:00Z",
        b"2999-11-01T03:00:00+01:00",
        b"90m",
        b"99999d",
        b"now",
        b"0001-01-01T00:00:00+23:59",
    )
    return [
        *times,
        b"2/1041",
        b"events/2/1041",
        b"\xd9\xa1/\xd9\xa2",
        b"9" * 5000 + b"/1",
        b"\xff",
        b"2026-02-30",
        b"9999-12-31T23:59:59-23:59",
        b"",
    ]


FILES = (
    Decoder("accounts", _accounts, _account_seeds, frozenset({"accounts, refused", "refused, customers"})),
    Decoder("catalogue", _catalogue, _catalogue_seeds, frozenset({"catalogue", "refused"})),
    Decoder("file", _file, _file_seeds, frozenset({"lines", "nothing", "damaged", "refused"})),
    Decoder(
        "link",
        _link,
        lambda: [TOKEN.encode(), TOKEN.encode() + b"=", TOKEN[:-1].encode(), b"\xff" * 51, b"A" * 51, b""],
        frozenset({"opened"}),
    ),
    Decoder("former", _former, _former_seeds, frozenset({"names", "none", "refused"})),
    Decoder("policy", _policy, _policy_seeds, frozenset({"policy"})),
    Decoder("simulate", _line, _line_seeds, frozenset({"event txpush", "capture txpush", "capture connect"})),
    Decoder("typed", _typed, _typed_seeds, frozenset({"datetime,-,-", "datetime,datetime,-", "-,-,LetterId"})),
)
