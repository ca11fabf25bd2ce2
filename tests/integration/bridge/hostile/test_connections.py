"""Connections that are slow, many, long or ambiguous: each is answered or closed in time, and others are served."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.integration.bridge.hostile.target import (
    BODY,
    HEADER_SECONDS,
    KEY,
    MAX_BODY,
    READ_SECONDS,
    TOKEN,
    TXPUSH,
    Target,
)
from tests.integration.bridge.hostile.wire import Wire, chunked, head, request
from tests.unit.bridge.signed import txpush

pytestmark = pytest.mark.kafka

LONGEST = max(HEADER_SECONDS, READ_SECONDS) + 2
"""Seconds after which no slow client may hold its connection."""


@contextmanager
def trickling(target: Target) -> Iterator[dict[str, Wire]]:
    """Open connections that each stop somewhere else."""
    beginnings = {
        "says nothing": b"",
        "head": head(TXPUSH)[:-2],
        "body": head(TXPUSH, "Content-Length: 90000"),
        "chunks": head(TXPUSH, "Transfer-Encoding: chunked"),
        "asks first": head(TXPUSH, "Content-Length: 90000", "Expect: 100-continue"),
        "rests": request(TXPUSH, BODY, txpush(BODY, KEY)),
    }
    with ExitStack() as stack:
        wires = {name: stack.enter_context(target.wire()) for name in beginnings}
        for name, wire in wires.items():
            wire.send(beginnings[name])
        resting = wires["rests"].reply()
        assert resting is not None
        assert resting.status == 200
        yield wires


MORSEL_SECONDS = 0.02
MORSELS = {"head": b"X-A: b\r\n", "body": b"a", "chunks": b"1\r\na\r\n"}


def test_slow_clients_are_cut_off(target: Target) -> None:
    """Whoever trickles head or body, rests or is silent is answered 408 or closed; others are served meanwhile."""
    began = time.monotonic()
    with trickling(target) as wires:
        sent = 0
        while (passed := time.monotonic() - began) < max(HEADER_SECONDS, READ_SECONDS):
            if sent * MORSEL_SECONDS <= passed:
                sent += 1
                for name, morsel in MORSELS.items():
                    wires[name].send(morsel)
            asked = time.monotonic()
            assert target.post().status == 200
            assert time.monotonic() - asked < 1
        ends = {name: [reply.status for reply in wire.replies()] for name, wire in wires.items()}
    assert time.monotonic() - began < LONGEST
    assert [ends[name] for name in ("body", "chunks", "asks first")] == [[408]] * 3
    assert all(ends[name] in ([], [408]) for name in ("says nothing", "head", "rests"))


def test_many_silent_connections_keep_nobody_out(target: Target) -> None:
    """Five hundred clients that connect and say nothing: a notification is taken at once."""
    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(target.wire())
        asked = time.monotonic()
        assert target.post().status == 200
        assert time.monotonic() - asked < 1


def test_a_body_in_single_bytes_does_not_hold_the_loop(target: Target) -> None:
    """A chunk costs as much as its bytes: after some hundreds of tiny ones the answer is 413, and others are served."""
    with target.wire() as hostile:
        hostile.send(head(TXPUSH, "Transfer-Encoding: chunked"), chunked([b"a"] * 50_000))
        asked = time.monotonic()
        assert target.post().status == 200
        assert time.monotonic() - asked < 1
        reply = hostile.reply()
        assert reply is None or reply.status == 413


def test_a_chunked_body_past_the_limit(target: Target) -> None:
    """What no length declares is counted, and the connection ends there."""
    with target.wire() as wire:
        wire.send(head(TXPUSH, "Transfer-Encoding: chunked"), chunked([b"x" * 10_000] * (MAX_BODY // 10_000 + 2)))
        assert [reply.status for reply in wire.replies()] == [413]


FLOODS = {
    "500 headers": head("/nothing", *[f"X-{number}: a" for number in range(500)]),
    "a header of 100 kB": head("/nothing", "X-A: " + "a" * 100_000),
    "a target of 100 kB": head("/nothing?" + "a" * 100_000),
    "a name of 100 kB": head("/nothing", "X" * 100_000 + ": a"),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_floods_of_headers(target: Target, flood: bytes) -> None:
    """A head past 32 KiB or 100 headers is refused before its path is looked at, which would be 404."""
    assert target.status(flood) in {400, 414, 431}


def test_a_head_without_end_is_not_kept(target: Target) -> None:
    """Twenty clients that send headers for ever: each is cut off at 32 KiB."""
    before = target.megabytes()
    for _ in range(20):
        assert target.status(head(TXPUSH)[:-2], b"X-A: b\r\n" * 100_000) in {None, 431}
    assert target.megabytes() - before < 30


AMBIGUOUS = {
    "length and chunks": ("Content-Length: 5", "Transfer-Encoding: chunked"),
    "chunks and length": ("Transfer-Encoding: chunked", "Content-Length: 5"),
    "two lengths": ("Content-Length: 5", "Content-Length: 6"),
    "a list of lengths": ("Content-Length: 5, 6",),
    "a length with a sign": ("Content-Length: +5",),
    "a negative length": ("Content-Length: -5",),
    "a length in hex": ("Content-Length: 0x5",),
    "a length past 64 bits": ("Content-Length: 99999999999999999999999",),
    "gzip under chunks": ("Transfer-Encoding: gzip, chunked",),
    "chunks under gzip": ("Transfer-Encoding: chunked, gzip",),
    "chunked twice": ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "identity and chunked": ("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
    "a space before the colon": ("Transfer-Encoding : chunked",),
    "a vertical tab": ("Transfer-Encoding: \x0bchunked",),
    "a folded header": ("Transfer-Encoding:", " chunked"),
    "quoted": ('Transfer-Encoding: "chunked"',),
    "a line break in a value": ("X-A: b\rContent-Length: 5",),
    "a null byte in a value": ("X-A: \x00",),
}


@pytest.mark.parametrize("lines", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_ambiguous_framing_is_refused(target: Target, lines: tuple[str, ...]) -> None:
    """Where two readers could see two requests there is one answer, an error, and the second request is never read."""
    hidden = request(TXPUSH, BODY, txpush(BODY, KEY))
    with target.nothing_written(), target.wire() as wire:
        wire.send(head(TXPUSH, *lines), b"0\r\n\r\n", hidden)
        assert [reply.status for reply in wire.replies()] in ([], [400], [413])


BROKEN_CHUNKS = {
    "a size past 64 bits": b"FFFFFFFFFFFFFFFFF\r\na\r\n",
    "no size": b"\r\na\r\n0\r\n\r\n",
    "a negative size": b"-1\r\na\r\n0\r\n\r\n",
    "more than the size": b"1\r\nabc\r\n0\r\n\r\n",
    "an extension of 100 kB": b"1;" + b"a" * 100_000 + b"\r\na\r\n0\r\n\r\n",
    "trailers without end": b"0\r\n" + b"X-A: b\r\n" * 10_000,
}


@pytest.mark.parametrize("body", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS.keys())
def test_broken_chunks(target: Target, body: bytes) -> None:
    """A body whose chunks cannot be read is no body: 400 or a closed connection, and nothing is written."""
    with target.nothing_written(), target.wire() as wire:
        wire.send(head(TXPUSH, "Transfer-Encoding: chunked", *_signed(b"a")), body)
        assert [reply.status for reply in wire.replies()] in ([], [400], [401], [408])


def _signed(body: bytes) -> list[str]:
    return [f"{name}: {value}" for name, value in txpush(body, KEY).items()]


def test_pipelined_requests_are_answered_in_order(target: Target) -> None:
    """Twenty requests in one write: twenty answers, each of its own, and each record once."""
    before = target.written()
    refused = request(f"/{TOKEN}/nothing")
    with target.wire() as wire:
        wire.send((request(TXPUSH, BODY, txpush(BODY, KEY)) + refused) * 10)
        replies = [wire.reply() for _ in range(20)]
    assert [reply.status for reply in replies if reply is not None] == [200, 404] * 10
    assert target.written() == before + 10


def test_a_refused_body_is_no_request(target: Target) -> None:
    """The body of a request that is not looked at is not taken for the next request."""
    inner = request(TXPUSH, BODY, txpush(BODY, KEY))
    with target.nothing_written(), target.wire() as wire:
        wire.send(request("/nothing", inner), request("/nothing"))
        assert {reply.status for reply in wire.replies()} == {404}


def test_a_client_that_never_reads(target: Target) -> None:
    """It fills its own buffers; others are served."""
    with target.wire() as wire:
        wire.send(request("/nothing") * 20_000)
        assert target.post().status == 200


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "post"])
def test_other_methods(target: Target, method: str) -> None:
    """405 names the methods there are; nothing of the request is sent back."""
    reply = target.say(head(TXPUSH, "X-Canary: canary", method=method), method=method)
    assert reply is not None
    assert (reply.status, reply.headers["allow"], reply.body) == (405, "GET, POST", b"")
    unknown = target.say(head("/", method=method), method=method)
    assert unknown is not None
    assert unknown.status == 404


NO_HTTP = {
    "CONNECT": head("hooks.example.com:443", method="CONNECT"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/3": head(TXPUSH, version="HTTP/3.0"),
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 190,
    "no target": b"POST  HTTP/1.1\r\n\r\n",
    "an asterisk": head("*", method="OPTIONS"),
    "a websocket": head(TXPUSH, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", method="GET"),
    "noise": bytes(range(256)) * 10,
}


@pytest.mark.parametrize("start", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_what_is_no_request_of_ours(target: Target, start: bytes) -> None:
    """Other protocols and methods come to an error or a closed connection."""
    with target.nothing_written():
        assert target.status(start) in {None, 400, 404, 405, 505}


PATHS = {
    "another case": f"/{TOKEN.upper()}/txpush",
    "another case of the route": f"/{TOKEN}/TxPush",
    "a slash at the end": f"{TXPUSH}/",
    "two slashes": f"/{TXPUSH}",
    "two slashes within": f"/{TOKEN}//txpush",
    "a step up": f"/x/..{TXPUSH}",
    "a step up, escaped": f"/x/%2e%2e{TXPUSH}",
    "a dot": f"/.{TXPUSH}",
    "an escaped dot": f"/%2e{TXPUSH}",
    "an escaped slash": f"/{TOKEN}%2Ftxpush",
    "an escaped letter": f"/%74{TOKEN[1:]}/txpush",
    "escaped twice": f"/%2574{TOKEN[1:]}/txpush",
    "a null byte": f"{TXPUSH}%00",
    "a line break": f"{TXPUSH}%0d%0aX-A:%20b",
    "a parameter": f"{TXPUSH};a=b",
    "a backslash": f"\\{TOKEN}\\txpush",
    "too short a token": f"/{TOKEN[1:]}/txpush",
    "no token": "/txpush",
    "half an escape": f"{TXPUSH}%",
    "an overlong slash": f"/{TOKEN}%c0%aftxpush",
    "a fragment": f"{TXPUSH}%23a",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_path_has_one_spelling(target: Target, path: str) -> None:
    """What a proxy might have let through as something else is nothing here: 404, whatever was signed."""
    with target.nothing_written():
        assert target.status(request(path, BODY, txpush(BODY, KEY))) in {400, 404}


def test_the_absolute_form_is_the_same_path(target: Target) -> None:
    """As HTTP has it: a whole address in the request line is its path, whoever it names."""
    assert target.status(request(f"http://elsewhere.example.com{TXPUSH}", BODY, txpush(BODY, KEY))) == 200
    assert target.status(request("http://elsewhere.example.com/nothing", BODY, txpush(BODY, KEY))) == 404
