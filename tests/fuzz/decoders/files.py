"""What people write or are sent: links, policies, the settings of callers, files of events."""

from collections.abc import Sequence

import orjson

from schemas.cloudevents import to_structured
from schemas.events import OverrideAction
from schemas.policy import Policy, PolicyError
from streams.links import FixLinks, LinkError
from streams.simulate.lines import UnreadableLine, read_line
from tests.fuzz.decoders.decoder import AT, HOSTILE, ROOT, Decoder, payloads
from tests.unit.fold.build import activated, connected, looked, overridden

LINKS = FixLinks([b"k" * 32, b"l" * 32], "https://fix.example.com")
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
        policy = Policy.from_toml(data.decode("utf-8", "replace"))
    except PolicyError:
        return "refused"
    assert Policy.model_validate_json(policy.model_dump_json()).sha256 == policy.sha256
    return "policy"


def _policy_seeds() -> Sequence[bytes]:
    shipped = (ROOT / "schemas" / "policy.toml").read_bytes()
    deep = b"version = " + b"[" * 3000
    odd = b'version = "x"\n[otp]\nwindow_days = 9223372036854775808\n[contact]\nreminder_days = [inf, nan, 1]\n'
    return [shipped, deep, odd, b"a = " + b"9" * 5000, b"a = 2026-11-01T03:00:00Z", b"a.b.c.d = 1", b"\xff", b""]


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
        *(start % source + body.replace(b"\n", b" ") + b"}" for source, body in captured),
        *HOSTILE,
    ]


FILES = (
    Decoder(
        "link",
        _link,
        lambda: [TOKEN.encode(), TOKEN.encode() + b"=", TOKEN[:-1].encode(), b"\xff" * 51, b"A" * 51, b""],
        frozenset({"opened"}),
    ),
    Decoder("policy", _policy, _policy_seeds, frozenset({"policy"})),
    Decoder("simulate", _line, _line_seeds, frozenset({"event txpush", "capture txpush", "capture connect"})),
)
